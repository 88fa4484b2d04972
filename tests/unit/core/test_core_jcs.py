"""RFC 8785 and strict reading."""

import math
import struct

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import JsonError, JsonValue, jcs, read_json

# RFC 8785, appendix B: the bits of a double, and how it is written.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]

doubles = st.floats(allow_nan=False, allow_infinity=False)
safe = st.integers(-(2**53) + 1, 2**53 - 1)
values = st.recursive(
    st.none() | st.booleans() | safe | doubles | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_numbers_are_written_as_in_appendix_b(bits: str, text: str) -> None:
    value = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert jcs(value) == text.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_have_no_form(value: float) -> None:
    with pytest.raises(JsonError):
        jcs(value)


def test_members_are_sorted_by_utf16_as_in_section_3_2_3() -> None:
    found = jcs(
        {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\xf6": 7}
    )
    assert list(read_json(found) or ()) == [  # type: ignore[arg-type]
        "\r", "1", "\u0080", "\xf6", "\u20ac", "\U0001f600", "\ufb33",
    ]  # fmt: skip


@given(values)
def test_the_bytes_are_those_of_the_reference_implementation(value: JsonValue) -> None:
    try:
        ours = jcs(value)
    except JsonError:
        with pytest.raises(rfc8785.CanonicalizationError):
            rfc8785.dumps(value)
    else:
        assert ours == rfc8785.dumps(value)


@given(values)
def test_reading_canonical_bytes_gives_the_value_and_the_same_bytes(value: JsonValue) -> None:
    try:
        written = jcs(value)
    except JsonError:
        return  # half of a surrogate pair
    assert jcs(read_json(written)) == written


def test_large_whole_numbers_keep_every_digit_so_that_no_two_share_a_digest() -> None:
    assert jcs(2**63 - 1) == b"9223372036854775807"
    assert jcs(2**63 - 2) != jcs(2**63 - 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a":1,"a":2}', "stands twice"),
        (b'{"x":[{"a":1,"\\u0061":2}]}', "stands twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1e400}', "beyond a double"),
        (b"1" * 400, "beyond a double"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'"\xff"', "not UTF-8"),
        (b"[" * 65 + b"]" * 65, "deeper"),
        (b'{"a":' * 100_000, "deeper"),
        (b"{'a':1}", "at character"),
        (b"", "at character"),
        (b"{} {}", "at character"),
        (b"\xef\xbb\xbf{}", "at character"),
    ],
)
def test_what_is_not_strict_json_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(JsonError, match=why):
        read_json(text)


def test_brackets_inside_strings_are_no_depth() -> None:
    assert read_json(b'["' + b'[\\"{' * 200 + b'"]') == ['[\\"{'.replace("\\", "") * 200]
