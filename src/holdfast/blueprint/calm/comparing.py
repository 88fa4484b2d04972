"""What changed between two architectures, in the shape that the reference reports it.

Parts are matched by ``unique-id``. One that went and one that came with equal content are a
renaming. The order of an object's members is ignored, that of a list counts.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from holdfast.blueprint.calm.errors import CalmDocumentError
from holdfast.blueprint.calm.sequences import ChangeKind, changes, sentences
from holdfast.blueprint.calm.values import identity, truthy
from holdfast.core import JsonObject, JsonValue, jcs

_LISTS = ("Added", "Removed", "Modified", "Same", "Renamed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """``as_json`` is the reference's report, key by key; ``has_changes`` what its exit code says:
    it looks at nodes and relationships, and at items that could not be compared. ``is_same`` also
    looks at controls and decision records."""

    as_json: JsonObject

    @property
    def has_changes(self) -> bool:
        kinds = [
            f"{part}{kind}" for part in ("nodes", "edges") for kind in _LISTS if kind != "Same"
        ]
        left_out = [self.as_json.get(name) for name in ("invalidItems", "undiffableItems")]
        return any(self.as_json.get(kind) for kind in kinds) or any(
            any(held.values()) for held in left_out if isinstance(held, dict)
        )

    @property
    def is_same(self) -> bool:
        records = self.as_json.get("adrDiffItems")
        kept = [
            isinstance(each, dict) and each.get("changeType") == "unchanged"
            for each in (records if isinstance(records, list) else [])
        ]
        controls = [
            self.as_json.get(f"controlItems{kind}") for kind in ("Added", "Removed", "Modified")
        ]
        return not self.has_changes and all(kept) and not any(controls)


def compare(before: JsonObject, after: JsonObject) -> Difference:
    """Two architectures; ``CalmDocumentError`` where a part is no list or object at all."""
    report = compare_parts(
        nodes=(_items(before, "nodes"), _items(after, "nodes")),
        edges=(_items(before, "relationships"), _items(after, "relationships")),
    )
    records = _changed(_items(before, "adrs"), _items(after, "adrs"))
    return Difference(
        as_json={
            **report,
            "adrDiffItems": records,
            **_controls(_object(before, "controls"), _object(after, "controls")),
        }
    )


def compare_parts(
    *,
    nodes: tuple[list[JsonValue], list[JsonValue]],
    edges: tuple[list[JsonValue], list[JsonValue]],
) -> JsonObject:
    """Nodes and relationships, of architectures or of patterns brought to their shape."""
    return {
        **_parts("nodes", "node", *nodes),
        **_parts("edges", "relationship", *edges),
        "invalidItems": {"nodes": _nameless(*nodes), "relationships": _nameless(*edges)},
    }


def _items(document: JsonObject, name: str) -> list[JsonValue]:
    held = document.get(name)
    if held is None:
        return []
    if not isinstance(held, list):
        raise CalmDocumentError(f"{name} is no list", fix="check it with `holdfast calm validate`")
    return held


def _object(document: JsonObject, name: str) -> JsonObject:
    held = document.get(name)
    if held is None:
        return {}
    if not isinstance(held, dict):
        raise CalmDocumentError(
            f"{name} is no object", fix="check it with `holdfast calm validate`"
        )
    return held


def _name(item: JsonValue) -> JsonValue:
    return item.get("unique-id") if isinstance(item, dict) else None


def _nameless(before: list[JsonValue], after: list[JsonValue]) -> list[JsonValue]:
    return [item for item in (*before, *after) if not truthy(_name(item))]


def _by_name(items: list[JsonValue]) -> dict[Hashable, JsonObject]:
    """Of two items of one name the later counts, in the earlier's place."""
    return {
        identity(_name(item)): item
        for item in items
        if isinstance(item, dict) and truthy(_name(item))
    }


def _parts(part: str, singular: str, before: list[JsonValue], after: list[JsonValue]) -> JsonObject:
    old, new = _by_name(before), _by_name(after)
    gone = [name for name in old if name not in new]
    come = [name for name in new if name not in old]
    pairs = _renamings(old, new, gone=gone, come=come)
    came_by_renaming = set(pairs.values())
    both = [name for name in old if name in new]
    same = {name for name in both if jcs(old[name]) == jcs(new[name])}
    return {
        f"{part}Added": [new[name] for name in come if name not in came_by_renaming],
        f"{part}Removed": [old[name] for name in gone if name not in pairs],
        f"{part}Modified": [
            {"original": old[name], "updated": new[name]} for name in both if name not in same
        ],
        f"{part}Same": [old[name] for name in both if name in same],
        f"{part}Renamed": [
            {"oldId": _name(old[left]), "newId": _name(new[right]), singular: new[right]}
            for left, right in pairs.items()
        ],
    }


def _renamings(
    old: dict[Hashable, JsonObject],
    new: dict[Hashable, JsonObject],
    *,
    gone: list[Hashable],
    come: list[Hashable],
) -> dict[Hashable, Hashable]:
    """Each that went with the first that came with its content and is not taken yet."""
    waiting: dict[bytes, list[Hashable]] = {}
    for name in reversed(come):
        waiting.setdefault(_content(new[name]), []).append(name)
    pairs: dict[Hashable, Hashable] = {}
    for name in gone:
        fitting = waiting.get(_content(old[name]))
        if fitting:
            pairs[name] = fitting.pop()
    return pairs


def _content(item: JsonObject) -> bytes:
    return jcs({name: value for name, value in item.items() if name != "unique-id"})


def _changed(before: Sequence[JsonValue], after: Sequence[JsonValue]) -> list[JsonValue]:
    """Every item of both lists with what became of it."""
    told: list[JsonValue] = []
    for kind, place in changes([jcs(each) for each in before], [jcs(each) for each in after]):
        told += [_item(each, kind) for each in (before if kind == "removed" else after)[place]]
    return told


def _item(content: JsonValue, kind: ChangeKind) -> JsonObject:
    return {"content": content, "changeType": kind}


def _controls(before: JsonObject, after: JsonObject) -> JsonObject:
    old: JsonObject = {name: each for name, each in before.items() if each is not None}
    new: JsonObject = {name: each for name, each in after.items() if each is not None}
    both = [name for name in old if name in new]
    same = {name for name in both if jcs(old[name]) == jcs(new[name])}
    return {
        "controlItemsAdded": _without(new, old),
        "controlItemsRemoved": _without(old, new),
        "controlItemsUnchanged": {name: old[name] for name in both if name in same},
        "controlItemsModified": {
            name: _control(old[name], new[name]) for name in both if name not in same
        },
    }


def _without(held: JsonObject, other: Iterable[str]) -> JsonObject:
    left_out = set(other)
    return {name: control for name, control in held.items() if name not in left_out}


def _control(before: JsonValue, after: JsonValue) -> JsonObject:
    old, new = _described(before), _described(after)
    told: list[JsonValue] = [
        _item("".join((old if kind == "removed" else new)[place]), kind)
        for kind, place in changes(old, new)
    ]
    return {
        "descriptionDiff": told,
        "requirementsDiff": _changed(_required(before), _required(after)),
    }


def _described(control: JsonValue) -> list[str]:
    text = control.get("description") if isinstance(control, dict) else None
    return sentences(text) if isinstance(text, str) else []


def _required(control: JsonValue) -> list[JsonValue]:
    held = control.get("requirements") if isinstance(control, dict) else None
    return held if isinstance(held, list) else []
