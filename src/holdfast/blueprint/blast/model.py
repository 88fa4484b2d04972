"""What each part of a system needs, compiled once: the equations that both fixpoints solve."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from holdfast.blueprint import Flow, Node, NodeKind
from holdfast.blueprint.blast.levels import Bound, Need, Option
from holdfast.blueprint.graph import Edge, EdgeKind, System
from holdfast.core import NodeId

OUTAGE_S_DEFAULT = 3600.0
SLOW_S_DEFAULT = 5.0
UNNEEDED = frozenset({"stop", "deploy", "administer", "restore"})
"""Purposes for which the source does not need the destination in order to work."""
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What a question takes for granted: how long the outage lasts, in seconds. Caches that keep
    answers for longer, and queues that hold out longer, soften it. Where something hangs: from how
    many seconds on an answer is slow."""

    outage_s: float = OUTAGE_S_DEFAULT
    slow_s: float = SLOW_S_DEFAULT


@dataclass(frozen=True)
class Equations:
    """``needs[i]`` is what the part ``names[i]`` needs. Parts are nodes, failure domains
    (``zone:a``), what lies behind guards that fail open (``guard!behind``), flows (``flow!id``)."""

    system: System
    assumptions: Assumptions
    names: tuple[str, ...] = field(init=False)
    number: Mapping[str, int] = field(init=False)
    needs: tuple[tuple[Need, ...], ...] = field(init=False)
    domains: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        fates = {name: fates_of(node) for name, node in self.system.nodes.items()}
        domains = tuple(sorted({fate for found in fates.values() for fate in found}))
        behind = [_behind(name) for name in self.system.nodes if self.fails_open(name)]
        flows = [flow_name(flow.id) for flow in self.system.flows]
        names = (*self.system.nodes, *domains, *behind, *flows)
        object.__setattr__(self, "domains", domains)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "number", {name: index for index, name in enumerate(names)})
        object.__setattr__(self, "needs", tuple(self._compiled(fates)))

    @cached_property
    def _open(self) -> frozenset[NodeId]:
        return frozenset(
            name
            for name, node in self.system.nodes.items()
            if node.kind is NodeKind.GUARD and node.facts.fails == "open"
        )

    def fails_open(self, name: NodeId) -> bool:
        """Whether it is a guard that lets calls pass when it cannot judge them."""
        return name in self._open

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """What can fail by itself: nodes and failure domains, but no whole that is nothing beside
        its parts, for then several fail at once."""
        nodes = [
            name
            for name, node in self.system.nodes.items()
            if node.upstream is not None or not self.system.parts.get(name)
        ]
        return (*nodes, *self.domains)

    @cached_property
    def needing(self) -> tuple[tuple[int, ...], ...]:
        """For each part, those that need it."""
        found: list[dict[int, None]] = [{} for _ in self.names]
        for index, needs in enumerate(self.needs):
            for need in needs:
                for option in need.options:
                    found[option.part][index] = None
        return tuple(tuple(them) for them in found)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The parts, what is needed before what needs it as far as there are no circles."""
        seen: set[int] = set()
        found: list[int] = []
        for root in range(len(self.names)):
            if root in seen:
                continue
            seen.add(root)
            stack = [(root, iter(self._needed(root)))]
            while stack:
                part, rest = stack[-1]
                step = next((other for other in rest if other not in seen), None)
                if step is None:
                    found.append(part)
                    stack.pop()
                else:
                    seen.add(step)
                    stack.append((step, iter(self._needed(step))))
        return tuple(found)

    def _needed(self, part: int) -> list[int]:
        return [option.part for need in self.needs[part] for option in need.options]

    def closed(self, fault: str) -> tuple[str, ...]:
        """What fails when ``fault`` does, of itself: a whole that answers through its parts is
        nothing beside them, so they go with it."""
        found: dict[str, None] = {}
        waiting = [fault]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found[name] = None
            node = self.system.nodes.get(NodeId(name))
            if node is not None and node.upstream is None:
                waiting.extend(self.system.parts.get(node.id, ()))
        return tuple(found)

    def _compiled(self, fates: Mapping[NodeId, tuple[str, ...]]) -> Iterator[tuple[Need, ...]]:
        calls: dict[NodeId, tuple[Need, ...]] = {}
        for name, node in self.system.nodes.items():
            calls[name] = tuple(self._over_edges(node))
            yield (
                *self._whereabouts(node),
                *self._composition(node),
                *self._fates(node, fates[name]),
                *calls[name],
            )
        yield from (() for _ in self.domains)
        yield from (calls[name] for name in self.system.nodes if self.fails_open(name))
        yield from (tuple(self._of_flow(flow)) for flow in self.system.flows)

    def _whereabouts(self, node: Node) -> Iterator[Need]:
        hosts = self.system.hosts.get(node.id, ())
        options = tuple(Option(self.number[host]) for host in hosts)
        if len(options) > 1 and (node.facts.replicas or 1) > 1:
            yield Need(options, tolerated=_spread(node, len(options)), by="deployed-in")
            return
        yield from (Need((option,), by="deployed-in") for option in options)

    def _composition(self, node: Node) -> Iterator[Need]:
        parts = self.system.parts.get(node.id, ())
        answering = [part for part in parts if self.system.nodes[part].upstream is not None]
        if answering and node.upstream is None:
            needed = min(node.facts.replicas_needed or 1, len(answering))
            yield Need(
                tuple(Option(self.number[part]) for part in answering),
                tolerated=len(answering) - needed,
                by="composed-of",
            )
            return
        if parts:
            options = tuple(Option(self.number[part]) for part in parts)
            yield Need(options, tolerated=len(parts) - 1, any_hurts=True, by="composed-of")

    def _fates(self, node: Node, fates: tuple[str, ...]) -> Iterator[Need]:
        kinds: dict[str, list[str]] = {}
        for fate in fates:
            kinds.setdefault(fate.partition(":")[0] if ":" in fate else fate, []).append(fate)
        for kind, names in kinds.items():
            options = tuple(Option(self.number[name]) for name in names)
            if kind == "credential":
                yield from (Need((option,), by="fate") for option in options)
            else:
                yield Need(options, tolerated=_spread(node, len(options)), by="fate")

    def _over_edges(self, node: Node) -> Iterator[Need]:
        edges = self.system.leaving[node.id]
        used = [edge for edge in edges if edge.kind is EdgeKind.USE and not edge.facts.strength]
        if used:
            options = tuple(Option(self._seen(edge.destination)) for edge in used)
            over = str(used[0].id)
            yield Need(options, tolerated=len(used) - 1, any_hurts=True, by="use", over=over)
        beside = _beside(edges)
        for edge in edges:
            if edge.kind is EdgeKind.CALL or edge.facts.strength is not None:
                yield from self._over(edge, beside)

    def _over(self, edge: Edge, beside: "_Beside | None") -> Iterator[Need]:
        facts = edge.facts
        if facts.alternative_to is not None:
            return
        standby = beside is not None and edge.destination in beside.standbys
        if facts.strength is None and (standby or facts.purpose in UNNEEDED):
            return
        if facts.strength == "async" and self._outlasted(facts.buffer_hours):
            return
        others = beside.substitutes(edge) if beside is not None else ()
        options = (Option(self._seen(edge.destination)),)
        if others:
            options += tuple(Option(self._seen(other), standby=True) for other in others)
        yield Need(
            options,
            tolerated=len(others),
            bound=self._bound(edge, substituted=bool(others)),
            by="use" if edge.kind is EdgeKind.USE else "call",
            over=str(edge.id),
        )

    def _outlasted(self, buffer_hours: float | None) -> bool:
        hours = self.assumptions.outage_s / SECONDS_PER_HOUR
        return buffer_hours is not None and buffer_hours > hours

    def _bound(self, edge: Edge, *, substituted: bool) -> Bound:
        match edge.facts.strength:
            case "async" | "optional":
                return Bound.AT_WORST_DEGRADED
            case "soft" if not substituted:
                return Bound.AT_WORST_DEGRADED
            case _:
                pass
        cache = edge.relationship.cache
        if cache is not None and cache.ttl_s > self.assumptions.outage_s:
            return Bound.AT_WORST_DEGRADED
        return Bound.SLOW_STOPS if self._held(edge) else Bound.ALL

    def _held(self, edge: Edge) -> bool:
        """Whether calls that hang over this edge leave the source room for others: a bulkhead of
        its own, or (Little's law) fewer calls under way than the source's pool has room for."""
        if edge.relationship.bulkhead is not None:
            return True
        pool = self.system.nodes[edge.source].bulkhead
        rate = edge.facts.calls_per_hour
        if pool is None or rate is None:
            return False
        carried = bool(self.system.blueprint.upstreams(self.system.nodes[edge.destination]))
        wait = edge.relationship.timeouts.total_s if carried else edge.facts.timeout_s
        return wait is not None and rate / SECONDS_PER_HOUR * wait <= pool

    def _seen(self, name: NodeId) -> int:
        """What a caller of ``name`` depends on: a guard that fails open is seen through."""
        return self.number[_behind(name) if name in self._open else name]

    def _of_flow(self, flow: Flow) -> Iterator[Need]:
        """A flow needs its callers, and an answer over each of its edges."""
        sources: dict[NodeId, None] = {}
        for name in dict.fromkeys(step.over for step in flow.steps):
            edges = self.system.edges_of.get(name, ())
            sources.update((edge.source, None) for edge in edges)
            if len(edges) > 1:  # a person's use of several nodes: losing one costs something
                options = tuple(Option(self._seen(edge.destination)) for edge in edges)
                yield Need(
                    options, tolerated=len(edges) - 1, any_hurts=True, by="use", over=str(name)
                )
                continue
            for edge in edges:
                yield from self._over(edge, _beside(self.system.leaving[edge.source]))
        for source in sources:
            if self.system.nodes[source].kind is not NodeKind.ACTOR:
                yield Need((Option(self.number[source]),), by="flow")


def flow_name(flow: str) -> str:
    return f"flow!{flow}"


def _behind(name: str) -> str:
    return f"{name}!behind"


def fates_of(node: Node) -> tuple[str, ...]:
    """What a node shares its fate with, beside what it is deployed in: its failure domains, its
    region, the provider of its model, its credentials."""
    facts = node.facts
    found: dict[str, None] = dict.fromkeys(facts.failure_domains or ())
    if facts.region is not None:
        found[f"region:{facts.region}"] = None
    if facts.model is not None and facts.model.provider is not None:
        found[f"provider:{facts.model.provider}"] = None
    found.update((f"credential:{name}", None) for name in facts.credentials or ())
    return tuple(found)


def _spread(node: Node, places: int) -> int:
    """How many of ``places`` may be lost: replicas are spread evenly, and the fullest go first.
    Where their number is unknown, one stands in each place."""
    replicas = node.facts.replicas or places
    needed = node.facts.replicas_needed or 1
    for lost in range(1, places + 1):
        if replicas_left(replicas, places, lost=lost) < needed:
            return lost - 1
    return places - 1


def replicas_left(replicas: int, places: int, *, lost: int) -> int:
    """How many of evenly spread replicas are left when ``lost`` places are, the fullest first."""
    each, rest = divmod(replicas, places)
    return replicas - lost * each - min(lost, rest)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a node's calls have beside them: which destinations stand in for others."""

    onward: Mapping[NodeId, Edge]
    standbys: frozenset[NodeId]
    alternatives: Mapping[str, tuple[NodeId, ...]]

    def substitutes(self, edge: Edge) -> tuple[NodeId, ...]:
        """What answers in the destination's place: the fallbacks that Holdfast carries, theirs in
        turn, and edges declared as alternatives."""
        found: dict[NodeId, None] = {}
        waiting = [edge]
        while waiting:
            here = waiting.pop(0)
            names = (*_fallbacks(here), *self.alternatives.get(here.id, ()))
            for name in names:
                if name not in found and name not in (edge.source, edge.destination):
                    found[name] = None
                    waiting.extend([self.onward[name]] if name in self.onward else [])
        return tuple(found)


def _beside(edges: Sequence[Edge]) -> _Beside | None:
    """None where nothing stands in for anything: the usual case, and a quick one."""
    alternatives: dict[str, tuple[NodeId, ...]] = {}
    standbys: set[NodeId] = set()
    for edge in edges:
        standbys.update(_fallbacks(edge))
        primary = edge.facts.alternative_to
        if primary is not None:
            alternatives[primary] = (*alternatives.get(primary, ()), edge.destination)
    if not standbys and not alternatives:
        return None
    onward = {edge.destination: edge for edge in edges}
    return _Beside(onward, frozenset(standbys), alternatives)


def _fallbacks(edge: Edge) -> tuple[NodeId, ...]:
    fallback = edge.relationship.fallback
    return tuple(NodeId(name) for name in fallback.to) if fallback is not None else ()
