"""The call log: one line for every call that ended, exactly; never more in memory than its bound."""

import contextlib
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.app import call_log
from holdfast.app.call_log import CallLog, CallLogError
from holdfast.audit import RECORD_VERSION, CallRecord, ChangeRecord
from holdfast.core import Instant, ulid
from holdfast.history import Heard, first_token_of
from holdfast.telemetry import stage_times
from holdfast.telemetry.call_lines import CallLine, line_of

AT = 1_795_250_096_123_456
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ENDS = ("call", "closed")


def record(number: int = 0, **changes) -> CallRecord:
    fields = {
        "action": "generate",
        "at": AT + number,
        "attempts": 1,
        "blueprint": "sha256:" + "b" * 64,
        "bundle": "sha256:" + "c" * 64,
        "call": ulid(Instant(AT + number), number.to_bytes(10, "big")),
        "decision": "allow",
        "duration_us": 812_402,
        "event": "call",
        "outcome": "answered",
        "principal": "spiffe://holdfast.local/t/default/service/desk",
        "prompt": "hmac-sha256:" + "d" * 64,
        "relationship": "desk-reviewer",
        "resource": "reviewer",
        "stages_us": (11, 16, 25, 27, 42, 812_345, 812_402),
        "status": 200,
        "tenant": "default",
        "tokens_in": 10,
        "tokens_out": 20,
        "v": RECORD_VERSION,
        "worker": 0,
    }
    return CallRecord(**fields | changes)


def change(number: int) -> ChangeRecord:
    return ChangeRecord(
        at=AT, by="ann", change=f"01K{number}", kind="agent.revoked", subject="agent:x", v=1
    )


def heard(*records, start: int = 0, is_old: bool = False) -> list[Heard]:
    return [Heard(start + i, each, is_old) for i, each in enumerate(records)]


@contextlib.contextmanager
def writing(path: Path):
    """A call log; when the block has ended all that it heard is written."""
    found = CallLog(str(path))
    try:
        yield found
    finally:
        found.close()


def lines(path: Path) -> list[dict]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line]


entries = st.lists(
    st.one_of(
        st.sampled_from(["call", "closed", "opened", "intent"]).map(lambda event: ("call", event)),
        st.just(("change", "")),
    ),
    max_size=40,
)


@given(entries=entries, cut=st.integers(0, 40))
def test_every_call_that_ended_has_one_line_exactly_also_over_a_restart(
    entries, cut, tmp_path_factory
):
    path = tmp_path_factory.mktemp("log") / "calls.jsonl"
    log = heard(
        *(
            record(i, event=event) if kind == "call" else change(i)
            for i, (kind, event) in enumerate(entries)
        )
    )
    with writing(path) as first:
        first.hear(log[:cut])
    with writing(path) as second:  # hears some again: its reader had not come further
        second.hear(log[cut // 2 :])
    wanted = [
        each.record.call
        for each in log
        if isinstance(each.record, CallRecord) and each.record.event in ENDS
    ]
    assert [line["call"] for line in lines(path)] == wanted


def test_a_line_has_the_fields_that_are_promised_and_no_content():
    trace = f"00-{TRACE}-{'b' * 16}-01"
    fallen = record(trace=trace, cost=1_500, fallback="desk-other", node="other", rule=None)
    line = msgspec.json.decode(line_of(fallen, 7))
    assert line["trace_id"] == TRACE
    assert line["parent_span_id"] == "b" * 16
    assert line["span_id"] == f"{int.from_bytes((0).to_bytes(10, 'big')[-8:], 'big') or 2:016x}"
    assert (line["caller"], line["callee"], line["node"]) == ("desk", "reviewer", "other")
    assert line["stages_us"] == {
        "accept": 11, "authenticate": 5, "authorize": 9, "guard": 2, "route": 15, "send": 812_360,
    }  # fmt: skip
    assert (line["cost"], line["index"], line["tokens_out"]) == (1_500, 7, 20)
    assert set(line) <= set(CallLine.__struct_fields__)
    assert b"hmac" not in line_of(fallen, 7)


def test_a_call_without_a_trace_of_its_caller_has_the_one_made_of_its_id():
    line = msgspec.json.decode(line_of(record(3), 1))
    assert len(line["trace_id"]) == 32
    assert "parent_span_id" not in line


def test_the_stages_of_a_refused_call_end_with_the_one_that_refused_it():
    refused = record(outcome="refused", status=403, stages_us=(11, 16, 25, 31))
    assert stage_times(refused) == {"accept": 11, "authenticate": 5, "authorize": 9}
    assert first_token_of(refused) is None


def test_only_a_stream_has_a_first_token():
    assert first_token_of(record()) is None
    stream = record(event="closed", stages_us=(11, 16, 25, 27, 42, 90_000, 812_402))
    assert first_token_of(stream) == 90_000


def test_old_records_have_had_their_line(tmp_path):
    path = tmp_path / "calls.jsonl"
    with writing(path) as log:
        log.hear(heard(record(1), is_old=True))
        log.hear(heard(record(2), start=1))
    assert [line["index"] for line in lines(path)] == [1]


def test_after_rotation_lines_go_to_a_new_file_and_none_is_lost(tmp_path):
    path, away = tmp_path / "calls.jsonl", tmp_path / "calls.jsonl.1"
    with writing(path) as log:
        log.hear(heard(record(1)))
    with writing(path) as log:
        log.hear(heard(record(2), start=1))
        path.rename(away)
        log.reopen()
        log.hear(heard(record(3), start=2))
    told = [line["index"] for place in (away, path) for line in lines(place)]
    assert sorted(told) == [0, 1, 2]
    assert 2 in [line["index"] for line in lines(path)]


def test_a_torn_line_is_ended_and_the_next_stands_on_its_own(tmp_path):
    path = tmp_path / "calls.jsonl"
    with writing(path) as log:
        log.hear(heard(record(1)))
    with path.open("ab") as file:
        file.write(b'{"call":"01')
    with writing(path) as log:
        log.hear(heard(record(1), record(2)))
    first, torn, last = path.read_bytes().splitlines()
    assert torn == b'{"call":"01'
    assert [msgspec.json.decode(each)["index"] for each in (first, last)] == [0, 1]


def test_what_finds_no_room_is_dropped_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(call_log, "LINES_MAX", 4)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    log = CallLog(str(fifo))
    try:
        for i in range(2_000):  # nobody reads: the pipe is full before
            log.hear(heard(record(i), start=i))
        assert log.dropped() > 0
    finally:
        os.close(reader)
        log.close()


def test_a_place_that_cannot_be_written_is_said_at_the_start(tmp_path):
    with pytest.raises(CallLogError) as caught:
        CallLog(str(tmp_path))
    assert "--call-log" in caught.value.fix
