"""Minimal sets of faults that together end a flow, though no smaller part of them does."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

from holdfast.blueprint.blast.errors import TooLargeError, UnknownPartError
from holdfast.blueprint.blast.fixpoints import greatest
from holdfast.blueprint.blast.levels import WELL, Levels, forced, meet
from holdfast.blueprint.blast.model import Assumptions, Equations, flow_name
from holdfast.blueprint.blast.states import State
from holdfast.blueprint.graph import System

SCENARIOS_MAX = 2_000_000
"""Sets of faults tried for one size: a bit each for every part that the flow rests on."""
BITS_MAX = 400_000_000
"""Scenarios times parts: what the walk holds in memory, in bits (three of them)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutSets:
    """All minimal cut sets of a flow with at most ``size`` faults. ``parts`` could be in one."""

    flow: str
    size: int
    sets: tuple[tuple[str, ...], ...]
    parts: int


def cut_sets(
    system: System,
    flow: str,
    *,
    size: int = 2,
    assumptions: Assumptions | None = None,
    equations: Equations | None = None,
) -> CutSets:
    """Every minimal set of at most ``size`` faults that takes ``flow`` down, the small ones first.
    All sets of one size are tried together, a bit for each. Raises ``TooLargeError`` before it
    starts on a size that is too large."""
    equations = equations or Equations(system, assumptions or Assumptions())
    name = flow_name(flow)
    if name not in equations.number:
        raise UnknownPartError.of(flow, (each.id for each in system.flows), noun="flow")
    candidates = _below(equations, name)
    found: list[tuple[str, ...]] = []
    for count in range(1, size + 1):
        alone = {fault for cut in found if len(cut) == 1 for fault in cut}
        left = [fault for fault in candidates if fault not in alone]
        _check_size(len(left), count)
        tried = [
            each
            for each in combinations(left, count)
            if not any(set(cut) <= set(each) for cut in found if len(cut) > 1)
        ]
        ends = _ending(equations, tried, name)
        found.extend(each for bit, each in enumerate(tried) if (ends >> bit) & 1)
    return CutSets(flow=flow, size=size, sets=tuple(found), parts=len(candidates))


def _below(equations: Equations, name: str) -> list[str]:
    """What may fail that a part rests on, at any depth, in the system's order."""
    seen = {equations.number[name]}
    waiting = list(seen)
    while waiting:
        needs = equations.needs[waiting.pop()]
        fresh = {option.part for need in needs for option in need.options} - seen
        seen |= fresh
        waiting.extend(fresh)
    names = {equations.names[part].removesuffix("!behind") for part in seen}
    return [fault for fault in equations.faults if not names.isdisjoint(equations.closed(fault))]


def _check_size(parts: int, count: int) -> None:
    sets = comb(parts, count)
    if sets > SCENARIOS_MAX or sets * parts > BITS_MAX:
        raise TooLargeError(
            f"{sets} sets of {count} faults among {parts} parts are too many to try "
            f"(limit {SCENARIOS_MAX} sets, {BITS_MAX} bits)",
            fix="ask for smaller sets, or use `holdfast prove` with z3",
        )


def _ending(equations: Equations, tried: Sequence[tuple[str, ...]], name: str) -> int:
    """The bits of the sets that take a part down."""
    own: list[Levels] = [WELL] * len(equations.names)
    bits: dict[str, bytearray] = {}
    for bit, faults in enumerate(tried):
        for fault in faults:
            row = bits.setdefault(fault, bytearray(len(tried) // 8 + 1))
            row[bit // 8] |= 1 << bit % 8
    for fault, row in bits.items():
        scenarios = int.from_bytes(row, "little")
        for part in equations.closed(fault):
            number = equations.number[part]
            own[number] = meet(own[number], forced(State.DOWN, scenarios))
    affected = [part for part, levels in enumerate(own) if levels != WELL]
    found = greatest(equations, own, (1 << len(tried)) - 1, affected=affected)
    return found[equations.number[name]][2]
