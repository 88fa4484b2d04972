"""A group is all the upstreams that answer for one node, with what they share: queue, retry budget,
throttle, cache, counts; and the choice among them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from holdfast.blueprint import Blueprint, Criticality, Node, RoutingBy
from holdfast.core import NodeId
from holdfast.gateway.news import News
from holdfast.gateway.places import BACK_SOON_S, Place
from holdfast.gateway.upstreams import Upstream
from holdfast.resilience import (
    AdmissionQueue,
    Chooser,
    Ejector,
    Option,
    Percentile,
    RetryBudget,
    Throttle,
)
from holdfast.world.ports import Clock, Entropy

LIFO_FROM_SHARE = 0.25
"""Filled beyond this share, the queue serves the newest first: they are whose callers still wait."""
HEDGE_SHARE = 0.05
"""Of calls, where only a relationship declares hedging."""
PROBE_SHARE = 0.02
"""Of the calls that others can take, so many may go to one that is out, to see whether it is back: who
is sent there may wait in vain."""


class Counters(msgspec.Struct):
    """What a group's mechanisms did since the worker began."""

    retries: int = 0
    retries_denied: int = 0
    hedges: int = 0
    hedges_won: int = 0
    fallbacks: int = 0
    seams: int = 0
    shed: int = 0
    throttled: int = 0
    queue_dropped: int = 0
    cache_hits: int = 0
    cache_misses: int = 0


class Waiting(Protocol):
    """A call in the queue."""

    def resume(self, now: float) -> bool:
        """Your turn; False when you found no room after all and wait again."""
        ...

    def drop(self, code: str) -> None:
        """You waited in vain, by that rule."""
        ...


class Group:
    """All upstreams of a node. ``definition`` says whether a reload changed it."""

    __slots__ = (
        "_by",
        "_choosers",
        "_clock",
        "_entropy",
        "_zones",
        "counters",
        "definition",
        "ejector",
        "first_token",
        "hedge_budget",
        "node",
        "places",
        "queue",
        "retry_budget",
        "sole",
        "throttle",
    )

    def __init__(
        self,
        node: Node,
        places: tuple[Place, ...],
        *,
        clock: Clock,
        entropy: Entropy,
        zones: Mapping[NodeId, tuple[bool, ...]],
    ) -> None:
        now = clock.monotonic()
        queue = node.concurrency.queue
        self.node = node
        self.places = places
        self.sole = places[0] if len(places) == 1 else None
        self.definition = definition(node, [place.node for place in places])
        self.queue: AdmissionQueue[Waiting] = AdmissionQueue(
            size=queue,
            lifo_from=max(1, int(queue * LIFO_FROM_SHARE)),
            wait_s=node.concurrency.queue_s,
        )
        self.retry_budget = RetryBudget(
            node.retries.share, per_s_min=node.retries.per_s_min, now=now
        )
        self.throttle = Throttle()
        self.hedge_budget = RetryBudget(
            node.hedge.share if node.hedge is not None else HEDGE_SHARE, per_s_min=0.0, now=now
        )
        self.ejector = Ejector(node.ejection, count=len(places))
        self.first_token = Percentile()
        self.counters = Counters()
        self._by: RoutingBy = node.routing.by
        self._clock = clock
        self._entropy = entropy
        self._zones = zones
        self._choosers: dict[tuple[bool, ...], Chooser] = {}

    def is_defined_by(self, node: Node, zones: Mapping[NodeId, tuple[bool, ...]]) -> bool:
        """Whether a reload left the group as it is."""
        members = [place.node for place in self.places]
        return self.definition == definition(node, members) and self._zones == zones

    def sheds(self, criticality: Criticality, now: float) -> bool:
        """Whether a call gives way now, since most of what is asked comes to nothing."""
        shed = self.throttle.sheds(now, chance=self._entropy.jitter(), criticality=criticality)
        self.counters.throttled += shed
        return shed

    def choose(
        self,
        caller: NodeId,
        tokens: int,
        *,
        session: bytes | None,
        exclude: Place | None,
        now: float,
    ) -> Place | None:
        """A place that may take the call now, or None. ``exclude`` only when there is another."""
        sole = self.sole
        if sole is not None:
            if sole.admits(now) and sole.has_room(tokens):
                return sole
            sole.breaker.pass_by()
            return None
        up = well = 0
        ejector, jitter = self.ejector, self._entropy.jitter
        for index, place in enumerate(self.places):
            if place.admits(now) and place.has_room(tokens) and not ejector.ejected(index, now):
                up |= 1 << index
                well |= (not place.breaker.is_open) << index
        if well and well != up and jitter() >= PROBE_SHARE:
            up = well
        chosen = self._chooser(caller).choose(
            up,
            now,
            chance=jitter(),
            chance2=jitter(),
            session=session,
            exclude=None if exclude is None else self.places.index(exclude),
        )
        place = None if chosen is None else self.places[chosen]
        for each in self.places:
            if each is not place:
                each.breaker.pass_by()
        return place

    def chance(self) -> float:
        """A number in [0, 1)."""
        return self._entropy.jitter()

    def anyone(self, now: float) -> bool:
        """Whether any place may take calls at all, now or soon: only then it is worth waiting."""
        ejected, soon = self.ejector.ejected, now + BACK_SOON_S
        return any(
            place.is_back_soon(now) and not ejected(index, soon)
            for index, place in enumerate(self.places)
        )

    def back_at(self, now: float) -> float:
        """When the first place may be tried again."""
        ejector = self.ejector
        return min(
            max(place.back_at(now), ejector.until(index) if ejector.ejected(index, now) else now)
            for index, place in enumerate(self.places)
        )

    def resting(self, now: float) -> bool:
        """Whether a rate limit is what keeps calls out."""
        return any(place.resting_until > now for place in self.places)

    def wait(self, call: Waiting, *, criticality: Criticality, due: float, now: float) -> bool:
        """Take a place in the queue; False when there is none to be had."""
        offer = self.queue.offer(call, criticality=criticality, due=due, now=now)
        if offer.evicted is not None:
            self.counters.shed += 1
            offer.evicted.drop("queue.full")
        return offer.accepted

    def pump(self) -> None:
        """Room may have come free: let those who wait go, as far as it reaches. When there is
        nothing left to wait for, all go, to find another way or be told."""
        now = self._clock.monotonic()
        while len(self.queue) and self._any_room(now):
            expected_s = min(place.limiter.usual_s for place in self.places)
            call, dropped = self.queue.take(now, expected_s=expected_s)
            for late in dropped:
                self.counters.queue_dropped += 1
                late.drop("queue.timeout")
            if call is None or not call.resume(now):
                return
        if len(self.queue) and not self.anyone(now):
            for call in self.queue.clear():
                call.resume(now)

    def learn(self, place: Place, now: float, *, is_good: bool) -> bool:
        """A call to a place came out well or badly; whether that ejected the place."""
        if is_good:
            self.throttle.accepted(now)
        else:
            self.throttle.rejected(now)
        if self.sole is not None:
            return False
        index = self.places.index(place)
        before = self.ejector.until(index)
        self.ejector.observe(index, is_good, now)
        return self.ejector.until(index) > max(before, now)

    def readmit(self, place: Place) -> None:
        """It was seen to be well: no longer an outlier."""
        self.ejector.readmit(self.places.index(place))

    def hear(self, news: News, now: float) -> None:
        """Another worker has learnt this of one of the places."""
        for index, place in enumerate(self.places):
            if place.node.id != news.upstream:
                continue
            match news.kind:
                case "open":
                    place.breaker.open(now)
                    place.shaken = True
                case "closed":
                    place.breaker.close()
                    self.ejector.readmit(index)
                case "resting":
                    place.rest(now + news.for_s)
                case "ejected":
                    self.ejector.eject(index, now + news.for_s)
                case "down" | "up":
                    place.set_down(down=news.kind == "down")

    def _any_room(self, now: float) -> bool:
        ejected = self.ejector.ejected
        return any(
            place.admits(now) and place.has_room(0) and not ejected(index, now)
            for index, place in enumerate(self.places)
        )

    def _chooser(self, caller: NodeId) -> Chooser:
        near = self._zones.get(caller, ())
        chooser = self._choosers.get(near)
        if chooser is None:
            options = [
                _option(index, place, near=index < len(near) and near[index])
                for index, place in enumerate(self.places)
            ]
            chooser = self._choosers[near] = Chooser(options, by=self._by)
        return chooser


def _option(index: int, place: Place, *, near: bool) -> Option:
    control, price = place.node.upstream, place.node.price
    assert control is not None
    return Option(
        index=index,
        name=place.node.id,
        weight=control.weight,
        priority=control.priority,
        zone_distance=0 if near else 1,
        price=price.input_micro + price.output_micro if price is not None else None,
        load=place.load,
    )


def definition(node: Node, members: Iterable[Node]) -> tuple[object, ...]:
    """What a group is made of, as far as its machines depend on it."""
    return (
        *(node.id, node.routing, node.retries, node.ejection, node.concurrency, node.cache),
        tuple(_place_definition(member) for member in members),
    )


def _place_definition(node: Node) -> tuple[object, ...]:
    return (
        *(
            node.id,
            node.upstream,
            node.program,
            node.breaker,
            node.concurrency,
            node.health,
            node.price,
        ),
        (node.limits.connections, node.timeouts.connect_s),
    )


def build_groups(
    blueprint: Blueprint,
    upstreams: Mapping[NodeId, Upstream],
    *,
    clock: Clock,
    entropy: Entropy,
    previous: Mapping[NodeId, Group],
) -> dict[NodeId, Group]:
    """A group for every node that is called and has upstreams. One whose definition did not change lives on, with
    all that its machines have learnt."""
    old = {place.node.id: place for group in previous.values() for place in group.places}
    places: dict[NodeId, Place] = {}
    for name, upstream in upstreams.items():
        node, before = blueprint.nodes[name], old.get(name)
        same = (
            before is not None
            and before.upstream is upstream
            and _place_definition(before.node) == _place_definition(node)
        )
        places[name] = before if before is not None and same else Place(node, upstream)
    groups: dict[NodeId, Group] = {}
    called = {callee for _, callee in blueprint.connections()}
    for node in blueprint.nodes.values():
        if node.id not in called:
            continue
        answering = (node,) if node.program is not None else blueprint.upstreams(node)
        members = tuple(places[member.id] for member in answering)
        if not members:
            continue
        zones = _zones(blueprint, members)
        kept = previous.get(node.id)
        if kept is not None and kept.places == members and kept.is_defined_by(node, zones):
            groups[node.id] = kept
        else:
            groups[node.id] = Group(node, members, clock=clock, entropy=entropy, zones=zones)
    return groups


def _zones(blueprint: Blueprint, members: tuple[Place, ...]) -> dict[NodeId, tuple[bool, ...]]:
    """For each node, which places share a zone with it; nodes that share none are left out."""
    if len(members) == 1:
        return {}
    shared = {
        name: tuple(blueprint.share_zone(name, place.node.id) for place in members)
        for name in blueprint.nodes
    }
    return {name: near for name, near in shared.items() if any(near)}
