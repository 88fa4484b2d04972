"""What one format says and the other has no word for, kept in ``metadata``.

In a blueprint ``metadata.calm`` remembers what a CALM document said that a blueprint does not; in
a CALM document ``metadata.holdfast`` says what CALM has no word for. Both are laid into what
people write there themselves, and taken out again without a trace.
"""

from collections.abc import Callable

from holdfast.blueprint.exchange.values import Object, fit_metadata
from holdfast.blueprint.source import Plain

CALM = "calm"
HOLDFAST = "holdfast"
METADATA = "metadata"
"""Within either: what else stood in ``metadata``, where it could not stand beside it."""

_TYPES: dict[str, type] = {
    "id": object,
    "original": dict,
    "without": list,
    "assumed": dict,
    "interfaces": dict,
    "controls": list,
    "placeholder": str,
    "relationships": list,
    "flows": list,
    "missing": list,
    "first": int,
    "directions": str,
    METADATA: object,
}
"""What is remembered: its id; fields as CALM wrote them; fields it did not write; what the import made up;
ids of interfaces; controls; the
node that stands where there is none; relationships and flows set aside; lists left out; how the steps of a flow are told."""


def wrap(metadata: Plain, key: str, mine: Object, *, apart: bool = False) -> Plain:
    """``metadata`` with ``mine`` under ``key``; ``apart`` keeps all else out of sight below it."""
    if not apart and not _holds(metadata, key):
        if not mine:
            return metadata
        if metadata is None:
            return {key: mine}
        if isinstance(metadata, dict) and metadata:
            return {**metadata, key: mine}
        if isinstance(metadata, list) and metadata:
            return [*metadata, {key: mine}]
    return {key: {**mine, METADATA: metadata}}


def unwrap(metadata: Plain, key: str, is_mine: Callable[[Object], bool]) -> tuple[Plain, Object]:
    """What ``wrap`` was given; where ``is_mine`` does not know it, all is somebody else's."""
    if isinstance(metadata, list) and len(metadata) > 1 and _holds(metadata, key):
        *rest, last = metadata
        mine = last[key] if isinstance(last, dict) else None
        if isinstance(mine, dict) and METADATA not in mine and is_mine(mine):
            return list[Plain](rest), mine
    if not isinstance(metadata, dict):
        return metadata, {}
    mine = metadata.get(key)
    if not isinstance(mine, dict) or not is_mine(mine):
        return metadata, {}
    rest = {name: value for name, value in metadata.items() if name != key}
    if METADATA not in mine:
        return rest or None, mine
    if rest or not fit_metadata(mine[METADATA]):
        return metadata, {}
    return mine[METADATA], {name: value for name, value in mine.items() if name != METADATA}


def is_apart(metadata: Plain, key: str) -> bool:
    """Whether other metadata lies below ``key``."""
    mine = metadata.get(key) if isinstance(metadata, dict) else None
    return isinstance(mine, dict) and METADATA in mine


def is_memory(mine: Object) -> bool:
    """Whether it is something that an import has written."""
    return bool(mine) and all(
        name in _TYPES and isinstance(value, _TYPES[name]) for name, value in mine.items()
    )


def recalled(metadata: Plain) -> tuple[Plain, Object]:
    """Metadata of a blueprint without the memory, and the memory."""
    return unwrap(metadata, CALM, is_memory)


def member(memory: Object, name: str) -> Object:
    """A mapping in the memory."""
    found = memory.get(name)
    return found if isinstance(found, dict) else {}


def _holds(metadata: Plain, key: str) -> bool:
    if isinstance(metadata, list):
        last = metadata[-1] if metadata else None
        return isinstance(last, dict) and last.keys() == {key}
    return isinstance(metadata, dict) and key in metadata
