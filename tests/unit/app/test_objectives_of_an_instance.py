"""Objectives and anomalies of an instance: read from its history, told in its log, by the command."""

import json

import pytest
import structlog
from click.testing import CliRunner

from holdfast.app.datadir import DataDir
from holdfast.app.objectives import GRACE_S, LEARN_DAYS, ObjectiveDesk
from holdfast.audit import RECORD_VERSION, CallRecord
from holdfast.blueprint import load
from holdfast.cli import main
from holdfast.core import Instant, ulid
from holdfast.history import CallIndex, Heard, HistoryError
from holdfast.testing import history_of
from holdfast.world.real import SqliteStore, SystemClock

NOW = 1_795_250_100_000_000 // 300_000_000 * 300_000_000
SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
FILE = """\
holdfast: 1
name: x
nodes:
  desk: {{type: service, description: d}}
  main:
    type: ai:llm
    description: d
    controls: {{upstream: {{url: "http://127.0.0.1:1/v1"}}, objectives: {{availability: {share}}}}}
relationships:
  - {{id: asks, connects: [desk, main]}}
"""


def blueprint(share="99%"):
    return load(FILE.format(share=share), source="f", read=lambda _: "")


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, now=NOW):
        self.at = now

    def now(self):
        return Instant(self.at)

    def monotonic(self):
        return self.at / SECOND_US


def record(at, number=0, *, outcome="answered", rule=None, status=200):
    return CallRecord(
        action="chat",
        at=at,
        blueprint="sha256:b",
        bundle="sha256:c",
        call=ulid(Instant(at), number.to_bytes(10, "big")),
        decision="allow",
        duration_us=200_000,
        event="call",
        outcome=outcome,
        principal="spiffe://holdfast.local/t/default/service/desk",
        relationship="asks",
        resource="main",
        rule=rule,
        status=status,
        tenant="default",
        v=RECORD_VERSION,
        worker=0,
    )


def failed(at, number=0):
    return record(at, number, outcome="failed", rule="upstream.timeout", status=504)


def desk_over(*records, clock=None, share="99%"):
    declared = {"now": blueprint(share)}
    history = history_of(records)
    desk = ObjectiveDesk(history, clock=clock or Clock(), blueprint=lambda: declared["now"])
    return desk, history, declared


def caught_up(desk):
    with structlog.testing.capture_logs() as told:
        for _ in range(200):
            if not desk.look_safely():
                return told
    raise AssertionError("it never catches up")


def test_calls_of_weeks_ago_and_of_this_minute_are_counted_once():
    day = 24 * HOUR_US
    calls = [record(NOW - 20 * day, 1), record(NOW - 2 * day, 2), record(NOW, 3), failed(NOW, 4)]
    desk, _, _ = desk_over(*calls)
    for _ in range(3):
        caught_up(desk)
        (standing,) = desk.standings()
        assert (standing.counted, standing.used) == (4, 1)


def test_an_alert_is_told_when_it_begins_and_when_it_ends_and_not_between():
    clock = Clock()
    fine = [record(NOW - HOUR_US, n) for n in range(100)]
    desk, history, _ = desk_over(*fine, clock=clock)
    assert caught_up(desk) == []
    history.tell(*(failed(NOW, n) for n in range(60)))
    told = caught_up(desk)
    assert {each["event"] for each in told} == {"objective.burning"}
    assert told[0]["objective"] == "nodes.main.availability"
    assert caught_up(desk) == []
    clock.at = NOW + 4 * 24 * HOUR_US
    assert {each["event"] for each in caught_up(desk)} == {"objective.calm"}


def test_another_blueprint_is_counted_from_the_beginning():
    desk, _, declared = desk_over(*(failed(NOW - HOUR_US, n) for n in range(50)))
    caught_up(desk)
    declared["now"] = blueprint("50%")
    caught_up(desk)
    (standing,) = desk.standings()
    assert (standing.objective.share_micro, standing.counted) == (500_000, 50)


class _Broken:
    def traffic(self, since, until):
        raise NotImplementedError

    def series(self, measure, **words):
        raise NotImplementedError

    def moments(self, since, until, **words):
        raise NotImplementedError

    def minutes(self, since, until):
        raise HistoryError("the history cannot be read", fix="look at the disk")


def test_a_history_that_cannot_be_read_is_told_once_and_stops_nothing():
    desk = ObjectiveDesk(_Broken(), clock=Clock(), blueprint=blueprint)
    with structlog.testing.capture_logs() as told:
        assert desk.look_safely() is False
        assert desk.look_safely() is False
    assert [each["event"] for each in told] == ["objectives.unknown"]
    assert desk.standings() == ()


def test_an_anomaly_is_told_when_it_is_new_and_not_when_it_is_of_the_past():
    step = 300 * SECOND_US
    begin = NOW - LEARN_DAYS * 24 * HOUR_US // 7
    calls = [
        record(begin + bucket * step, n)
        for bucket in range((NOW - begin) // step)
        for n in range(2 if bucket != 200 else 60)
    ]
    clock = Clock()
    desk, history, _ = desk_over(*calls, clock=clock)
    assert caught_up(desk) == []
    assert [each.until is not None for each in desk.anomalies()] == [True]
    history.tell(*(record(NOW, 1_000 + n) for n in range(90)))
    clock.at = NOW + step + GRACE_S * SECOND_US
    told = [each["event"] for each in caught_up(desk)]
    assert told == ["anomaly.began"]
    assert desk.anomalies()[0].until is None


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path):
    """A blueprint, and a data directory whose history has 40 failures of 50 calls."""
    (tmp_path / "holdfast.yaml").write_text(FILE.format(share="99%"))
    data = DataDir(tmp_path / "data")
    data.create()
    SqliteStore(data.database).close()
    now = SystemClock().now()
    records = [(failed if n < 40 else record)(now - 60 * SECOND_US, n) for n in range(50)]
    store = SqliteStore(data.history)
    try:
        index = CallIndex(store, log="holdfast.test/log")
        index.take([Heard(n, each) for n, each in enumerate(records)], upto=len(records))
    finally:
        store.close()
    return tmp_path


def run(place, *words):
    file, data = str(place / "holdfast.yaml"), str(place / "data")
    return CliRunner().invoke(main, ["objectives", file, "--data", data, *words])


def test_the_command_tells_every_objective_and_its_state(place):
    shown = run(place)
    assert shown.exit_code == 0
    assert "nodes.main.availability" in shown.output
    assert "spent" in shown.output
    assert "20.000 %" in shown.output
    found = json.loads(run(place, "--json").output)["objectives"][0]
    assert (found["counted"], found["used"], found["state"]) == (50, 40, "spent")
    assert found["left"] == pytest.approx(1 - 0.8 / 0.01)


def test_the_command_fails_with_check_exactly_when_a_budget_is_spent(place):
    assert run(place, "--check").exit_code == 1
    (place / "holdfast.yaml").write_text(FILE.format(share="10%"))
    assert run(place, "--check").exit_code == 0


def test_the_command_says_that_it_cannot_know_where_there_is_no_history(place):
    (place / "data" / "history.db").unlink()
    shown = run(place, "--check")
    assert shown.exit_code == 2
    assert "history" in shown.output
