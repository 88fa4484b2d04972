"""What each part of the page shows, ready for its template. Pure."""

from dataclasses import dataclass

from holdfast.audit import Checkpoint
from holdfast.blueprint import Blueprint
from holdfast.core import HoldfastError
from holdfast.faces.stages import Progress, Stage, stages
from holdfast.faces.view import Live, WaitingCall, WorkerState
from holdfast.faces.web.now.drawing import MapView
from holdfast.faces.web.now.loads import BudgetRow, NodeView
from holdfast.faces.web.words import clock, duration, moment, short_name
from holdfast.gateway import RULES, Seen, Totals

ROWS_MAX = 60
GATEWAY_UNKNOWN = "http://HOST:PORT"
_GLYPHS = {"answered": "✓", "refused": "✕", "failed": "!", "cancelled": "←"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The first line: what runs here, and whether it can take calls."""

    name: str
    description: str
    digest: str
    version: str
    trouble: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number with its word."""

    word: str
    number: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pip:
    """One of a call's seven stages on its row."""

    stage: str
    progress: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call."""

    id: str
    at: str
    clock: str
    outcome: str
    tone: str
    glyph: str
    caller: str
    callee: str
    pips: tuple[Pip, ...]
    where: str
    took: str
    rule: str | None
    meaning: str | None
    status: int | None
    relationship: str | None
    recorded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """How to make the first call."""

    gateway: str
    caller: str
    callee: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsView:
    """The list of calls, those under way first; ``first`` where there are none."""

    rows: tuple[CallRow, ...]
    in_flight: int
    first: First


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointView:
    """The newest signed head, or why there is none to show."""

    size: str
    root: str
    origin: str
    newest: str | None
    newest_clock: str | None
    verify: str
    trouble: str | None
    is_empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """One call that waits for a person; ``command`` is what whoever decides types."""

    call: str
    groups: str
    caller: str
    on_behalf_of: str | None
    what: str
    policies: str
    until: str
    until_clock: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The page's parts; each is one fragment with a template and an address of its own."""

    status: StatusView
    map: MapView
    totals: tuple[Figure, ...]
    checkpoint: CheckpointView
    workers: tuple[WorkerState, ...]
    upstreams: tuple[NodeView, ...]
    budgets: tuple[BudgetRow, ...]
    approvals: tuple[WaitingRow, ...]
    calls: CallsView


def status_view(blueprint: Blueprint, *, trouble: str | None, version: str) -> StatusView:
    return StatusView(
        name=blueprint.name,
        description=blueprint.description,
        digest=blueprint.digest,
        version=version,
        trouble=trouble,
    )


def totals_view(totals: Totals) -> tuple[Figure, ...]:
    figures = (
        ("calls", totals.calls, "plain"),
        ("answered", totals.answered, "good"),
        ("refused", totals.refused, "refused"),
        ("failed", totals.failed, "failed"),
        ("cancelled", totals.cancelled, "plain"),
        ("tokens in", totals.tokens_in, "plain"),
        ("tokens out", totals.tokens_out, "plain"),
    )
    return tuple(
        Figure(word=word, number=f"{count:,}", tone=tone if count else "nought")
        for word, count, tone in figures
    )


def checkpoint_view(
    head: tuple[Checkpoint, int | None] | HoldfastError, *, verify: str
) -> CheckpointView:
    if isinstance(head, HoldfastError):
        empty = head.code == "audit.no-log"
        return CheckpointView(
            size="0",
            root="",
            origin="",
            newest=None,
            newest_clock=None,
            verify=verify,
            trouble=None if empty else str(head),
            is_empty=empty,
        )
    checkpoint, newest = head
    return CheckpointView(
        size=f"{checkpoint.size:,}",
        root=checkpoint.root.hex(),
        origin=checkpoint.origin,
        newest=moment(newest) if newest is not None else None,
        newest_clock=clock(newest) if newest is not None else None,
        verify=verify,
        trouble=None,
        is_empty=checkpoint.size == 0,
    )


def approvals_view(live: Live) -> tuple[WaitingRow, ...]:
    """The oldest first: it is refused first."""
    return tuple(_waiting(each) for each in live.approvals[:ROWS_MAX])


def _waiting(each: WaitingCall) -> WaitingRow:
    what = f"{each.action} {each.callee}"
    return WaitingRow(
        call=each.call,
        groups=" and ".join(each.groups),
        caller=short_name(each.principal) or each.principal,
        on_behalf_of=each.on_behalf_of,
        what=f"{what} / {each.tool}" if each.tool is not None else what,
        policies=", ".join(each.policies),
        until=moment(each.until),
        until_clock=clock(each.until)[:8],
        command=f"holdfast approvals show {each.call}",
    )


def calls_view(live: Live, blueprint: Blueprint, *, gateway: str | None) -> CallsView:
    shown = (*live.in_flight, *live.recent)[:ROWS_MAX]
    return CallsView(
        rows=tuple(_row(seen, now=live.at) for seen in shown),
        in_flight=len(live.in_flight),
        first=_first(blueprint, gateway),
    )


def _first(blueprint: Blueprint, gateway: str | None) -> First:
    caller, callee = "NODE", "MODEL"
    for source, destination in blueprint.connections():
        if blueprint.nodes[destination].upstream is not None:
            caller, callee = source, destination
            break
    return First(gateway=gateway or GATEWAY_UNKNOWN, caller=caller, callee=callee)


def _row(seen: Seen, *, now: int) -> CallRow:
    found = stages(seen)
    over = seen.outcome is not None
    tone = seen.outcome or "running"
    lost = seen.state == "lost"
    rule = RULES.get(seen.rule) if seen.rule is not None else None
    took_us = (seen.marks_us[-1] if seen.marks_us else 0) if over else max(now - seen.at, 0)
    return CallRow(
        id=seen.call,
        at=moment(seen.at),
        clock=clock(seen.at),
        outcome="not recorded" if lost else seen.outcome or "in flight",
        tone="failed" if lost else tone,
        glyph="!" if lost else _GLYPHS.get(tone, "▸"),
        caller=short_name(seen.principal) or "unknown caller",
        callee=seen.resource or "what it may call",
        pips=tuple(_pip(stage) for stage in found),
        where=_where(found, cancelled=seen.outcome == "cancelled"),
        took=duration(took_us) if over else _whole(took_us),
        rule=seen.rule,
        meaning=rule.meaning if rule is not None else None,
        status=seen.status,
        relationship=seen.relationship,
        recorded=over and not lost,
    )


def _pip(stage: Stage) -> Pip:
    time = duration(stage.took_us) if stage.took_us is not None else ""
    return Pip(stage=stage.name, progress=stage.progress, time=time)


def _where(found: tuple[Stage, ...], *, cancelled: bool) -> str:
    """Where the call stands, or stopped: what the pips say, in words."""
    for stage in found:
        if stage.progress is Progress.FAILED and cancelled:
            return f"caller left during {stage.name}"
        if stage.progress in (Progress.REFUSED, Progress.FAILED):
            return f"{stage.progress} at {stage.name}"
        if stage.progress is Progress.RUNNING:
            return f"in {stage.name}"
    return "through all stages"


def _whole(us: int) -> str:
    return f"{us // 1_000_000} s so far"
