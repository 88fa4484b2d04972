"""Calls of the past: whatever is asked, the answer is what a look at every record would give."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.audit import CallRecord, ChangeRecord
from holdfast.core import trace_of
from holdfast.history import (
    PAGE_MAX,
    CallIndex,
    CallQuery,
    ForeignHistoryError,
    Heard,
    Moment,
    QueryError,
    StoredHistory,
)
from holdfast.testing import history_of
from holdfast.world.ports import WorldError
from holdfast.world.sim import SimStore

LOG = "holdfast.test/log"


def named(record: CallRecord) -> str | None:
    sent = record.trace[3:35] if record.trace else None
    return record.session or record.txn or sent


def is_asked(record: CallRecord, query: CallQuery) -> bool:
    told: dict[str, Any] = {
        "caller": record.principal.rpartition("/")[2] if record.principal else None,
        "callee": record.resource,
        "relationship": record.relationship,
        "principal": record.principal,
        "outcome": record.outcome,
        "rule": record.rule,
        "tool": record.tool,
        "trace": trace_of(record.call, record.trace).trace,
        "session": named(record),
    }
    asked = msgspec.structs.asdict(query)
    return (
        all(asked[name] in {None, value} for name, value in told.items())
        and (query.since is None or record.at >= query.since)
        and (query.until is None or record.at < query.until)
        and (query.before is None or record.call < query.before)
        and (query.after is None or record.call > query.after)
    )


def looked_for(records: list[CallRecord], query: CallQuery) -> list[str]:
    found = sorted((r.call for r in records if is_asked(r, query)), reverse=True)
    if query.after is not None and query.before is None:
        return found[-query.limit :]
    return found[: query.limit]


def queries(records: list[CallRecord]) -> st.SearchStrategy[CallQuery]:
    """Words, times and pages taken from the records themselves, in any combination."""
    one = st.sampled_from(records)
    words = {
        "caller": one.map(lambda r: r.principal and r.principal.rpartition("/")[2]),
        "callee": one.map(lambda r: r.resource),
        "relationship": one.map(lambda r: r.relationship),
        "principal": one.map(lambda r: r.principal),
        "outcome": one.map(lambda r: r.outcome),
        "rule": one.map(lambda r: r.rule),
        "tool": one.map(lambda r: r.tool),
        "trace": one.map(lambda r: trace_of(r.call, r.trace).trace),
        "session": one.map(named),
        "since": one.map(lambda r: r.at),
        "until": one.map(lambda r: r.at),
        "before": one.map(lambda r: r.call),
        "after": one.map(lambda r: r.call),
    }
    limit = st.sampled_from((1, 3, PAGE_MAX))
    return st.fixed_dictionaries({"limit": limit}, optional=words).map(lambda q: CallQuery(**q))


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_search_finds_what_a_look_at_every_record_finds(past, data):
    records = data.draw(past.records().filter(len))
    history = history_of(records)
    for _ in range(5):
        query = data.draw(queries(records))
        assert [call.call for call in history.calls(query)] == looked_for(records, query)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_call_is_told_as_its_record_tells_it(past, data):
    records = data.draw(past.records(size=8).filter(len))
    history = history_of(records)
    for index, record in enumerate(records):
        call = history.call(record.call)
        assert call is not None
        for name in (
            "at",
            "principal",
            "node",
            "relationship",
            "action",
            "tool",
            "outcome",
            "rule",
        ):
            assert getattr(call, name) == getattr(record, name)
        for name in ("status", "duration_us", "tokens_in", "tokens_out", "cost", "attempts"):
            assert getattr(call, name) == getattr(record, name)
        assert call.index == index
        assert call.trace == trace_of(record.call, record.trace).trace
        assert call.session == named(record)
        assert call.callee == record.resource
        assert call.first_token_us == (record.stages_us[5] if record.event == "closed" else None)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_however_it_was_cut_into_batches_the_history_is_the_same(past, data):
    records = data.draw(past.records(days=3.0))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)), max_size=6)))
    bit_by_bit = history_of([])
    for start, end in zip([0, *cuts], [*cuts, len(records)], strict=True):
        bit_by_bit.tell(*records[start:end])
    assert told_by(bit_by_bit, past) == told_by(history_of(records), past)


def told_by(history, past) -> tuple[object, ...]:
    since = past.now - 4 * 1440 * past.minute
    measures = ("calls", "tokens", "latency")
    return (
        history.extent(),
        history.calls(CallQuery(limit=PAGE_MAX)),
        history.sessions(limit=PAGE_MAX),
        history.traffic(since, past.now + 1),
        [history.series(each, since=since, until=past.now, step_s=3600) for each in measures],
    )


class OutageError(WorldError):
    """The disk fails, now and then."""


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_crash_between_batches_loses_nothing_and_doubles_nothing(past, data):
    records = data.draw(past.records(days=1.0, size=20))
    fails = data.draw(st.lists(st.booleans(), max_size=12))
    plan = iter([False] * 3 + fails)

    def disk() -> None:
        if next(plan, False):
            raise OutageError("the disk is full")

    store = SimStore(before_write=disk)
    heard = [Heard(index, record) for index, record in enumerate(records)]
    index = CallIndex(store, log=LOG)
    while index.upto < len(records):
        start = index.upto
        try:
            index.take(heard[max(0, start - 2) : start + 4], upto=min(start + 4, len(records)))
        except OutageError:
            index = opened_again(store)
    assert told_by(StoredHistory(store), past) == told_by(history_of(records), past)


def opened_again(store: SimStore) -> CallIndex:
    while True:
        try:
            return CallIndex(store, log=LOG)
        except OutageError:
            continue


def test_what_opens_a_call_is_no_call_and_what_ends_it_is(past):
    history = history_of([past.record(event="intent", outcome="open")])
    assert history.calls(CallQuery()) == ()
    history.tell(past.record(event="opened", outcome="open"), past.record(event="closed"))
    assert [call.index for call in history.calls(CallQuery())] == [2]
    assert history.extent().upto == 3


def test_an_entry_that_no_gateway_wrote_is_passed_over(past):
    history = history_of([past.record(call="01LOST"), past.record()])
    assert len(history.calls(CallQuery())) == 1
    assert history.call("01LOST") is None


def test_calls_that_asked_the_same_are_alike(past):
    asked = {"arguments": "hmac-sha256:" + "e" * 64, "tool": "search"}
    one, same, other, silent = (
        past.record(past.now, 1, **asked),
        past.record(past.now, 2, **asked, session="talk"),
        past.record(past.now, 3, **asked | {"tool": "write"}),
        past.record(past.now, 4, prompt=None),
    )
    history = history_of([one, same, other, silent])
    alike = {call.call: call.alike for call in history.calls(CallQuery())}
    assert alike[one.call] == alike[same.call] != alike[other.call]
    assert alike[silent.call] is None


def test_what_only_strangers_ask_for_has_a_bound(past):
    refused = {"outcome": "refused", "relationship": None, "rule": "relationship.undeclared"}
    strange = [past.record(past.now, n, resource=f"made-up-{n}", **refused) for n in range(1_100)]
    history = history_of([*strange, past.record(past.now, 5_000, resource="late-but-real")])
    names = {each.callee for each in history.traffic(past.now, past.now + 1)}
    assert len(names) == 1_002  # the first thousand, one for all others, the real one
    assert {"made-up-999", "late-but-real", "…"} <= names
    assert len(history.calls(CallQuery(callee="…", limit=PAGE_MAX))) == 100


def test_a_change_is_a_moment_with_its_place_in_the_log(past):
    change = ChangeRecord(
        at=past.now, by="ann", change="01C", kind="passport.suspended", subject="desk", v=1
    )
    noted = Moment(at=past.now + 1, kind="passport", subject="x", text="y")
    other = Moment(at=past.now + 2, kind="passports.none", subject="x", text="y")
    history = history_of([past.record(), change], [noted, other])
    until = past.now + 10
    assert [each.kind for each in history.moments(0, until)] == [
        "passports.none",
        "passport",
        "passport.suspended",
    ]
    found = history.moments(0, until, kind="passport")
    assert [(each.by, each.index) for each in found] == [(None, None), ("ann", 1)]
    assert history.moments(0, past.now) == ()


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_session_adds_up_its_calls(past, data):
    records = data.draw(past.records())
    history = history_of(records)
    names = {name for record in records if (name := named(record)) is not None}
    assert {each.session for each in history.sessions(limit=PAGE_MAX)} == names
    for name in names:
        mine = [record for record in records if named(record) == name]
        session = history.session(name)
        assert session is not None
        callers = [r.principal.rpartition("/")[2] for r in mine if r.principal is not None]
        assert session.agents == tuple(dict.fromkeys(callers))
        assert (session.began, session.last) == (min(r.at for r in mine), max(r.at for r in mine))
        assert (session.calls, session.cost) == (len(mine), sum(r.cost or 0 for r in mine))
        assert session.refused == sum(r.outcome == "refused" for r in mine)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_sessions_come_newest_first_whoever_is_asked_for(past, data):
    records = [
        msgspec.structs.replace(record, session=f"talk-{data.draw(st.integers(0, 9))}")
        for record in data.draw(past.records())
    ]
    history = history_of(records)
    everybody = history.sessions(limit=PAGE_MAX)
    assert [each.last for each in everybody] == sorted((e.last for e in everybody), reverse=True)
    limit = data.draw(st.integers(1, 10))
    desk = [each for each in everybody if "desk" in each.agents]
    asked = history.sessions(agent="desk", limit=limit)
    assert [each.last for each in asked] == [each.last for each in desk[:limit]]
    if desk:
        older = history.sessions(agent="desk", before=desk[0].last, limit=PAGE_MAX)
        assert set(older) == {each for each in desk if each.last < desk[0].last}


def test_a_page_of_no_size_and_a_call_that_is_none_are_no_questions(past):
    history = history_of([past.record()])
    for query in (CallQuery(limit=0), CallQuery(limit=PAGE_MAX + 1), CallQuery(before="?")):
        with pytest.raises(QueryError):
            history.calls(query)
    with pytest.raises(QueryError):
        history.calls(CallQuery(trace="not hexadecimal"))


def test_the_history_of_another_log_is_not_continued():
    store = SimStore()
    CallIndex(store, log=LOG)
    with pytest.raises(ForeignHistoryError):
        CallIndex(store, log="another.test/log")


def test_the_oldest_calls_go_and_the_rest_stays(past):
    store = SimStore()
    index = CallIndex(store, log=LOG)
    day = 1440 * past.minute
    records = [past.record(past.now - age * day, age, session=f"s-{age}") for age in range(100)]
    index.take([Heard(n, record) for n, record in enumerate(records)], upto=len(records))
    index.prune(past.now)
    history = StoredHistory(store)
    left = history.calls(CallQuery(limit=PAGE_MAX))
    assert {call.at for call in left} == {r.at for r in records if r.at >= past.now - 90 * day}
    assert {each.session for each in history.sessions(limit=PAGE_MAX)} == {c.session for c in left}
    assert history.extent().calls == len(left)
    assert sum(each.calls for each in history.traffic(0, past.now + 1)) >= len(records) - 1
