"""What passes over the map's lines in a stretch of time. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from holdfast.blueprint import Blueprint
from holdfast.core import NodeId
from holdfast.faces.view import Live
from holdfast.faces.web.chart import Attempt
from holdfast.faces.web.words import short_name
from holdfast.gateway import Seen
from holdfast.history import Call, Moment, Traffic

UNDECLARED = ("relationship.undeclared", "node.unknown")
"""Rules by which a call is refused because the blueprint says nothing of it."""
TROUBLE_SHARE = 0.05
"""From this share of refused or failed calls on a line is drawn as troubled."""
LIVE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was read of a stretch of time. ``undeclared`` are pairs whose calls nobody declared;
    ``trouble`` says why there is nothing to be read; ``upto`` is how many of the log's records are
    in the history, None where that is not known."""

    since: int
    until: int
    seconds: float
    rows: tuple[Traffic, ...] = ()
    undeclared: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    moments: tuple[Moment, ...] = ()
    trouble: str = ""
    upto: int | None = None


@dataclass(slots=True, kw_only=True)
class Flow:
    """Calls over one line, while they are being added up."""

    calls: int = 0
    refused: int = 0
    failed: int = 0
    in_flight: int = 0

    def add(self, other: "Flow") -> None:
        self.calls += other.calls
        self.refused += other.refused
        self.failed += other.failed
        self.in_flight += other.in_flight

    @property
    def tone(self) -> str:
        """``failed`` and ``refused`` where many are, ``moving`` where any call is."""
        if self.failed > TROUBLE_SHARE * self.calls:
            return "failed"
        if self.refused > TROUBLE_SHARE * self.calls:
            return "refused"
        return "moving" if self.calls or self.in_flight else "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """By relationship; ``attempts`` over none; ``all`` of them."""

    of: Mapping[str, Flow]
    attempts: tuple[Attempt, ...]
    all: Flow
    seconds: float

    def over(self, relationships: Iterable[str]) -> Flow:
        """What passes over several together."""
        found = Flow()
        for each in relationships:
            if each in self.of:
                found.add(self.of[each])
        return found


def flows_of(blueprint: Blueprint, window: Window, live: Live | None) -> Flows:
    """What a window says, with the calls that are in flight now."""
    of: dict[str, Flow] = {}
    whole = Flow()
    for row in window.rows:
        flow = Flow(calls=row.calls, refused=row.refused, failed=row.failed)
        whole.add(flow)
        name = row.relationship or _declared(blueprint, row)
        if name is not None:
            of.setdefault(name, Flow()).add(flow)
    for seen in live.in_flight if live is not None else ():
        whole.in_flight += 1
        if seen.relationship is not None:
            of.setdefault(seen.relationship, Flow()).in_flight += 1
    attempts = tuple(
        Attempt(caller=caller, callee=callee, calls=calls)
        for (caller, callee), calls in sorted(
            window.undeclared.items(), key=lambda item: (-item[1], item[0])
        )
    )
    return Flows(of=of, attempts=attempts, all=whole, seconds=window.seconds)


def _declared(blueprint: Blueprint, row: Traffic) -> str | None:
    """The relationship that a call would have used, had it not been refused before."""
    if row.caller is None or row.callee is None:
        return None
    found = blueprint.connections().get((NodeId(row.caller), NodeId(row.callee)))
    return found.id if found is not None else None


def live_window(live: Live) -> Window:
    """The last calls that the instance still knows, where no history is kept."""
    since = live.at - LIVE_SECONDS * 1_000_000
    fresh = [seen for seen in live.recent if _ended(seen) > since]
    return Window(
        since=since,
        until=live.at,
        seconds=LIVE_SECONDS,
        rows=tuple(_row(seen) for seen in fresh),
        undeclared=_undeclared(fresh),
    )


def with_newest(window: Window, live: Live) -> Window:
    """Attempts show at once: those that the history does not have yet are among the last calls."""
    newest = _undeclared([seen for seen in live.recent if _ended(seen) > window.since])
    pairs = dict.fromkeys((*window.undeclared, *newest))
    counts = {pair: max(window.undeclared.get(pair, 0), newest.get(pair, 0)) for pair in pairs}
    return replace(window, undeclared=counts)


def _undeclared(calls: Sequence[Seen]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for seen in calls:
        if seen.rule in UNDECLARED and seen.resource:
            pair = short_name(seen.principal), seen.resource
            found[pair] = found.get(pair, 0) + 1
    return found


def _ended(seen: Seen) -> int:
    return seen.at + (seen.marks_us[-1] if seen.marks_us else 0)


def _row(seen: Seen) -> Traffic:
    def is_(outcome: str) -> int:
        return int(seen.outcome == outcome)

    return Traffic(
        caller=short_name(seen.principal) or None,
        callee=seen.resource,
        relationship=seen.relationship,
        calls=1,
        answered=is_("answered"),
        refused=is_("refused"),
        failed=is_("failed"),
        cancelled=is_("cancelled"),
        tokens_in=0,
        tokens_out=0,
        cost=0,
        p50_us=None,
        p95_us=None,
        p99_us=None,
        first_token_p95_us=None,
    )


def pairs_of(calls: Sequence[Call]) -> dict[tuple[str, str], int]:
    """How often each pair met in some calls."""
    found: dict[tuple[str, str], int] = {}
    for call in calls:
        if call.callee:
            pair = call.caller or "", call.callee
            found[pair] = found.get(pair, 0) + 1
    return found


def rate(calls: int, seconds: float) -> str:
    """How often, as people read it: per minute, or per second where that is often."""
    if not calls or not seconds:
        return ""
    minutely = calls * 60 / seconds
    if minutely >= 600:
        return f"{minutely / 60:,.0f}/s"
    if minutely >= 9.95:
        return f"{minutely:,.0f}/min"
    return f"{minutely:.1f}/min" if minutely >= 0.95 else "<1/min"


def breadth(calls: int, seconds: float) -> int:
    """How broad a line is drawn, from 1 to 5: one more for ten times as many calls."""
    if not calls or not seconds:
        return 1
    minutely = calls * 60 / seconds
    return 1 + sum(minutely >= bound for bound in (1, 10, 100, 1_000))
