import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire import EventSplitter, ProtocolError
from holdfast.wire.sse import EVENT_BYTES_MAX

EVENTS = st.lists(
    st.tuples(st.binary(min_size=1, max_size=30), st.sampled_from([b"\n\n", b"\r\n\r\n"])),
    max_size=10,
).map(
    lambda events: b"".join(
        b"data: " + d.replace(b"\n", b"").replace(b"\r", b"") + end for d, end in events
    )
)


@given(events=EVENTS, cuts=st.lists(st.integers(0, 400), max_size=20), rest=st.binary(max_size=20))
def test_only_whole_events_leave_and_nothing_is_lost(events, cuts, rest):
    rest = b"data: " + rest.replace(b"\n", b"").replace(b"\r", b"")
    stream = events + rest
    places = sorted({min(c, len(stream)) for c in cuts} | {0, len(stream)})
    splitter, out = EventSplitter(), []
    for start, end in zip(places, places[1:], strict=False):
        out.append(splitter.feed(stream[start:end]))
    assert all(
        piece == b"" or piece.endswith(b"\n\n") or piece.endswith(b"\r\n\r\n") for piece in out
    )
    assert b"".join(out) + splitter.rest == stream
    assert b"".join(out) == events


def test_an_event_without_end_is_refused():
    splitter = EventSplitter()
    with pytest.raises(ProtocolError):
        for _ in range(EVENT_BYTES_MAX // 65536 + 2):
            splitter.feed(b"x" * 65536)
