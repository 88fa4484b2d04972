"""What commands see of a running system: the picture the keeper sends, and what is made of it."""

import msgspec
import pytest

from holdfast.app.call_search import call_of, fits
from holdfast.app.call_story import Step, Story, _parents
from holdfast.app.overview import Head, Lately, Overview, _notes, _reasons
from holdfast.app.painter import ObjectiveState, Painted
from holdfast.app.picture import Picture
from holdfast.audit import RECORD_VERSION, CallRecord, Intent
from holdfast.cli.colours import Paint
from holdfast.cli.drawing import Drawing
from holdfast.cli.status import status_lines
from holdfast.cli.top import screen_lines
from holdfast.cli.trace import story_lines
from holdfast.core import Instant, sent_on, ulid
from holdfast.faces import Live, WaitingCall, WorkerState
from holdfast.gateway import BudgetSeen, NodeSeen, Seen, Totals, UpstreamSeen
from holdfast.history import CallQuery
from holdfast.telemetry import stage_times

AT = 1_795_250_096_000_000
WIDE = Drawing(paint=Paint(is_on=False), width=None)
DESK = "spiffe://holdfast.local/t/default/service/desk"


def live(**changes) -> Live:
    found = Live(
        at=AT,
        workers=(WorkerState(0, 4211, True, None), WorkerState(1, 4212, True, None, True)),
        totals=Totals(calls=9, answered=9),
        in_flight=(Seen("01K", AT, "routed", DESK, "model", "a-b", None, None, None, ()),),
        recent=(),
        nodes=(NodeSeen("model", 0, {}),),
        upstreams=(UpstreamSeen("model", "model", "http://x/", "up", 1, 9, 212.4, 71.0, 10, 1),),
        budgets=(BudgetSeen("tenant", "money", 10_000_000_000, 1, 0, AT + 60_000_000),),
    )
    return msgspec.structs.replace(found, **changes)


def seen(picture_live: Live, **more) -> Picture:
    """As a command reads it off the socket."""
    fields = {"trouble": None, "objectives": (), "anomalies": (), "tallied": (), "dropped": {}}
    painted = Painted(system="s", blueprint="sha256:0", live=picture_live, **{**fields, **more})
    return msgspec.json.decode(msgspec.json.encode(painted), type=Picture)


def waiting() -> WaitingCall:
    return WaitingCall(
        call="01K", groups=("owners",), principal=DESK, on_behalf_of=None, action="call",
        callee="bank", tool="pay", relationship="a-b", policies=(), since=AT, until=AT + 1,
    )  # fmt: skip


def alarm() -> Intent:
    return Intent(call="01K", event="intent", at=AT, entry=1)


def test_a_picture_has_of_the_live_system_what_commands_show():
    whole = live(alarms=(alarm(),), approvals=(waiting(),))
    found = msgspec.json.decode(msgspec.json.encode(seen(whole).live))
    told = msgspec.json.decode(msgspec.json.encode(whole))
    for name, value in found.items():
        rows = value if isinstance(value, list) else [value]
        mine = told[name] if isinstance(told[name], list) else [told[name]]
        assert len(rows) == len(mine), name
        for row, full in zip(rows, mine, strict=True):
            assert row == ({k: full[k] for k in row} if isinstance(row, dict) else full)


def out(node: str, state: str) -> UpstreamSeen:
    return UpstreamSeen(node, f"{node}-{state}", "http://x/", state, 0, 9, None, None, 1, 1)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (seen(live()), None),
        (seen(live(), trouble="worker 0 is not ready"), "worker 0 is not ready"),
        (seen(live(upstreams=(out("m", "open"), out("m", "down")))), "no upstream of 'm'"),
        (seen(live(upstreams=(out("m", "open"), out("m", "half-open")))), None),
        (seen(live(alarms=(alarm(),))), "1 call begun"),
        (seen(live(), objectives=(ObjectiveState("a", "spent", -0.1),)), "objective a: spent"),
        (seen(live(), objectives=(ObjectiveState("a", "no-data", None),)), None),
        (seen(live(approvals=(waiting(),))), None),
    ],
)
def test_a_system_holds_unless_there_is_a_reason(picture, reason):
    found = list(_reasons(picture))
    assert found == [] if reason is None else reason in found[0]


def test_what_somebody_should_look_at_is_no_reason():
    spent = BudgetSeen("tenant", "calls", 10, 9, 0, AT)
    picture = seen(
        live(approvals=(waiting(),), budgets=(spent,), upstreams=(out("m", "ejected"),)),
        dropped={"otlp": 3, "call-log": 0},
        anomalies=("rate of a-b is above what is usual",),
    )
    assert len(list(_notes(picture))) == 5


def overview(picture: Picture | None, **changes) -> Overview:
    fields = {
        "holds": True, "reasons": (), "notes": (), "at": AT, "data": "d", "instance": None,
        "system": "s", "blueprint": None, "live": picture.live if picture else None,
        "near_end": (), "objectives": (), "lately": None, "checkpoint": None,
    }  # fmt: skip
    return Overview(**fields | changes)


def test_a_status_can_be_drawn_with_whatever_is_not_known():
    assert "does not hold" in next(status_lines(overview(None, holds=False), WIDE))
    lately = Lately(window_s=300, calls=4, answered=3, refused=1, failed=0, cancelled=0)
    whole = overview(seen(live()), lately=lately, checkpoint=Head(9, "ab" * 32, AT))
    text = "\n".join(status_lines(whole, WIDE))
    assert "75.0 % answered, 25.0 % refused; 1 under way" in text
    assert "1 ready, 1 finishing calls" in text


def test_a_screen_of_top_fits_a_narrow_terminal():
    narrow = Drawing(paint=Paint(is_on=False), width=40)
    picture = seen(live(upstreams=tuple(out(f"node-{i}", "open") for i in range(9))))
    assert max(map(len, screen_lines(picture, picture, narrow))) <= 40


# -- traces ----------------------------------------------------------------------------------


def record(number: int, *, at: int = 0, took: int = 100, **changes) -> CallRecord:
    fields = {
        "action": "generate", "at": AT + at, "attempts": 1, "blueprint": "b", "bundle": "p",
        "call": ulid(Instant(AT), (number << 32).to_bytes(10, "big")), "decision": "allow",
        "duration_us": took, "event": "call", "outcome": "answered", "principal": DESK,
        "relationship": "a-b", "resource": "model", "stages_us": (1, 2, 3, 4, 5, took, took),
        "status": 200, "tenant": "t", "v": RECORD_VERSION, "worker": 0,
    }  # fmt: skip
    return CallRecord(**fields | changes)


def test_a_call_stands_below_the_one_whose_traceparent_its_caller_sent_on():
    first = record(1, took=1_000)
    second = record(2, at=5_000, trace=sent_on(first.call, first.trace).decode())
    assert _parents([first, second]) == {second.call: first.call}


def test_else_below_the_shortest_call_to_the_caller_that_was_under_way_all_the_time():
    agent = "spiffe://holdfast.local/t/default/agent/writer"
    longest = record(1, took=1_000, resource="writer")
    shorter = record(2, at=100, took=500, resource="writer")
    inner = record(3, at=200, took=100, principal=agent)
    late = record(4, at=550, took=100, principal=agent)
    found = _parents([longest, shorter, inner, late])
    assert found == {inner.call: shorter.call, late.call: longest.call}


def test_calls_side_by_side_are_nobodys_children():
    assert _parents([record(1), record(2, at=10), record(3, at=20)]) == {}


def test_a_story_draws_every_call_once_with_its_seven_stages():
    agent = "spiffe://holdfast.local/t/default/agent/writer"
    records = [
        record(1, took=1_000, resource="writer"),
        record(2, at=200, principal=agent, tokens_in=3, cost=5),
        record(3, at=400, principal=agent, outcome="refused", decision="refuse",
               stages_us=(1, 2, 3, 4), rule="policy.refused", status=403),
    ]  # fmt: skip
    parents = _parents(records)
    steps = tuple(
        Step(
            call=call_of(each, i), index=i, parent=parents.get(each.call), decision=each.decision,
            policies=("p",), would_refuse=(), obligations=(), stages_us=stage_times(each), seams=(),
        )
        for i, each in enumerate(records)
    )  # fmt: skip
    story = Story(trace="0" * 32, steps=steps, is_cut=False, notes=())
    lines = list(story_lines(story, WIDE))
    text = "\n".join(lines)
    assert all(text.count(f"call {each.call}") == 1 for each in records)
    assert "authorize 1 us REFUSED | guard - | route - | send -" in text
    assert [line[:5] for line in lines if "writer → model" in line] == ["   ├─", "   └─"]


def test_a_call_fits_a_question_when_every_word_of_it_holds():
    call = call_of(record(1, outcome="failed", rule="upstream.timeout"), 0)
    assert fits(call, CallQuery())
    assert fits(call, CallQuery(caller="desk", outcome="failed", since=AT, until=AT + 1))
    assert not fits(call, CallQuery(caller="desk", outcome="refused"))
    assert not fits(call, CallQuery(until=AT))
    assert not fits(call, CallQuery(since=AT + 1))
