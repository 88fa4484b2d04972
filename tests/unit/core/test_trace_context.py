"""W3C Trace Context: what counts as sent, what goes on, and which ids a call has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import (
    CallId,
    Instant,
    may_go_on,
    read_traceparent,
    sent_on,
    trace_of,
    ulid,
    ulid_number,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-01"
CALLS = st.builds(
    lambda at, noise: CallId(ulid(Instant(at), noise)),
    st.integers(1000, 2**47 * 1000),
    st.binary(min_size=10, max_size=10),
)
HEX = st.integers(1, 2**128 - 1).map("{:032x}".format)
SPANS = st.integers(1, 2**64 - 1).map("{:016x}".format)


@pytest.mark.parametrize(
    "text",
    [
        SENT,
        f"00-{TRACE}-{SPAN}-00",
        f"00-{TRACE}-{SPAN}-ff",
        f"00-{'0' * 31}1-{'0' * 15}1-00",
        f"01-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01",
        f"fe-{TRACE}-{SPAN}-09",
    ],
)
def test_what_is_valid_is_read_as_it_stands(text):
    assert read_traceparent(text.encode()) == text


@pytest.mark.parametrize("tail", ["-", "-what-the-future-holds", "-01-00.;"])
def test_of_a_later_version_its_beginning_is_read(tail):
    text = f"cc-{TRACE}-{SPAN}-01"
    assert read_traceparent((text + tail).encode()) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "00-",
        SENT[:-1],
        SENT + "-",
        SENT + "-extra",
        SENT + ".",
        SENT + "\n",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"000-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01.what",
        f"cc-{TRACE}-{SPAN}-010",
        f".0-{TRACE}-{SPAN}-01",
        f"0.-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-.{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-.{SPAN[1:]}-01",
        f"00-{TRACE}-{SPAN}-.0",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE}-{SPAN[:-1]}-01",
        f"00-{TRACE}-{SPAN}0-01",
        SENT.upper(),
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        f"{SENT}, {SENT}",
        f" {SENT}",
        "00-" + "\u0661" * 32 + f"-{SPAN}-01",
    ],
)
def test_what_is_malformed_counts_as_not_sent(text):
    assert read_traceparent(text.encode("utf-8")) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_without_a_fault(data):
    found = read_traceparent(data)
    assert found is None or data.startswith(found.encode())


@given(CALLS, HEX, SPANS, st.integers(0, 255))
def test_a_call_within_a_trace_stays_in_it(call, trace, span, flags):
    sent = f"00-{trace}-{span}-{flags:02x}"
    ids, onward = trace_of(call, sent), sent_on(call, sent).decode()
    assert (ids.trace, ids.parent, ids.is_sampled) == (trace, span, bool(flags & 1))
    assert onward == f"00-{trace}-{ids.client}-{flags & 3:02x}"
    assert len({ids.client, ids.server}) == 2


@given(CALLS)
def test_a_call_without_a_trace_begins_one_of_its_own_id(call):
    ids, onward = trace_of(call, None), sent_on(call, None)
    assert ids.trace == f"{ulid_number(call):032x}"
    assert ids.parent is None
    assert read_traceparent(onward) == f"00-{ids.trace}-{ids.client}-01"


@given(CALLS)
def test_a_ulid_s_number_is_what_it_was_made_of(call):
    number = ulid_number(call)
    assert ulid(Instant((number >> 80) * 1000), (number & 2**80 - 1).to_bytes(10, "big")) == call


@pytest.mark.parametrize("low", [0, 1, 2, 3])
def test_no_span_id_is_zero_and_none_is_another_s(low):
    call = CallId(ulid(Instant(10**15), low.to_bytes(10, "big")))
    ids = trace_of(call, None)
    assert "0" * 16 not in (ids.server, ids.client)
    assert ids.server != ids.client
    assert sent_on(call, None).split(b"-")[2].decode() == ids.client


@pytest.mark.parametrize(
    "text", ["", "x", "0" * 25, "0" * 27, "8" + "0" * 25, "0" * 25 + "U", "_" * 26, "é" * 26]
)
def test_what_is_no_ulid_has_ids_all_the_same(text):
    with pytest.raises(ValueError):
        ulid_number(text)
    ids = trace_of(text, None)
    assert read_traceparent(f"00-{ids.trace}-{ids.client}-01".encode()) is not None


@given(CALLS, st.text(max_size=60))
def test_what_is_no_traceparent_in_a_record_counts_as_none(call, text):
    assert trace_of(call, f"x{text}") == trace_of(call, None)


@pytest.mark.parametrize(
    ("state", "may"),
    [("", True), ("a=1,b=2", True), ("a=1,\tb=2", True), ("a=\n1", False), ("a=é", False)],
)
def test_a_tracestate_goes_on_as_text_only(state, may):
    assert may_go_on(state) is may


def test_a_tracestate_has_a_bound():
    assert may_go_on("a" * 8192)
    assert not may_go_on("a" * 8193)
