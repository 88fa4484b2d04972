"""Status lists: what is put in comes out; what is not a list is refused."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.identity import SigningKey, TokenError, b64url
from holdfast.identity.revocation import (
    STATUSES_MAX,
    StatusList,
    StatusListError,
    read_status_list,
    sign_status_list,
)

KEY = SigningKey.from_seed(b"k" * 32)
NOW = Instant(1_780_000_000_000_000)
URI = "https://holdfast.example/api/status-list"


def signed(**more) -> str:
    found = StatusList.of({3: 1, 4: 2}, size=64)
    words = {"uri": URI, "key": KEY, "now": NOW, "ttl_s": 15, "lives_s": 60, **more}
    return sign_status_list(found, **words)


@given(st.data(), st.sampled_from([1, 2, 4, 8]), st.integers(1, 300))
def test_every_status_comes_out_as_it_was_put_in(data, bits, size) -> None:
    statuses = data.draw(
        st.dictionaries(st.integers(0, size - 1), st.integers(0, (1 << bits) - 1), max_size=20)
    )
    found = StatusList.read(StatusList.of(statuses, size=size, bits=bits).lst(), bits=bits)
    assert [found.status(i) for i in range(size)] == [statuses.get(i, 0) for i in range(size)]


def test_a_status_outside_the_list_or_its_bits_is_refused() -> None:
    with pytest.raises(StatusListError):
        StatusList.of({8: 1}, size=8)
    with pytest.raises(StatusListError):
        StatusList.of({0: 4}, size=8)
    with pytest.raises(StatusListError):
        StatusList.of({}, size=8).status(8)
    with pytest.raises(StatusListError):
        StatusList.of({}, size=8).status(-1)


@pytest.mark.parametrize(
    "lst",
    [
        "",
        "not base64",
        b64url(b"not zlib"),
        b64url(zlib.compress(b"\0" * 64)[:-4]),
        b64url(zlib.compress(b"\0") + b"more"),
        b64url(zlib.compress(b"\0" * (STATUSES_MAX // 4 + 1))),
    ],
)
def test_what_is_cut_short_followed_by_more_or_too_large_unpacked_is_refused(lst) -> None:
    with pytest.raises(StatusListError):
        StatusList.read(lst, bits=2)


def test_a_signed_list_is_read_by_its_key_for_its_address_until_it_expires() -> None:
    found = read_status_list(signed(), KEY.public, uri=URI, now=NOW)
    assert [found.status(i) for i in (2, 3, 4)] == [0, 1, 2]
    with pytest.raises(StatusListError):
        read_status_list(signed(), KEY.public, uri=URI + "/other", now=NOW)
    with pytest.raises(StatusListError):
        read_status_list(signed(), KEY.public, uri=URI, now=Instant(NOW + 60_000_000))
    with pytest.raises(TokenError):
        read_status_list(signed(), SigningKey.from_seed(b"o" * 32).public, uri=URI, now=NOW)
    with pytest.raises(TokenError):
        token = KEY.sign({"typ": "JWT"}, {"sub": URI})
        read_status_list(token, KEY.public, uri=URI, now=NOW)
