"""Absences: what is declared and was not seen, told only where silence means something (A0 to A3).

An edge that lives at rate L and is sampled with probability p stays silent for W with probability
exp(-L p W). It is called stale only when the lower 5 % bound of its rate makes that less than 1 %,
and its source was heard meanwhile. Everything else is *blind*: said so, never guessed.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from holdfast.blueprint.graph import Edge
from holdfast.core import NodeId
from holdfast.loops.drift.judge.chances import rate_low, use_at_most
from holdfast.loops.drift.judge.declared import Declared, ports_of
from holdfast.loops.drift.judge.finding import Finding, Kind
from holdfast.loops.drift.judge.matching import Met
from holdfast.loops.drift.judge.resolving import Resolver
from holdfast.loops.drift.sightings import WEEK_US, Tally

ALPHA = 0.01
EXPECTED_MIN = math.log(1 / ALPHA)
"""Sightings that must have been expected of a silent edge: 4.6."""
PERIODS_MIN = 3
"""Periods of a scheduled edge that must have passed."""
GRANT_CALLS_MIN = 300
"""Calls of an edge after which a tool in none of them has a share under 1 % (95 % sure)."""
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What was watched: from ``start`` to ``now``; silence is judged over the last ``window_us``.
    ``sampling`` is how likely a trace is kept now, where the traces do not say."""

    start: int
    now: int
    window_us: int
    sampling: float = 1.0

    @property
    def begins(self) -> int:
        """Where the window begins: silence before it is of no interest."""
        return max(self.start, self.now - self.window_us)


@dataclass(slots=True)
class _Use:
    """What was seen of one declared edge, or of one grant of it."""

    n: int = 0
    calls: float = 0.0
    recent: int = 0
    last: int = 0
    weeks: set[int] = field(default_factory=set[int])

    def add(self, met: Met, begins: int) -> None:
        self.n += met.count.n
        self.calls += met.count.calls
        self.last = max(self.last, met.count.last)
        self.weeks.add(met.week)
        if met.count.last >= begins:
            self.recent += met.count.n

    @property
    def is_alive(self) -> bool:
        return self.recent > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Who gave a sign in the window: any at all, and by calling others."""

    any: frozenset[NodeId]
    calling: frozenset[NodeId]


def heard_in(period: Period, tally: Tally, met: Iterable[Met], *, resolver: Resolver) -> Heard:
    parties = (
        resolver.party(presence.identity).node
        for (_, presence), count in tally.presences.items()
        if count.last >= period.begins
    )
    callers = frozenset(
        each.source.node
        for each in met
        if each.source.node is not None and each.count.last >= period.begins
    )
    return Heard(any=frozenset(n for n in parties if n is not None) | callers, calling=callers)


class Absences:
    """Judges every declared call of a system by what was met."""

    def __init__(
        self, declared: Declared, met: Iterable[Met], *, period: Period, heard: Heard
    ) -> None:
        self._declared = declared
        self._period = period
        self._heard = heard
        self._uses: dict[str, _Use] = {edge.id: _Use() for edge in declared.calls}
        self._tools: dict[tuple[str, str], _Use] = {}
        self._ports: dict[tuple[str, int], _Use] = {}
        for each in met:
            self._count(each)

    def _count(self, met: Met) -> None:
        for edge in met.edges or met.pair:
            if edge.id not in self._uses:
                continue
            begins = self._period.begins
            self._uses[edge.id].add(met, begins)
            if met.contact.tool is not None:
                self._tools.setdefault((edge.id, met.contact.tool), _Use()).add(met, begins)
            if met.contact.port is not None:
                self._ports.setdefault((edge.id, met.contact.port), _Use()).add(met, begins)

    @property
    def exercised(self) -> frozenset[str]:
        """The relationships that were used in the window."""
        return frozenset(name for name, use in self._uses.items() if use.is_alive)

    def findings(self) -> Iterator[Finding]:
        verdicts: dict[str, Kind] = {}
        for edge in self._declared.calls:
            if not self._uses[edge.id].is_alive and not self._is_standby(edge):
                finding = self._silent(edge)
                verdicts[edge.id] = finding.kind
                yield finding
        yield from self._stale_nodes(verdicts)
        for edge in self._declared.calls:
            if self._uses[edge.id].is_alive:
                yield from self._dead_tools(edge)
                yield from self._dead_interfaces(edge)

    def _is_standby(self, edge: Edge) -> bool:
        """Whether its silence is what is declared: a fallback, or something optional."""
        facts = edge.facts
        if facts.alternative_to is not None or facts.strength == "optional":
            return True
        return any(
            other.relationship.fallback is not None
            and edge.destination in other.relationship.fallback.to
            for other in self._declared.system.leaving[edge.source]
            if other is not edge
        )

    def _silent(self, edge: Edge) -> Finding:
        use = self._uses[edge.id]
        expected, by = self._expected(edge, use)
        is_heard = self._is_heard(edge, seen=use.n > 0)
        is_stale = expected >= EXPECTED_MIN and is_heard and self._are_periods_over(use)
        words = _told(edge, expected=expected, by=by, is_stale=is_stale)
        bound = None if use.n else use_at_most(self._calls_of(edge.source))
        return Finding(
            kind=Kind.STALE_EDGE if is_stale else Kind.BLIND,
            source=edge.source,
            target=edge.destination,
            what=words if is_heard else _unheard(edge, is_new=not use.n),
            level="report" if is_stale else "note",
            confidence=1.0 - math.exp(-expected) if is_stale else 0.0,
            n=use.n,
            calls=use.calls,
            last=use.last,
            relationship=edge.id,
            privileged=self._declared.is_privileged(edge.destination),
            bound=bound,
        )

    def _expected(self, edge: Edge, use: _Use) -> tuple[float, str]:
        """How many sightings the window should have had, by the least that is credible."""
        window = self._period.now - self._period.begins
        before = self._period.begins - self._period.start
        history = rate_low(use.n, exposure=before) * window
        by_flows = sum(
            flow.facts.runs_per_hour
            for flow in self._declared.system.flows
            if flow.facts.runs_per_hour is not None
            and any(step.over == edge.id and not step.back for step in flow.steps)
        )
        rate = max(edge.facts.calls_per_hour or 0.0, by_flows)
        written = rate * window / HOUR_US * self._period.sampling
        if use.n and before > 0:
            # The history was sampled as it was then; now less may be kept.
            kept = use.n / use.calls if use.calls else 1.0
            return history * min(1.0, self._period.sampling / kept), "its history"
        return written, "its declared rate"

    def _is_heard(self, edge: Edge, *, seen: bool) -> bool:
        """Of an edge that was never seen, the source must be known to tell of its calls at all."""
        those = self._heard.any if seen else self._heard.calling
        return any(edge.source in self._declared.around[name] for name in those)

    def _are_periods_over(self, use: _Use) -> bool:
        weeks = sorted(use.weeks)
        longest = max((b - a for a, b in pairwise(weeks)), default=1)
        if longest < 2:
            return True
        return self._period.now - use.last >= PERIODS_MIN * longest * WEEK_US

    def _calls_of(self, node: NodeId) -> int:
        return sum(
            self._uses[edge.id].n
            for edge in self._declared.system.leaving[node]
            if edge.id in self._uses
        )

    def _stale_nodes(self, verdicts: Mapping[str, Kind]) -> Iterator[Finding]:
        for name in self._declared.system.nodes:
            entering = [e for e in self._declared.system.entering[name] if e.id in self._uses]
            is_heard = any(name in self._declared.around[each] for each in self._heard.any)
            if is_heard or not entering:
                continue
            if all(verdicts.get(edge.id) is Kind.STALE_EDGE for edge in entering):
                yield Finding(
                    kind=Kind.STALE_NODE,
                    source=name,
                    what=f"nothing reaches {name} any more: "
                    f"all {len(entering)} relationships to it are stale",
                    level="report",
                    confidence=1 - ALPHA,
                    privileged=self._declared.is_privileged(name),
                )

    def _dead_tools(self, edge: Edge) -> Iterator[Finding]:
        named = self._declared.system.nodes[edge.destination].facts.tools or ()
        rules = edge.relationship.tools
        granted = {tool.name for tool in named if rules.allows(tool.name)} | {
            name
            for each in rules.rules
            for name in each.allow or ()
            if not set(name) & set("*?[") and rules.allows(name)
        }
        called = sum(u.recent for (name, _), u in self._tools.items() if name == edge.id)
        for tool in sorted(granted):
            use = self._tools.get((edge.id, tool), _Use())
            if not use.is_alive and called >= GRANT_CALLS_MIN:
                yield self._dead(edge, f"tool {tool}", seen=tool, use=use, of=called)

    def _dead_interfaces(self, edge: Edge) -> Iterator[Finding]:
        ports = ports_of(edge, self._declared.system.nodes[edge.destination])
        called = sum(u.recent for (name, _), u in self._ports.items() if name == edge.id)
        for port in sorted(ports) if len(ports) > 1 else ():
            use = self._ports.get((edge.id, port), _Use())
            if not use.is_alive and called >= GRANT_CALLS_MIN:
                yield self._dead(edge, f"port {port}", seen=str(port), use=use, of=called)

    def _dead(self, edge: Edge, what: str, *, seen: str, use: _Use, of: int) -> Finding:
        bound = use_at_most(of)
        return Finding(
            kind=Kind.DEAD_GRANT,
            source=edge.source,
            target=edge.destination,
            what=f"{edge.source} may use {what} of {edge.destination} and did in none of {of} calls: "
            f"its share is at most {bound:.1%}",
            level="report",
            confidence=0.95,
            n=use.n,
            last=use.last,
            fact=what.partition(" ")[0],
            seen=seen,
            relationship=edge.id,
            bound=bound,
        )


def _unheard(edge: Edge, *, is_new: bool) -> str:
    what = "a call by" if is_new else "anything of"
    pair = f"{edge.source} -> {edge.destination}"
    return f"{pair}: nobody heard {what} {edge.source}, so its silence says nothing"


def _told(edge: Edge, *, expected: float, by: str, is_stale: bool) -> str:
    pair = f"{edge.source} -> {edge.destination}"
    if is_stale:
        return f"{pair} was not seen, where {by} lets expect at least {expected:.1f} sightings"
    if expected == 0.0:
        return f"{pair} was never seen, and nothing says how often it should be"
    if expected < EXPECTED_MIN:
        return f"{pair} was not seen, but only {expected:.1f} sightings were to be expected"
    return f"{pair} was not seen; its schedule needs {PERIODS_MIN} periods to tell"
