"""What changed between two patterns: each is brought to the values it fixes, then compared."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.blueprint.calm.comparing import Difference, compare_parts
from holdfast.core import JsonObject, JsonValue, jcs

_BRANCHES = ("oneOf", "anyOf")


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Items that fix an id, that fix something else, and that fix nothing though they name one."""

    named: list[JsonValue] = field(default_factory=list[JsonValue])
    nameless: list[JsonValue] = field(default_factory=list[JsonValue])
    open: list[JsonValue] = field(default_factory=list[JsonValue])


def compare_patterns(before: JsonObject, after: JsonObject) -> Difference:
    """Items that fix an id are matched by it, others by their content, whatever their order."""
    old = {kind: _sorted(before, kind) for kind in ("nodes", "relationships")}
    new = {kind: _sorted(after, kind) for kind in ("nodes", "relationships")}
    report = compare_parts(
        nodes=(old["nodes"].named, new["nodes"].named),
        edges=(old["relationships"].named, new["relationships"].named),
    )
    for kind, part in (("nodes", "nodes"), ("relationships", "edges")):
        for name, items in _by_content(old[kind].nameless, new[kind].nameless).items():
            held = report[f"{part}{name}"]
            report[f"{part}{name}"] = [*(held if isinstance(held, list) else []), *items]
    left_out: dict[str, JsonValue] = {
        kind: [*old[kind].open, *new[kind].open] for kind in ("nodes", "relationships")
    }
    if any(left_out.values()):
        report["undiffableItems"] = left_out
    return Difference(as_json=report)


def _sorted(pattern: JsonObject, kind: str) -> _Sorted:
    found = _Sorted()
    for item in _alternatives(_items(pattern, kind)):
        fixed = _fixed(item)
        if isinstance(fixed, dict) and isinstance(fixed.get("unique-id"), str):
            found.named.append(fixed)
        elif isinstance(fixed, dict) and fixed:
            found.nameless.append(fixed)
        elif "unique-id" in _properties(item):
            found.open.append(item)
    return found


def _properties(schema: JsonValue) -> JsonObject:
    held = schema.get("properties") if isinstance(schema, dict) else None
    return held if isinstance(held, dict) else {}


def _items(pattern: JsonObject, kind: str) -> list[JsonValue]:
    parts = pattern.get("allOf")
    for part in (pattern, *(parts if isinstance(parts, list) else [])):
        held = _properties(part).get(kind)
        items = held.get("prefixItems") if isinstance(held, dict) else None
        if isinstance(items, list):
            return items
    return []


def _alternatives(items: list[JsonValue]) -> Iterator[JsonValue]:
    for item in items:
        branches = [item.get(each) for each in _BRANCHES] if isinstance(item, dict) else []
        offered = next((each for each in branches if isinstance(each, list)), None)
        if offered is None:
            yield item
        else:
            yield from (each for each in offered if isinstance(each, dict))


class _Open:
    """Of a schema that fixes nothing."""


def _fixed(schema: JsonValue) -> JsonValue | _Open:
    if not isinstance(schema, dict):
        return _Open()
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("properties"), dict):
        members: dict[str, JsonValue] = {}
        for name, held in _properties(schema).items():
            value = _Open() if name.startswith("$") else _fixed(held)
            if not isinstance(value, _Open):
                members[name] = value
        return members or _Open()
    items = schema.get("prefixItems")
    fixed = [_fixed(each) for each in items] if isinstance(items, list) else []
    listed: list[JsonValue] = [each for each in fixed if not isinstance(each, _Open)]
    return listed or _Open()


def _by_content(before: list[JsonValue], after: list[JsonValue]) -> dict[str, list[JsonValue]]:
    old, new = _counted(before), _counted(after)
    told: dict[str, list[JsonValue]] = {"Added": [], "Removed": [], "Same": []}
    for key in dict.fromkeys((*old, *new)):
        left, right = old.get(key, []), new.get(key, [])
        kept = min(len(left), len(right))
        told["Same"] += (right or left)[:1] * kept
        told["Added"] += right[:1] * (len(right) - kept)
        told["Removed"] += left[:1] * (len(left) - kept)
    return told


def _counted(items: list[JsonValue]) -> dict[bytes, list[JsonValue]]:
    counted: dict[bytes, list[JsonValue]] = {}
    for item in items:
        counted.setdefault(jcs(item), []).append(item)
    return counted
