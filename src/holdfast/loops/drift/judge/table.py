"""The three-way table: what is declared, what the platform permits, what was seen."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from holdfast.core import NodeId
from holdfast.loops.drift.judge.declared import Declared
from holdfast.loops.drift.judge.matching import Met


class Reading(StrEnum):
    """What a row of the table means."""

    AGREES = "agrees"
    UNDECLARED = "undeclared"
    HOLE = "enforcement hole, or a stale view of the policies"
    SURFACE = "attack surface: permitted, and declared nowhere"
    OUTAGE = "outage waiting: declared, and not permitted"
    UNUSED = "declared, not seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A pair of nodes. ``permitted`` None: nobody said what is permitted. ``seen`` counts sightings."""

    source: str
    target: str
    declared: bool
    permitted: bool | None
    seen: int

    @property
    def reading(self) -> Reading:
        """The gravest thing that the row says."""
        if self.seen and self.permitted is False:
            return Reading.HOLE
        if self.declared and self.permitted is False:
            return Reading.OUTAGE
        if self.seen and not self.declared:
            return Reading.UNDECLARED
        if self.permitted and not self.declared:
            return Reading.SURFACE
        return Reading.AGREES if self.seen else Reading.UNUSED


def table(
    declared: Declared, met: Iterable[Met], *, permitted: frozenset[tuple[NodeId, NodeId]] | None
) -> tuple[Row, ...]:
    """One row for each pair that is declared, permitted or seen; strangers by their names."""
    seen: dict[tuple[str, str], int] = {}
    for each in met:
        edges = each.edges or each.pair
        key = (
            (edges[0].source, edges[0].destination)
            if edges
            else (NodeId(each.source.name), NodeId(each.target.name))
        )
        seen[key] = seen.get(key, 0) + each.count.n
    wanted = {(edge.source, edge.destination) for edge in declared.calls}
    return tuple(_rows(wanted, seen, permitted=permitted))


def _rows(
    wanted: set[tuple[NodeId, NodeId]],
    seen: dict[tuple[str, str], int],
    *,
    permitted: frozenset[tuple[NodeId, NodeId]] | None,
) -> Iterator[Row]:
    for source, target in sorted({*wanted, *seen, *(permitted or ())}):
        pair = (NodeId(source), NodeId(target))
        yield Row(
            source=source,
            target=target,
            declared=pair in wanted,
            permitted=None if permitted is None else pair in permitted,
            seen=seen.get((source, target), 0),
        )
