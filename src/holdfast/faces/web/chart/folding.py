"""Which nodes stand in one box: what belongs together folds, until the map can be read. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.blueprint.graph import System
from holdfast.core import NodeId

FOLD_ABOVE = 60
"""More nodes than this fold into what they belong to."""
CROWD = 40
"""A container of more nodes than this folds them by type, too."""
_ROUNDS_MAX = 20
EVERYTHING = "*"
"""In place of a box's key: all are unfolded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """``box_of`` says in which box each shown node is: its own id, or the key of what it folded
    into. ``held`` are the nodes of each box; ``names`` what boxes that folded are called; ``open``
    the keys of those that could fold and are unfolded, with the nodes inside; ``within`` what a
    node would fold into, the outermost first."""

    box_of: Mapping[NodeId, str]
    held: Mapping[str, tuple[NodeId, ...]]
    names: Mapping[str, str]
    open: frozenset[str]
    within: Mapping[NodeId, tuple[str, ...]]

    @property
    def is_folded(self) -> bool:
        return bool(self.names)


def fold(
    system: System,
    shown: Sequence[NodeId],
    *,
    opened: frozenset[str],
    towards: frozenset[NodeId] = frozenset(),
) -> Fold:
    """Containers fold, the outermost first; what is in none folds by zone, else by type. Boxes whose
    keys are in ``opened`` are unfolded by one step; so is a box of more than half of everything,
    where that leaves few enough: a map of one box would say nothing. Nodes of ``towards`` are not
    folded."""
    if len(shown) <= FOLD_ABOVE or EVERYTHING in opened:
        return _flat(shown, opened if EVERYTHING in opened else frozenset())
    names: dict[str, str] = {}
    within = {name: _within(system, name, names) for name in shown}
    _split_crowds(system, within, names)
    unfolded = {*opened, *(key for name in towards for key in within.get(name, ()))}
    for _ in range(_ROUNDS_MAX):
        box_of = {name: _box(name, within[name], unfolded) for name in shown}
        held = _held(box_of)
        key = max(held, key=lambda each: len(held[each]))
        if key in shown or 2 * len(held[key]) <= len(shown):
            break
        tried = {_box(name, within[name], unfolded | {key}) for name in held[key]}
        if len(held) + len(tried) - 1 > FOLD_ABOVE:
            break
        unfolded.add(key)
    box_of = {name: _box(name, within[name], unfolded) for name in shown}
    held = _held(box_of)
    return Fold(
        box_of=box_of,
        held=held,
        names={key: names[key] for key in held if key in names},
        open=frozenset(unfolded & names.keys()),
        within=within,
    )


def _flat(shown: Sequence[NodeId], opened: frozenset[str]) -> Fold:
    return Fold(
        box_of={name: str(name) for name in shown},
        held={str(name): (name,) for name in shown},
        names={},
        open=opened,
        within=dict.fromkeys(shown, ()),
    )


def _within(system: System, name: NodeId, names: dict[str, str]) -> tuple[str, ...]:
    """What a node folds into, outermost first; a container goes into its own box."""
    around = [*reversed(system.around(name))]
    if name in system.hosted or name in system.parts:
        around.append(name)
    keys: list[str] = []
    for container in around:
        key = f"in:{container}"
        names[key] = system.nodes[container].name
        keys.append(key)
    if not keys:
        node = system.nodes[name]
        zone = node.facts.zone
        key = f"zone:{zone}" if zone is not None else f"type:{node.type}"
        names[key] = f"Zone {zone}" if zone is not None else node.type
        keys.append(key)
    return tuple(keys)


def _split_crowds(
    system: System, within: dict[NodeId, tuple[str, ...]], names: dict[str, str]
) -> None:
    inside: dict[str, list[NodeId]] = {}
    for name, keys in within.items():
        inside.setdefault(keys[-1], []).append(name)
    for key, members in inside.items():
        if len(members) <= CROWD or key.startswith("type:"):
            continue
        for name in members:
            kind = system.nodes[name].type
            finer = f"{key}/{kind}"
            names[finer] = f"{names[key]}: {kind}"
            within[name] = (*within[name], finer)


def _box(name: NodeId, keys: Sequence[str], unfolded: set[str]) -> str:
    return next((key for key in keys if key not in unfolded), str(name))


def _held(box_of: Mapping[NodeId, str]) -> dict[str, tuple[NodeId, ...]]:
    held: dict[str, list[NodeId]] = {}
    for name, box in box_of.items():
        held.setdefault(box, []).append(name)
    return {box: tuple(members) for box, members in held.items()}
