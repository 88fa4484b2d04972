import hmac
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import (
    Instant,
    Salt,
    canonical_json,
    rfc3339,
    ulid,
    ulid_instant,
)

INSTANTS = st.integers(0, 2**47 * 1000)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(max_codepoint=0x7F), max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(value=VALUES)
def test_canonical_json_is_rfc_8785(value):
    assert canonical_json(value) == rfc8785.dumps(value)
    assert json.loads(canonical_json(value)) == value


@given(at=INSTANTS, noise=st.binary(min_size=10, max_size=10))
def test_a_ulid_holds_its_instant_to_the_millisecond(at, noise):
    text = ulid(Instant(at), noise)
    assert len(text) == 26
    assert ulid_instant(text) == at // 1000 * 1000


@given(first=INSTANTS, second=INSTANTS, noise=st.binary(min_size=10, max_size=10))
def test_ulids_sort_by_time(first, second, noise):
    low, high = sorted((first // 1000, second // 1000))
    assert ulid(Instant(low * 1000), noise) <= ulid(Instant(high * 1000), noise)


def test_the_example_of_the_ulid_specification_has_its_time():
    assert ulid_instant("01ARZ3NDEKTSV4RRFFQ69G5FAV") == 1469922850259 * 1000


def test_what_is_no_ulid_is_said_to_be_none():
    for text in ("", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAU"):
        with pytest.raises(ValueError):
            ulid_instant(text)


@given(salt=st.binary(min_size=32, max_size=32), pieces=st.lists(st.binary(max_size=50)))
def test_a_salted_digest_is_hmac_sha256_however_the_bytes_arrive(salt, pieces):
    hasher = Salt(salt).hasher()
    for piece in pieces:
        hasher.update(piece)
    whole = b"".join(pieces)
    expected = "hmac-sha256:" + hmac.digest(salt, whole, "sha256").hex()
    assert hasher.digest() == Salt(salt).digest(whole) == expected


def test_an_instant_reads_as_rfc_3339_with_microseconds():
    assert rfc3339(Instant(1)) == "1970-01-01T00:00:00.000001Z"
    assert rfc3339(Instant(1_800_000_000_000_000)) == "2027-01-15T08:00:00.000000Z"
