"""What each single loss takes down, for all of them together: the part of the failure radius that
rules ask for, in time that grows with the system.

The needs are those of ``holdfast.blueprint.blast``; of its states only ``down`` is asked. A set of
losses is an integer, one bit each. Parts that cannot do without each other go down together, so each
ring of them is one; what needs one of several is looked at until nothing changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.blast import (
    Assumptions,
    Bound,
    Equations,
    Need,
    at_least,
    flow_name,
)
from holdfast.blueprint.graph import System, components
from holdfast.core import NodeId

WIDE = frozenset({"region", "credential"})


def is_single(system: System, fault: str) -> bool | None:
    """Whether one event takes a node or a failure domain down as a whole; None when that is not
    known. One event takes one copy; a region is lost for all that is in it, and a credential has
    its own rules, so both are left out. Copies over several domains of a kind are no single loss."""
    node = system.nodes.get(NodeId(fault))
    if node is None:
        return fault.partition(":")[0] not in WIDE
    if node.kind in (NodeKind.ACTOR, NodeKind.CLIENT) or _is_whole(system, node):
        return False
    if node.facts.replicas is not None:
        return node.facts.replicas <= (node.facts.replicas_needed or 1)
    kinds = [fate.partition(":")[0] for fate in node.facts.failure_domains or ()]
    return False if len(set(kinds)) < len(kinds) else None


def _is_whole(system: System, node: Node) -> bool:
    """Whether it is no thing beside its parts."""
    return node.upstream is None and bool(system.parts.get(node.id))


@dataclass(frozen=True)
class Losses:
    """Every single loss of a system that may be one (``is_single`` is not false), and what it takes
    down. ``faults`` are nodes, then failure domains."""

    system: System
    faults: tuple[str, ...] = field(init=False)
    sure: int = field(init=False)
    """The bits of the losses that surely are single."""
    _equations: Equations = field(init=False, repr=False)
    _ring: tuple[int, ...] = field(init=False, repr=False)
    _down: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        equations = Equations(self.system, Assumptions())
        single = {
            fault: is_single(self.system, fault)
            for fault in (*self.system.nodes, *equations.domains)
        }
        faults = tuple(fault for fault, alone in single.items() if alone is not False)
        sure = sum(1 << bit for bit, fault in enumerate(faults) if single[fault])
        ring, order = _rings(equations)
        down = [0] * len(order)
        for bit, fault in enumerate(faults):
            for part in equations.closed(fault):
                down[ring[equations.number[part]]] |= 1 << bit
        _solve(equations, ring, down)
        object.__setattr__(self, "faults", faults)
        object.__setattr__(self, "sure", sure)
        object.__setattr__(self, "_equations", equations)
        object.__setattr__(self, "_ring", ring)
        object.__setattr__(self, "_down", tuple(down))

    def ending(self, flow: str) -> int:
        """The bits of the losses that take a flow down."""
        return self._down[self._ring[self._equations.number[flow_name(flow)]]]

    def names(self, bits: int, *, most: int) -> list[str]:
        """The first of the losses in ``bits``."""
        found: list[str] = []
        while bits and len(found) < most:
            lowest = bits & -bits
            found.append(self.faults[lowest.bit_length() - 1])
            bits ^= lowest
        return found

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """For each loss, how many nodes it takes down, itself among them."""
        sizes: dict[int, int] = {}
        for number in range(len(self.system.nodes)):
            sizes[self._ring[number]] = sizes.get(self._ring[number], 0) + 1
        digits: list[int] = []
        for ring, size in sizes.items():
            _add(digits, self._down[ring], times=size)
        texts = [f"{digit:0{len(self.faults)}b}"[::-1] for digit in digits]
        return {
            fault: sum(1 << place for place, text in enumerate(texts) if text[bit] == "1")
            for bit, fault in enumerate(self.faults)
        }

    @cached_property
    def _bit(self) -> Mapping[str, int]:
        return {fault: bit for bit, fault in enumerate(self.faults)}

    def directly(self, fault: str, *, most: int) -> list[str]:
        """Some of the nodes that go down with what they need, and need ``fault`` itself."""
        bit, found = 1 << self._bit[fault], list[str]()
        for part in self._equations.needing[self._equations.number[fault]]:
            name = self._equations.names[part]
            if name in self.system.nodes and self._down[self._ring[part]] & bit:
                found.append(name)
                if len(found) == most:
                    break
        return found


def _rings(equations: Equations) -> tuple[tuple[int, ...], Sequence[int]]:
    """For each part the ring it is in; rings are numbered so that what is needed comes first."""
    needed = {
        part: tuple(need.options[0].part for need in needs if _is_plain(need))
        for part, needs in enumerate(equations.needs)
    }
    ring = [0] * len(equations.names)
    count = 0
    for count, parts in enumerate(components(needed), 1):
        for part in parts:
            ring[part] = count - 1
    return tuple(ring), range(count)


def _is_plain(need: Need) -> bool:
    """Whether the part is down whenever the one thing is that it needs here."""
    return len(need.options) == 1 and need.bound is not Bound.AT_WORST_DEGRADED


def _solve(equations: Equations, ring: Sequence[int], down: list[int]) -> None:
    """Everything goes down as little as it can, until nothing changes."""
    needs = list(_between(equations, ring))
    choices = [found for found in needs if len(found[1].options) > 1]
    steps: list[dict[int, None]] = [{} for _ in down]
    for here, need in needs:
        if len(need.options) == 1:
            steps[here][ring[need.options[0].part]] = None
    changed = True
    while changed:
        for here, others in enumerate(steps):
            for other in others:
                down[here] |= down[other]
        changed = False
        for here, need in choices:
            lost = at_least(need.tolerated + 1, [down[ring[o.part]] for o in need.options])
            if lost & ~down[here]:
                down[here] |= lost
                changed = True


def _between(equations: Equations, ring: Sequence[int]) -> Iterator[tuple[int, Need]]:
    for part, needs in enumerate(equations.needs):
        for need in needs:
            if need.bound is Bound.AT_WORST_DEGRADED:
                continue
            if not (_is_plain(need) and all(ring[o.part] == ring[part] for o in need.options)):
                yield ring[part], need


def _add(digits: list[int], bits: int, *, times: int) -> None:
    """Counts ``bits`` so many times: one addition with carry for all losses together."""
    place = 0
    while times:
        if times & 1:
            _carry(digits, bits, place)
        times >>= 1
        place += 1


def _carry(digits: list[int], carry: int, place: int) -> None:
    while carry:
        while place >= len(digits):
            digits.append(0)
        digits[place], carry = digits[place] ^ carry, digits[place] & carry
        place += 1
