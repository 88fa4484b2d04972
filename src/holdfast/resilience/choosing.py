"""Which of a node's upstreams takes a call: tiers first, then weight, load, session or price."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log
from typing import Protocol, assert_never

from holdfast.blueprint import RoutingBy

OVERPROVISIONED = 1.4
"""A tier carries all calls while 1/1.4 of its weight is up (Envoy: `overprovisioning_factor`)."""
LOAD_FACTOR = 1.25
"""A session leaves its upstream when that has this times its share of the calls in flight."""
SESSION_CALLS_MIN = 4
"""Calls in flight at one upstream below which no session leaves it."""
PLANS_MAX = 256
"""Sets of upstreams that are up for which tiers are kept worked out."""

_MASK = (1 << 64) - 1


class Telemetry(Protocol):
    """What choosing needs to know of an upstream's load; ``score`` is lower for the less loaded."""

    @property
    def in_flight(self) -> int: ...

    def score(self, now: float) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One upstream. ``index`` is its place among the options; ``name`` is stable over reloads and
    workers, so that sessions are. ``zone_distance`` is 0 in the caller's zone, 1 elsewhere;
    ``price`` None when nobody knows it (then it is the dearest). One of weight 0 is chosen only
    where all others of its tier are out."""

    index: int
    name: str
    load: Telemetry
    weight: int = 1
    priority: int = 0
    zone_distance: int = 0
    price: int | None = None


class _Pool:
    """Upstreams that are up, of one tier: drawn by weight."""

    __slots__ = ("ends", "is_even", "members", "total", "weights")

    def __init__(self, members: Sequence[Option], *, cheapest: bool) -> None:
        if cheapest:
            members = _cheapest(members)
        weighty = [m for m in members if m.weight > 0]
        self.members: tuple[Option, ...] = tuple(weighty or members)
        self.weights: tuple[int, ...] = tuple(max(m.weight, 1) for m in self.members)
        self.ends: tuple[int, ...] = tuple(accumulate(self.weights))
        self.total = self.ends[-1]
        self.is_even = len(set(self.weights)) == 1

    def at(self, place: float) -> int:
        """Who stands at ``place`` of [0, total)."""
        return min(bisect_right(self.ends, place), len(self.ends) - 1)


class _Tier:
    """A priority and zone that takes the calls whose draw lies in [start, end); ``place`` is its
    place among the tiers that have anyone up."""

    __slots__ = ("end", "place", "pool", "start")

    def __init__(self, start: float, end: float, *, place: int, pool: _Pool) -> None:
        self.start = start
        self.end = end
        self.place = place
        self.pool = pool


class Chooser:
    """Chooses among the upstreams of one node. A choice changes nothing.

    A tier is a priority and, within it, a zone: lower numbers first. A tier takes all calls while
    enough of it is up; below that the share it cannot carry spills over to the next (Envoy's
    priority load balancing). Within a tier:

    - ``weighted``: by chance, in proportion to weight.
    - ``least-loaded``: the less loaded, for its weight, of two drawn by weight (M. Mitzenmacher,
      "The Power of Two Choices in Randomized Load Balancing", 2001).
    - ``session``: rendezvous hashing, weighted (Thaler and Ravishankar, 1998), with bounded loads
      (Mirrokni, Thorup and Zadimoghaddam, 2018); a call without a session goes to the least
      loaded.
    - ``cheapest``: the lowest price; among equals the least loaded.
    """

    __slots__ = ("_by", "_every", "_options", "_plans", "_seeds", "is_single")

    def __init__(self, options: Sequence[Option], *, by: RoutingBy) -> None:
        if [option.index for option in options] != list(range(len(options))):
            raise ValueError("an option's index is its place among the options")
        self._options = tuple(options)
        self._by: RoutingBy = by
        self._every = (1 << len(options)) - 1
        self._plans: dict[int, tuple[_Tier, ...]] = {}
        self._seeds = tuple(hash64(option.name.encode()) for option in options)
        self.is_single = len(options) == 1
        """With one option no chance need be drawn."""

    def choose(
        self,
        up: int,
        now: float,
        *,
        chance: float,
        chance2: float,
        session: bytes | None = None,
        exclude: int | None = None,
    ) -> int | None:
        """The index of the one to ask, None when none is up. Bit ``1 << index`` of ``up`` says
        that one may be asked; ``exclude`` is taken only when no other is up."""
        if self.is_single:
            return 0 if up & 1 else None
        up &= self._every
        if not up:
            return None
        key = None if session is None or self._by != "session" else hash64(session)
        plan = self._plans.get(up) or self._planned(up)
        tier = plan[0]
        if len(plan) > 1:
            tier, chance = _drawn(plan, chance if key is None else _unit(_mixed(key)))
        pool = tier.pool
        if exclude is not None and up >> exclude & 1 and up != 1 << exclude:
            pool = self._without(exclude, up, tier.place)
        if len(pool.members) == 1:
            return pool.members[0].index
        return self._pick(pool, now, chance=chance, chance2=chance2, key=key)

    def _pick(
        self, pool: _Pool, now: float, *, chance: float, chance2: float, key: int | None
    ) -> int:
        match self._by:
            case "weighted":
                return pool.members[pool.at(chance * pool.total)].index
            case "least-loaded" | "cheapest":
                return _less_loaded(pool, now, chance=chance, chance2=chance2)
            case "session":
                if key is None:
                    return _less_loaded(pool, now, chance=chance, chance2=chance2)
                return self._of_session(pool, key)
            case _:
                assert_never(self._by)

    def _planned(self, up: int) -> tuple[_Tier, ...]:
        if len(self._plans) >= PLANS_MAX:
            self._plans.clear()
        plan = self._plans[up] = _plan(self._options, up, cheapest=self._by == "cheapest")
        return plan

    def _without(self, exclude: int, up: int, place: int) -> _Pool:
        """The tier at ``place`` of those that are up without one of them, or the next that is not
        empty then."""
        tiers = [[m for m in tier if m.index != exclude] for tier in _tiers(self._options, up)]
        rest = next(tier for tier in (*tiers[place:], *tiers[:place]) if tier)
        return _Pool(rest, cheapest=self._by == "cheapest")

    def _of_session(self, pool: _Pool, key: int) -> int:
        """The session's first choice among those that are not loaded far beyond their share."""
        seeds = self._seeds
        ranks = [_mixed(key ^ seeds[member.index]) for member in pool.members]
        if not pool.is_even:
            ranks = [_waiting(rank, w) for rank, w in zip(ranks, pool.weights, strict=True)]
        first = min(range(len(ranks)), key=ranks.__getitem__)
        if pool.members[first].load.in_flight < SESSION_CALLS_MIN:
            return pool.members[first].index
        return pool.members[_bounded(pool, ranks)].index


def hash64(data: bytes) -> int:
    """64 bits that are the same in every worker, unlike ``hash``."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def _tiers(options: Iterable[Option], up: int) -> list[list[Option]]:
    """Those that are up, by priority and zone; no tier is empty."""
    tiers: dict[tuple[int, int], list[Option]] = {}
    for option in options:
        if up >> option.index & 1:
            tiers.setdefault(_level(option), []).append(option)
    return [tiers[level] for level in sorted(tiers)]


def _plan(options: Sequence[Option], up: int, *, cheapest: bool) -> tuple[_Tier, ...]:
    """The tiers that take calls when ``up`` are up, with their stretches of [0, 1)."""
    every = (1 << len(options)) - 1
    whole = {_level(members[0]): _weight(members) for members in _tiers(options, every)}
    found: list[_Tier] = []
    start = 0.0
    for place, members in enumerate(_tiers(options, up)):
        total = whole[_level(members[0])]
        carried = OVERPROVISIONED * _weight(members) / total if total else 1.0
        end = min(start + carried, 1.0)
        if end > start:
            pool = _Pool(members, cheapest=cheapest)
            found.append(_Tier(start, end, place=place, pool=pool))
        start = end
    if not found:  # only some of weight 0 are up: better than nobody
        pool = _Pool(_tiers(options, up)[0], cheapest=cheapest)
        found.append(_Tier(0.0, 1.0, place=0, pool=pool))
    return tuple(found)


def _level(option: Option) -> tuple[int, int]:
    return option.priority, option.zone_distance


def _weight(options: Iterable[Option]) -> int:
    return sum(option.weight for option in options)


def _drawn(plan: tuple[_Tier, ...], draw: float) -> tuple[_Tier, float]:
    """The tier that ``draw`` falls on; and how far into its stretch, in [0, 1): chance unused."""
    # When even all tiers together cannot carry everything, each takes more than it should.
    draw *= plan[-1].end
    tier = next((tier for tier in plan if draw < tier.end), plan[-1])
    return tier, (draw - tier.start) / (tier.end - tier.start)


def _less_loaded(pool: _Pool, now: float, *, chance: float, chance2: float) -> int:
    """Two different ones drawn by weight; the one whose load is less for its weight."""
    first = pool.at(chance * pool.total)
    if len(pool.members) == 2:
        second = 1 - first
    else:
        # Drawn from all but the first: its stretch is stepped over.
        weight = pool.weights[first]
        place = chance2 * (pool.total - weight)
        second = pool.at(place + weight if place >= pool.ends[first] - weight else place)
        if second == first:  # rounding, at the edge of the stretch
            second = first - 1 if first else 1
    one, other = pool.members[first], pool.members[second]
    ours = one.load.score(now) * pool.weights[second]
    return (one if ours <= other.load.score(now) * pool.weights[first] else other).index


def _cheapest(options: Sequence[Option]) -> list[Option]:
    prices = [option.price for option in options if option.price is not None]
    least = min(prices, default=None)
    return [option for option in options if option.price == least]


def _mixed(value: int) -> int:
    """The finalizer of splitmix64: every bit of ``value`` decides over every bit."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31


def _unit(value: int) -> float:
    """The upper 53 of 64 bits as a number in [0, 1)."""
    return (value >> 11) * 2.0**-53


def _waiting(rank: int, weight: int) -> float:
    """A waiting time at a rate of ``weight``: who waits least is drawn in proportion to weight.
    Among equal weights the order is that of the ranks."""
    return -log(1.0 - _unit(rank)) / weight


def _bounded(pool: _Pool, ranks: Sequence[float]) -> int:
    """The place of the first by rank that has less than its bound in flight."""
    in_flight = 1 + sum(member.load.in_flight for member in pool.members)
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    for place in order:
        bound = LOAD_FACTOR * in_flight * pool.weights[place] / pool.total
        if pool.members[place].load.in_flight < max(bound, SESSION_CALLS_MIN):
            return place
    # Not reached: the bounds add up to more than all calls in flight.
    return order[0]
