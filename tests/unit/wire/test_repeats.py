"""A head that repeats is known by its bytes, and never read otherwise than it would be afresh."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.heads import Head, HeadError, HeadReader
from holdfast.wire.limits import WireLimits
from holdfast.wire.repeats import HEAD_BYTES_MAX, LEARN_EVERY, KnownHead

LIMITS = WireLimits(body_bytes=5_000)
FIELDS = ("", "X-A: 7\r\n", "X-A: 7, 12\r\nx-a: 3\r\n", "Connection: close\r\n", "Expect: x\r\n")
STATED = st.one_of(
    st.integers(0, 6_000).map(str),
    st.sampled_from(["", " 7", "7 ", "\t7", "007", "+7", "-7", "7, 7", "0x7", "7\n", "\u0667"]),
    st.text("0123456789 ,+x", max_size=18),
)
REFUSAL = 3
MESSAGE = st.tuples(st.sampled_from(FIELDS), st.sampled_from(FIELDS), STATED, st.booleans())


def message(before: str, behind: str, stated: str, *, has_length: bool) -> bytes:
    length = f"Content-Length: {stated}\r\n" if has_length else ""
    return f"POST /v1/x HTTP/1.1\r\nHost: a\r\n{before}{length}{behind}\r\n".encode()


def read(reader: HeadReader, data: bytes):
    """What is read, as one value: the head and its size, or the refusal."""
    try:
        found = reader.read(data, LIMITS)
    except HeadError as error:
        return error.status, error.code, str(error)
    assert found is not None
    head, size = found
    return *(getattr(head, name) for name in Head.__struct_fields__), size


@given(messages=st.lists(MESSAGE, min_size=2, max_size=40))
def test_a_connection_reads_every_head_as_a_fresh_one_would(messages):
    reader = HeadReader()
    for before, behind, stated, has_length in messages:
        data = message(before, behind, stated, has_length=has_length)
        expected = read(HeadReader(), data)
        assert read(reader, data) == expected
        fields = dict(zip(Head.__struct_fields__, expected, strict=False))
        if len(expected) == REFUSAL or not fields["keep_alive"]:
            reader = HeadReader()  # the connection ends here
        else:
            reader.skip(b"x" * fields["length"])


@given(lengths=st.lists(st.integers(1, 5_000), min_size=2, max_size=10))
def test_heads_that_differ_in_their_length_share_their_fields(lengths):
    reader = HeadReader()
    seen = set()
    for length in lengths:
        found = reader.read(message("", "X-A: 7\r\n", str(length), has_length=True), LIMITS)
        assert found is not None
        assert found[0].length == length
        seen.add(id(found[0].headers))
    assert len(seen) == 1


def test_a_known_head_does_not_carry_a_body_beyond_the_limit():
    reader = HeadReader()
    for length in (7, 7, 5_000):
        assert read(reader, message("", "", str(length), has_length=True))[-1] > 0
        reader.skip(b"x" * length)
    assert read(reader, message("", "", "5001", has_length=True))[:2] == (413, "body")


def test_new_limits_are_held_against_a_known_head():
    reader = HeadReader()
    data = message("X-A: 7\r\n" * 5, "", "7", has_length=True)
    assert reader.read(data, LIMITS) is not None
    reader.skip(b"x" * 7)
    with pytest.raises(HeadError, match="at most 2 header fields"):
        reader.read(data, WireLimits(headers=2))


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nx: 7\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\nx: 7\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 07\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 7 \r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nx: " + b"y" * HEAD_BYTES_MAX + b"\r\n\r\n",
    ],
)
def test_a_head_without_the_length_s_digits_in_their_place_is_not_learnt(head):
    known = KnownHead()
    assert not known.learn(head, 7)
    assert known.match(head) is None


def test_only_whole_heads_match():
    known = KnownHead()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nx: y\r\n\r\n"
    assert known.learn(head, 7)
    for cut in range(len(head)):
        assert known.match(head[:cut]) is None
    assert known.match(head + b"rest") == (len(head), 7)


def test_where_no_head_repeats_few_are_learnt():
    known = KnownHead()
    heads = [b"HTTP/1.1 200 OK\r\nx: %d\r\ncontent-length: 7\r\n\r\n" % n for n in range(64)]
    assert sum(known.learn(head, 7) for head in heads) == 64 // LEARN_EVERY
