"""The reference's seventeen lint rules of a pattern, by their codes.

They look at constants: ``properties.nodes.prefixItems[*].properties.unique-id.const`` and one level
of ``oneOf`` and ``anyOf`` below ``prefixItems``. What is no text is passed over.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from holdfast.blueprint.calm.findings import Finding, Path
from holdfast.blueprint.calm.lint import (
    PLACEHOLDER,
    Rule,
    both_lists,
    no_false_values,
    placeholder_numbers,
    placeholder_texts,
    repeated_ids,
)
from holdfast.blueprint.calm.selecting import (
    ANY,
    Place,
    field,
    members,
    named,
    select,
    strings_below,
    values,
)
from holdfast.blueprint.calm.values import identity, truthy
from holdfast.core import JsonObject, JsonValue

_ID = ("properties", "unique-id", "const")
_BRANCHES = ("oneOf", "anyOf")
_KIND = "relationship-type"
_OPTIONS = ("properties", "options", "prefixItems")
_CHOICES_MAX = 1


@dataclass(frozen=True, slots=True)
class _Names:
    fixed: dict[str, frozenset[Hashable]]
    chosen: dict[str, frozenset[Hashable]]
    interfaces: frozenset[Hashable]
    named_by_relationships: frozenset[str]

    @classmethod
    def of(cls, document: JsonValue) -> "_Names":
        lists = ("nodes", "relationships")
        return cls(
            fixed={
                each: _ids(document, "properties", each, "prefixItems", ANY, *_ID) for each in lists
            },
            chosen={
                each: frozenset[Hashable]().union(
                    *(
                        _ids(document, "properties", each, "prefixItems", ANY, branch, ANY, *_ID)
                        for branch in _BRANCHES
                    )
                )
                for each in lists
            },
            interfaces=frozenset(
                identity(value)
                for _, holder in named(document, "interfaces")
                for value in values(holder, "prefixItems", ANY, *_ID)
            ),
            named_by_relationships=frozenset(
                name for _, kind in named(document, _KIND) for name in strings_below(kind)
            ),
        )

    def has_node(self, value: JsonValue) -> bool:
        return identity(value) in self.fixed["nodes"] or identity(value) in self.chosen["nodes"]


def _ids(document: JsonValue, *way: str) -> frozenset[Hashable]:
    return frozenset(identity(value) for value in values(document, *way))


def lint_pattern(document: JsonValue) -> Iterator[Finding]:
    names = _Names.of(document)
    for path, properties in select(document, "properties"):
        holds = Rule(document, "pattern-has-nodes-relationships")
        yield from both_lists(holds, holder=properties, path=path)
    yield from no_false_values(Rule(document, "pattern-has-no-empty-properties"))
    yield from _placeholders(document)
    yield from _boolean_types(Rule(document, "avoid-boolean-properties", "warning"))
    yield from _references(document, names)
    yield from _interfaces(document, names)
    yield from _unreferenced(Rule(document, "pattern-nodes-must-be-referenced", "warning"), names)
    yield from repeated_ids(Rule(document, "unique-ids-must-be-unique-in-pattern"), _all(document))
    yield from _decisions(document, names)


def _placeholders(document: JsonValue) -> Iterator[Finding]:
    kind = "pattern-has-no-placeholder-properties"
    yield from placeholder_numbers(Rule(document, f"{kind}-numerical", "warning"))
    yield from placeholder_texts(Rule(document, f"{kind}-string", "warning"), form=PLACEHOLDER)


def _boolean_types(rule: Rule) -> Iterator[Finding]:
    for path, kind in named(rule.document, "type"):
        if isinstance(kind, str) and "boolean" in kind:
            yield rule.at(path, "a boolean cannot be extended; an enum can")


def _node(rule: Rule, place: Place, *, names: _Names) -> Iterator[Finding]:
    path, value = place
    if isinstance(value, str) and value and not names.has_node(value):
        yield rule.at(path, f"{value} is the unique-id of no node")


def _references(document: JsonValue, names: _Names) -> Iterator[Finding]:
    source = Rule(document, "connects-relationship-references-existing-nodes-in-pattern")
    for path, connects in named(document, "connects"):
        for place in select(connects, "source", "node", start=path):
            yield from _node(source, place, names=names)
    grouped = Rule(document, "group-relationship-references-existing-nodes-in-pattern")
    fixed = Rule(
        document, "group-relationship-with-const-nodes-references-existing-nodes-in-pattern"
    )
    for path, kind in named(document, _KIND):
        for group in named(kind, "nodes", start=path):
            for place in select(group[1], ANY, start=group[0]):
                yield from _node(grouped, place, names=names)
            for place in select(group[1], "const", ANY, start=group[0]):
                yield from _node(fixed, place, names=names)
    yield from _ends(document, names)


def _ends(document: JsonValue, names: _Names) -> Iterator[Finding]:
    either = Rule(document, "relationship-references-existing-nodes-in-pattern")
    for path, kind in named(document, _KIND):
        for at, holder in select(kind, ANY, ANY, start=path):
            for name in ("actor", "container"):
                end, value = field(holder, name)
                yield from _node(either, ((*at, *end), value), names=names)


def _sides(document: JsonValue) -> Iterator[Place]:
    for path, kind in named(document, _KIND):
        yield from select(kind, "const", "connects", ANY, start=path)


def _interfaces(document: JsonValue, names: _Names) -> Iterator[Finding]:
    defined = Rule(document, "referenced-interfaces-defined-in-pattern")
    own = Rule(document, "referenced-interfaces-defined-on-correct-node-in-pattern")
    for at, side in _sides(document):
        for place, value in select(side, "interfaces", ANY, start=at):
            if truthy(value) and identity(value) not in names.interfaces:
                yield defined.at(place, f"{value} is the unique-id of no interface")
        if isinstance(side, dict):
            yield from _own_interfaces(own, at, side=side)


def _own_interfaces(rule: Rule, path: Path, *, side: JsonObject) -> Iterator[Finding]:
    wanted = side.get("interfaces")
    if not truthy(wanted):
        return
    node = side.get("node")
    if not truthy(node):
        yield rule.at(path, "interfaces are named but no node")
        return
    holder = _holder(rule.document, node)
    if holder is None:
        return
    present = _interfaces_of(holder)
    if not present:
        yield rule.at(path, f"the node {node} has no interfaces")
        return
    for name in wanted if isinstance(wanted, list) else []:
        if identity(name) not in present:
            yield rule.at(path, f"{name} is no interface of the node {node}")


def _holder(document: JsonValue, node: JsonValue) -> JsonValue:
    """Of an item with alternatives the reference looks at the first id only."""
    for item in values(document, "properties", "nodes", "prefixItems", ANY):
        ids = [*values(item, *_ID)]
        for branch in _BRANCHES:
            ids.extend(values(item, branch, ANY, *_ID))
        if ids and identity(ids[0]) == identity(node):
            return item
    return None


def _interfaces_of(item: JsonValue) -> frozenset[Hashable]:
    way = ("properties", "interfaces", "prefixItems", ANY, *_ID)
    found = _ids(item, *way)
    return found.union(*(_ids(item, branch, ANY, *way) for branch in _BRANCHES))


def _unreferenced(rule: Rule, names: _Names) -> Iterator[Finding]:
    for path, name in select(rule.document, "properties", "nodes", "prefixItems", ANY, *_ID):
        if not isinstance(name, str) or name not in names.named_by_relationships:
            yield rule.at(path, f"no relationship names the node {name}")


def _all(document: JsonValue) -> Iterator[Place]:
    items = ("prefixItems", ANY)
    yield from select(document, "properties", "nodes", *items, *_ID)
    yield from select(document, "properties", "relationships", *items, *_ID)
    yield from select(
        document, "properties", "nodes", *items, "properties", "interfaces", *items, *_ID
    )


def _decisions(document: JsonValue, names: _Names) -> Iterator[Finding]:
    single = Rule(document, "pattern-option-relationship-must-have-max-one-item")
    for path, kind in named(document, _KIND):
        for at, items in select(kind, *_OPTIONS, start=path):
            if _size(items) > _CHOICES_MAX:
                yield single.at(at, f"at most {_CHOICES_MAX} item may stand here")
            for item in select(items, ANY, start=at):
                yield from _decision(document, item, names=names)


def _decision(document: JsonValue, item: Place, *, names: _Names) -> Iterator[Finding]:
    place, value = item
    if isinstance(value, dict) and sum(each in value for each in _BRANCHES) != 1:
        either = Rule(document, "pattern-option-relationship-must-only-have-oneof-or-anyof-items")
        yield either.at(place, "exactly one of oneOf and anyOf must stand here")
    for kind in ("nodes", "relationships"):
        yield from _chosen(document, item, kind=kind, names=names)


def _size(value: JsonValue) -> float:
    match value:
        case bool() | None:
            return 0
        case int() | float():
            return value
        case _:
            return len(value)


def _chosen(document: JsonValue, item: Place, *, kind: str, names: _Names) -> Iterator[Finding]:
    code = f"{kind}-referenced-in-pattern-decision-must-be-in-oneof-or-anyof-block"
    rule = Rule(document, code)
    for at, holder in named(item[1], kind, start=item[0]):
        for place, name in _constants(holder, at):
            known = identity(name) in names.fixed[kind]
            if known and identity(name) not in names.chosen[kind]:
                yield rule.at(place, f"{name} is chosen but stands in no oneOf or anyOf")


def _constants(holder: JsonValue, path: Path) -> Iterator[Place]:
    constants = holder.get("const") if isinstance(holder, dict) else None
    for segment, name in members(constants):
        if isinstance(name, str) and name:
            yield (*path, "const", segment), name
