"""A large system made small enough to be read: nodes that belong together become one box."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from holdfast.blueprint.graph import System
from holdfast.core import NodeId

SHOWN_MAX = 80
"""More boxes than this are folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """``box_of`` says in which box each node is drawn; ``names`` what the boxes are called, a
    node's own box by the node's id; ``held`` how many nodes are in each."""

    box_of: Mapping[NodeId, str]
    names: Mapping[str, str]
    held: Mapping[str, int]


def folded(system: System, *, most: int = SHOWN_MAX) -> Folded:
    """Containers fold first, the fullest first; then what shares a zone; then what is of one type;
    at last all that is left. What holds more than half of everything folds last: a map of one box
    would say nothing. One kind of belonging folds as a whole, so that like stands beside like."""
    box_of: dict[NodeId, str] = {name: str(name) for name in system.nodes}
    names = {str(node.id): node.name for node in system.nodes.values()}
    half = len(system.nodes) // 2
    for family in (_container_of(system), _zone_of(system), _type_of(system)):
        _fold(box_of, names, family, most=most, largest=half)
    for family in (_type_of(system), _rest):
        _fold(box_of, names, family, most=most, largest=len(system.nodes))
    held: dict[str, int] = {}
    for box in box_of.values():
        held[box] = held.get(box, 0) + 1
    return Folded(
        box_of=MappingProxyType(box_of),
        names=MappingProxyType({box: names[box] for box in held}),
        held=MappingProxyType(held),
    )


_Family = Callable[[NodeId], tuple[str, str] | None]
"""The key and the name of the box that a node may go into."""


def _fold(
    box_of: dict[NodeId, str],
    names: dict[str, str],
    family: _Family,
    *,
    most: int,
    largest: int,
) -> None:
    if len(set(box_of.values())) <= most:
        return
    groups: dict[tuple[str, str], list[NodeId]] = {}
    for name, box in box_of.items():
        if box == name and (found := family(name)) is not None:
            groups.setdefault(found, []).append(name)
    for (key, called), members in groups.items():
        if 1 < len(members) <= largest:
            names[key] = called
            box_of.update(dict.fromkeys(members, key))


def _container_of(system: System) -> _Family:
    """The nearest container; a container goes into its own box."""
    filled = {*system.hosted, *system.parts}

    def family(name: NodeId) -> tuple[str, str] | None:
        around = system.around(name)
        inner = name if name in filled else (around[0] if around else None)
        return (f"in:{inner}", system.nodes[inner].name) if inner is not None else None

    return family


def _zone_of(system: System) -> _Family:
    def family(name: NodeId) -> tuple[str, str] | None:
        zone = system.nodes[name].facts.zone
        return None if zone is None else (f"zone:{zone}", f"zone {zone}")

    return family


def _type_of(system: System) -> _Family:
    def family(name: NodeId) -> tuple[str, str] | None:
        kind = system.nodes[name].type
        return f"type:{kind}", kind

    return family


def _rest(_: NodeId) -> tuple[str, str] | None:
    return "rest:", "all others"
