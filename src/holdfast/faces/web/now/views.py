"""What each part of the page shows, ready for its template. Pure."""

from dataclasses import dataclass

from holdfast.audit import Checkpoint
from holdfast.blueprint import Blueprint
from holdfast.core import HoldfastError
from holdfast.faces.view import Live, WorkerState
from holdfast.faces.web.calls.rows import CallRow, row_of
from holdfast.faces.web.chart import ChartView
from holdfast.faces.web.now.loads import BudgetRow, NodeView
from holdfast.faces.web.now.verdict import StatusView
from holdfast.faces.web.objectives import AnomaliesPart, ObjectivesPart
from holdfast.faces.web.words import clock, day_and_minute, moment
from holdfast.gateway import Totals

ROWS_MAX = 60
CALLS_SHOWN = 15
GATEWAY_UNKNOWN = "http://HOST:PORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number with its word."""

    word: str
    number: str
    tone: str
    href: str


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
class AlarmRow:
    """A call that was begun and has no outcome; ``entry`` is the place of its first record."""

    call: str
    at: str
    clock: str
    entry: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPart:
    """The map, and what it is a map of: ``shown`` of ``nodes`` nodes, folded or not. ``empty`` says
    why nothing is on it."""

    chart: ChartView
    nodes: int
    shown: int
    is_folded: bool
    unfold_href: str
    fold_href: str
    seconds: str
    empty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The page's parts; each is one fragment with a template and an address of its own. One that is
    None is not there: nothing here says it."""

    status: StatusView
    map: MapPart
    alarms: tuple[AlarmRow, ...]
    objectives: ObjectivesPart | None
    anomalies: AnomaliesPart | None
    upstreams: tuple[NodeView, ...]
    budgets: tuple[BudgetRow, ...]
    calls: CallsView
    totals: tuple[Figure, ...]
    checkpoint: CheckpointView
    workers: tuple[WorkerState, ...]


def totals_view(totals: Totals) -> tuple[Figure, ...]:
    figures = (
        ("calls", totals.calls, "plain", "/calls"),
        ("answered", totals.answered, "good", "/calls?outcome=answered"),
        ("refused", totals.refused, "refused", "/calls?outcome=refused"),
        ("failed", totals.failed, "failed", "/calls?outcome=failed"),
        ("cancelled", totals.cancelled, "plain", "/calls?outcome=cancelled"),
        ("tokens in", totals.tokens_in, "plain", ""),
        ("tokens out", totals.tokens_out, "plain", ""),
    )
    return tuple(
        Figure(word=word, number=f"{count:,}", tone=tone if count else "nought", href=href)
        for word, count, tone, href in figures
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


def alarms_view(live: Live) -> tuple[AlarmRow, ...]:
    """The oldest first, as they come."""
    return tuple(
        AlarmRow(
            call=each.call, at=moment(each.at), clock=day_and_minute(each.at), entry=each.entry
        )
        for each in live.alarms[:ROWS_MAX]
    )


def calls_view(live: Live, blueprint: Blueprint, *, gateway: str | None) -> CallsView:
    shown = (*live.in_flight, *live.recent)[:CALLS_SHOWN]
    return CallsView(
        rows=tuple(row_of(seen, now=live.at) for seen in shown),
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
