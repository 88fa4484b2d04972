"""Heads, read alone: what repeats is joined or refused, and any split gives the same head."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.heads import ChunkedBody, HeadError, HeadReader
from holdfast.wire.limits import WireLimits

TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-", min_size=1, max_size=12)
VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
SINGLE = ("host", "authorization", "content-type", "expect")
START = b"POST /v1/x?y=1 HTTP/1.1\r\nHost: a\r\n"


def read(data: bytes):
    found = HeadReader().read(data, WireLimits())
    assert found is not None
    return found


@given(fields=st.lists(st.tuples(TOKEN.map(lambda name: "x-" + name), VALUE), max_size=20))
def test_every_field_is_read_under_its_lower_case_name_and_repeats_are_joined(fields):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    head, size = read(START + lines.encode() + b"\r\nrest")
    expected: dict[bytes, bytes] = {b"host": b"a"}
    for name, value in fields:
        key, text = name.lower().encode(), value.encode()
        expected[key] = expected[key] + b", " + text if key in expected else text
    assert head.headers == expected
    assert (head.method, head.target) == (b"POST", b"/v1/x?y=1")
    assert size == len(START) + len(lines) + 2


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_a_field_that_may_stand_once_is_refused_when_it_stands_twice(name, spell):
    lines = f"{name}: a\r\n{spell(name)}: a\r\n".encode()
    head = START.replace(b"Host: a\r\n", b"") if name == "host" else START
    with pytest.raises(HeadError, match="may not repeat") as caught:
        read(head + lines + b"\r\n")
    assert caught.value.status == 400


@given(cut=st.integers(0, 60))
def test_a_head_without_its_end_is_waited_for(cut):
    whole = START + b"Accept: */*\r\n\r\n"
    reader = HeadReader()
    if cut < len(whole):
        assert reader.read(whole[:cut], WireLimits()) is None
    assert reader.read(whole, WireLimits()) is not None


def test_one_reader_reads_head_after_head_past_their_bodies():
    reader = HeadReader()
    for number in range(5):
        body = b"x" * number
        data = START + b"X-N: %d\r\nContent-Length: %d\r\n\r\n" % (number, number) + body
        found = reader.read(data, WireLimits())
        assert found is not None
        head, _ = found
        assert head.headers[b"x-n"] == b"%d" % number
        assert head.length == number
        reader.skip(body)


@given(pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=8), cut=st.integers(0, 300))
def test_a_chunked_body_is_the_sum_of_its_chunks_however_it_arrives(pieces, cut):
    stream = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    body = ChunkedBody(WireLimits())
    for part in (stream[:cut], stream[cut:]):
        if part:
            body.feed(part)
    assert body.is_complete
    assert body.whole() == b"".join(pieces)
