"""Which part of a system a map is about. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.blueprint.graph import System
from holdfast.core import NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The nodes to be shown (None: all), the boxes to be unfolded, and nodes ``towards`` which all
    is unfolded, so that they can be seen."""

    nodes: frozenset[NodeId] | None = None
    opened: frozenset[str] = frozenset()
    towards: frozenset[NodeId] = frozenset()


def containers_of(system: System) -> tuple[NodeId, ...]:
    """What holds something, as the file has it."""
    return tuple(name for name in system.nodes if name in system.hosted or name in system.parts)


def zones_of(system: System) -> tuple[str, ...]:
    """The trust zones that nodes say they are in."""
    found = (node.facts.zone for node in system.nodes.values())
    return tuple(dict.fromkeys(zone for zone in found if zone is not None))


def chosen(system: System, *, within: str, zone: str, flow: str) -> frozenset[NodeId] | None:
    """The nodes that fit every word given; None where none is given. Those of a flow are with
    whatever holds them."""
    wanted: frozenset[NodeId] | None = None
    if within:
        wanted = frozenset(
            name
            for name in system.nodes
            if name == within or within in {str(each) for each in system.around(name)}
        )
    if zone:
        wanted = _both(wanted, (n for n, node in system.nodes.items() if node.facts.zone == zone))
    if flow:
        found = next((each for each in system.flows if each.id == flow), None)
        wanted = _both(wanted, system.members(found) if found is not None else ())
    return wanted


def _both(wanted: frozenset[NodeId] | None, found: Iterable[NodeId]) -> frozenset[NodeId]:
    these = frozenset(found)
    return these if wanted is None else wanted & these
