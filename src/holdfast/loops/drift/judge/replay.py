"""Traces replayed on flows (class D6): token replay, after van der Aalst.

A flow is a net in a row: each step takes the token of the one before and leaves its own. A step may
repeat while it is enabled (retries, loops of an agent), and a trace may end early (a failure). What
is found is a step that was taken before an earlier one had been: its token was missing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.blueprint import Flow
from holdfast.core import NodeId
from holdfast.loops.drift.judge.declared import Declared
from holdfast.loops.drift.judge.finding import Finding, Kind, confidence, level_of
from holdfast.loops.drift.judge.resolving import Resolver
from holdfast.loops.drift.sightings import Order, Proof, Tally

STEPS_MAX = 200
"""Steps of a flow that is replayed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Net:
    """The forward steps of a flow: each the pairs of nodes that take it."""

    flow: Flow
    steps: tuple[frozenset[tuple[NodeId, NodeId]], ...]

    @property
    def pairs(self) -> frozenset[tuple[NodeId, NodeId]]:
        return frozenset(pair for step in self.steps for pair in step)


def nets_of(declared: Declared) -> tuple[Net, ...]:
    """The flows that have an order to follow."""
    found: list[Net] = []
    for flow in declared.system.flows:
        steps = tuple(
            frozenset(
                (edge.source, edge.destination)
                for edge in declared.system.edges_of.get(step.over, ())
            )
            for step in flow.steps
            if not step.back
        )[:STEPS_MAX]
        if len(steps) > 1:
            found.append(Net(flow=flow, steps=steps))
    return tuple(found)


def replay(net: Net, pairs: tuple[tuple[NodeId, NodeId], ...]) -> tuple[tuple[int, int], ...]:
    """The steps of which the token was missing, each with the first step that had not been taken;
    none when the trace follows the flow. Pairs that are no step of it pass by."""
    done: set[int] = set()
    missed: dict[tuple[int, int], None] = {}
    for pair in pairs:
        places = [n for n, step in enumerate(net.steps) if pair in step]
        if not places:
            continue
        wanted = _first_missing(done)
        # Where a pair stands at several places, the last that is enabled is meant.
        enabled = [n for n in places if n <= wanted]
        if not enabled:
            missed[places[0], wanted] = None
        done.add(max(enabled, default=places[0]))
    return tuple(missed)


def _first_missing(done: set[int]) -> int:
    n = 0
    while n in done:
        n += 1
    return n


@dataclass(slots=True)
class _Group:
    n: int = 0
    calls: float = 0.0
    first: int = 0
    last: int = 0
    quality: float = 1.0


def replay_all(tally: Tally, declared: Declared, resolver: Resolver) -> tuple[Finding, ...]:
    """One finding for each step of a flow that was taken too early."""
    nets = nets_of(declared)
    groups: dict[tuple[Net, int, int], _Group] = {}
    for (_, order), count in tally.orders.items() if nets else ():
        pairs, quality = _resolved(order, declared, resolver)
        net = _of_flow(nets, pairs)
        if net is None:
            continue
        for late, wanted in replay(net, pairs):
            group = groups.setdefault((net, late, wanted), _Group())
            group.first = count.first if group.n == 0 else min(group.first, count.first)
            group.last = max(group.last, count.last)
            group.n += count.n
            group.calls += count.calls
            group.quality = min(group.quality, quality)
    return tuple(_findings(groups, declared))


def _resolved(
    order: Order, declared: Declared, resolver: Resolver
) -> tuple[tuple[tuple[NodeId, NodeId], ...], float]:
    """The declared pairs of an order, each as the relationship has it that covers it."""
    pairs: list[tuple[NodeId, NodeId]] = []
    quality = 1.0
    for one, other in order:
        source = resolver.party(one)
        target = resolver.party(other, called_by=source.node)
        if source.node is None or target.node is None:
            continue
        covering = declared.covering(source.node, target.node)
        if covering:
            pairs.append((covering[0].source, covering[0].destination))
            quality = min(quality, source.quality, target.quality)
    return tuple(pairs), quality


def _of_flow(nets: tuple[Net, ...], pairs: tuple[tuple[NodeId, NodeId], ...]) -> Net | None:
    """The flow that a trace is of: that it has most in common with, at least two steps; None when
    it follows any, or is of none."""
    seen = frozenset(pairs)
    alike = [net for net in nets if len(seen & net.pairs) > 1]
    if not alike or any(not replay(net, pairs) for net in alike):
        return None
    return max(alike, key=lambda net: len(seen & net.pairs) / len(seen | net.pairs))


def _findings(
    groups: Mapping[tuple[Net, int, int], _Group], declared: Declared
) -> Iterator[Finding]:
    for (net, late, wanted), group in groups.items():
        name = net.flow.id
        sure = confidence({(Proof.PAIRED, group.quality): group.n})
        step, before = _pair(net, late), _pair(net, wanted)
        skipped = NodeId(before[1])
        yield Finding(
            kind=Kind.ORDER,
            source=step[0],
            target=step[1],
            what=f"flow {name}: {step[0]} -> {step[1]} came before {before[0]} -> {before[1]}",
            level=level_of(sure, is_urgent=False),
            confidence=sure,
            n=group.n,
            calls=group.calls,
            first=group.first,
            last=group.last,
            fact="order",
            declared=f"{before[0]}->{before[1]} first",
            seen=f"{name}:{late + 1} before {wanted + 1}",
            flow=name,
            privileged=skipped in declared.mediators,
            proofs=(Proof.PAIRED,),
        )


def _pair(net: Net, step: int) -> tuple[NodeId, NodeId]:
    return min(net.steps[step])
