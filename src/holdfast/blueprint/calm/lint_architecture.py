"""The reference's fourteen lint rules of an architecture, by their codes."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from dataclasses import field as attribute

from holdfast.blueprint.calm.findings import Finding, Path
from holdfast.blueprint.calm.lint import (
    BOOLEAN_PLACEHOLDER,
    PLACEHOLDER,
    Rule,
    both_lists,
    placeholder_numbers,
    placeholder_texts,
    repeated_ids,
)
from holdfast.blueprint.calm.selecting import (
    ANY,
    Place,
    below,
    field,
    members,
    select,
    strings_below,
    values,
)
from holdfast.blueprint.calm.values import identity, loosely_text, truthy
from holdfast.core import JsonObject, JsonValue

_NO_SUCH_NODE = "{} is the unique-id of no node"
_NO_SUCH_INTERFACE = "{} is the unique-id of no interface"
_NO_SUCH_RELATIONSHIP = "{} is the unique-id of no relationship"


@dataclass(frozen=True, slots=True)
class _Names:
    """The ids of a document, gathered once."""

    nodes: frozenset[Hashable]
    relationships: frozenset[Hashable]
    interfaces: frozenset[Hashable]
    named_by_relationships: frozenset[str]
    holders: dict[str, JsonValue] = attribute(default_factory=dict[str, JsonValue])
    odd_holders: tuple[JsonValue, ...] = ()

    @classmethod
    def of(cls, document: JsonValue) -> "_Names":
        holders: dict[str, JsonValue] = {}
        odd: list[JsonValue] = []
        for node in values(document, "nodes", ANY):
            match node:
                case {"unique-id": str(name)}:
                    holders.setdefault(name, node)
                case {"unique-id": int() | float()}:
                    odd.append(node)
                case _:
                    pass
        kinds = values(document, "relationships", ANY, "relationship-type")
        return cls(
            nodes=_ids(values(document, "nodes", ANY, "unique-id")),
            relationships=_ids(values(document, "relationships", ANY, "unique-id")),
            interfaces=_ids(values(document, "nodes", ANY, "interfaces", ANY, "unique-id")),
            named_by_relationships=frozenset(
                name for kind in kinds for name in strings_below(kind)
            ),
            holders=holders,
            odd_holders=tuple(odd),
        )

    def holder(self, name: str) -> JsonValue:
        """The first node of that id; ids that are numbers count by their text."""
        found = self.holders.get(name)
        if found is not None:
            return found
        numbered = (each for each in self.odd_holders if isinstance(each, dict))
        return next((each for each in numbered if loosely_text(each["unique-id"], name)), None)


def _ids(found: Iterator[JsonValue]) -> frozenset[Hashable]:
    return frozenset(identity(value) for value in found)


def lint_architecture(document: JsonValue) -> Iterator[Finding]:
    names = _Names.of(document)
    yield from both_lists(
        Rule(document, "architecture-has-nodes-relationships"), holder=document, path=()
    )
    yield from _empty_strings(Rule(document, "architecture-has-no-empty-string-properties"))
    yield from _placeholders(document)
    yield from _endpoints(document, names)
    yield from _groups(document, names)
    yield from _interfaces(document, names)
    yield from _unreferenced(
        Rule(document, "architecture-nodes-must-be-referenced", "warning"), names
    )
    yield from repeated_ids(
        Rule(document, "unique-ids-must-be-unique-in-architecture"), _all(document)
    )
    yield from _flows(document, names)


def _empty_strings(rule: Rule) -> Iterator[Finding]:
    for path, _ in below(rule.document, where=lambda value: value == ""):
        yield rule.at(path, "a text must not be empty")


def _placeholders(document: JsonValue) -> Iterator[Finding]:
    kind = "architecture-has-no-placeholder-properties"
    yield from placeholder_numbers(Rule(document, f"{kind}-numerical", "warning"))
    yield from placeholder_texts(Rule(document, f"{kind}-string", "warning"), form=PLACEHOLDER)
    yield from placeholder_texts(
        Rule(document, f"{kind}-boolean", "warning"), form=BOOLEAN_PLACEHOLDER
    )


def _named(
    rule: Rule, place: Place, *, known: frozenset[Hashable], message: str
) -> Iterator[Finding]:
    path, value = place
    if truthy(value) and identity(value) not in known:
        yield rule.at(path, message.format(value))


def _endpoints(document: JsonValue, names: _Names) -> Iterator[Finding]:
    either = Rule(document, "relationship-references-existing-nodes-in-architecture")
    for path, kind in select(document, "relationships", ANY, "relationship-type", ANY):
        for name in ("actor", "container"):
            end, value = field(kind, name)
            yield from _named(
                either, ((*path, *end), value), known=names.nodes, message=_NO_SUCH_NODE
            )
    connects = Rule(document, "connects-relationship-references-existing-nodes-in-architecture")
    for path, side in _sides(document):
        end, value = field(side, "node")
        yield from _named(
            connects, ((*path, *end), value), known=names.nodes, message=_NO_SUCH_NODE
        )


def _sides(document: JsonValue) -> Iterator[Place]:
    return select(document, "relationships", ANY, "relationship-type", "connects", ANY)


def _groups(document: JsonValue, names: _Names) -> Iterator[Finding]:
    rule = Rule(document, "composition-relationships-reference-existing-nodes-in-architecture")
    for place in select(document, "relationships", ANY, "relationship-type", ANY, "nodes", ANY):
        yield from _named(rule, place, known=names.nodes, message=_NO_SUCH_NODE)


def _interfaces(document: JsonValue, names: _Names) -> Iterator[Finding]:
    defined = Rule(document, "referenced-interfaces-defined-in-architecture")
    own = Rule(document, "referenced-interfaces-defined-on-correct-node-in-architecture")
    for path, side in _sides(document):
        for place in select(side, "interfaces", ANY, start=path):
            yield from _named(defined, place, known=names.interfaces, message=_NO_SUCH_INTERFACE)
        if isinstance(side, dict):
            yield from _own_interfaces(own, path, side=side, names=names)


def _own_interfaces(
    rule: Rule, path: Path, *, side: JsonObject, names: _Names
) -> Iterator[Finding]:
    wanted = _wanted(side)
    if not wanted:
        return
    node = side.get("node")
    if not truthy(node):
        yield rule.at(path, "interfaces are named but no node")
        return
    holder = names.holder(str(node))
    if holder is None:
        return
    present = _ids(values(holder, "interfaces", ANY, "unique-id"))
    for name in wanted:
        if identity(name) not in present:
            yield rule.at(path, f"{name} is no interface of the node {node}")


def _wanted(side: JsonObject) -> list[JsonValue]:
    listed = side.get("interfaces")
    wanted = list(listed) if isinstance(listed, list) else []
    single = side.get("interface")
    return [*wanted, single] if isinstance(single, str) else wanted


def _unreferenced(rule: Rule, names: _Names) -> Iterator[Finding]:
    for path, name in select(rule.document, "nodes", ANY, "unique-id"):
        if not isinstance(name, str) or name not in names.named_by_relationships:
            yield rule.at(path, f"no relationship names the node {name}")


def _all(document: JsonValue) -> Iterator[Place]:
    """Nodes, relationships and interfaces share one space of names; flows have their own."""
    yield from select(document, "nodes", ANY, "unique-id")
    yield from select(document, "relationships", ANY, "unique-id")
    yield from select(document, "nodes", ANY, "interfaces", ANY, "unique-id")


def _flows(document: JsonValue, names: _Names) -> Iterator[Finding]:
    known = Rule(document, "flow-transitions-references-existing-relationship-in-architecture")
    for path, transition in select(document, "flows", ANY, "transitions", ANY):
        end, value = field(transition, "relationship-unique-id")
        yield from _named(
            known,
            ((*path, *end), value),
            known=names.relationships,
            message=_NO_SUCH_RELATIONSHIP,
        )
    once = Rule(document, "flow-transitions-have-unique-sequence-numbers")
    for path, transitions in select(document, "flows", ANY, "transitions"):
        yield from _repeated_numbers(once, path, transitions=transitions)


def _repeated_numbers(rule: Rule, path: Path, *, transitions: JsonValue) -> Iterator[Finding]:
    seen: set[Hashable] = set()
    for segment, transition in members(transitions):
        if not isinstance(transition, dict) or "sequence-number" not in transition:
            continue
        number = transition["sequence-number"]
        if identity(number) in seen:
            yield rule.at(path, f"the sequence-number {number} of transition {segment} is taken")
        seen.add(identity(number))
