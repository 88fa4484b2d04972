"""What own rules may speak of: nodes and relationships as Cedar entities.

A node is ``Review::Node::"id"``. Asked about a node (``Review::Action::"node"``), a policy has it as
``principal`` and as ``resource``; about a relationship (``Review::Action::"relationship"``) it has the
source as ``principal``, the destination as ``resource``, and ``context.relationship``. A fact that
nobody stated is no attribute: whoever reads it without ``has`` cannot decide.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from holdfast.blueprint import Control, Node, NodeFacts, RelationshipFacts, suggestion
from holdfast.blueprint.graph import Edge
from holdfast.core import JsonObject, JsonValue

NODE = "Review::Node"
ACTION = "Review::Action"
ACTIONS = ("node", "relationship")

Chain: TypeAlias = tuple[str, ...]
"""``("resource", "facts", "zone")``: a variable and the attributes read of it."""

_DECIMALS = 4
_FACTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        form.__name__: tuple(info.alias or name for name, info in form.model_fields.items())
        for form in (NodeFacts, RelationshipFacts)
    }
)
_OF_NODE = ("id", "type", "kind", "name", "labels", "controls", "facts")
_OF_RELATIONSHIP = ("id", "kind", "protocol", "controls", "facts")


def node_entity(node: Node) -> JsonObject:
    """As the engine takes it."""
    labels: JsonObject = {name: _cedar(value) for name, value in node.labels.items()}
    return {
        "uid": {"type": NODE, "id": node.id},
        "parents": [],
        "attrs": {
            "id": node.id,
            "type": node.type,
            "kind": node.kind.value,
            "name": node.name,
            "labels": labels,
            "controls": _names(node.controls),
            "facts": _stated(node.facts),
        },
    }


def relationship_context(edge: Edge) -> JsonObject:
    relationship = edge.relationship
    told: JsonObject = {
        "id": edge.id,
        "kind": edge.kind.value,
        "controls": _names(relationship.controls),
        "facts": _stated(relationship.facts),
    }
    if relationship.protocol is not None:
        told["protocol"] = relationship.protocol
    return {"relationship": told}


def _names(controls: Mapping[str, Control]) -> JsonValue:
    return list[JsonValue](sorted(controls))


def _stated(facts: NodeFacts | RelationshipFacts) -> JsonValue:
    """Only what somebody wrote; numbers with a fraction are Cedar's decimals."""
    return _cedar(facts.model_dump(mode="json", by_alias=True, exclude_none=True))


def _cedar(value: JsonValue) -> JsonValue:
    match value:
        case float():
            return {"__extn": {"fn": "decimal", "arg": f"{value:.{_DECIMALS}f}"}}
        case list():
            return [_cedar(each) for each in value]
        case dict():
            return {key: _cedar(each) for key, each in value.items()}
        case _:
            return value


def misspelt(chain: Chain) -> tuple[str, str, str] | None:
    """What is wrong with an attribute, how to mend it, and the word to point at."""
    known = _known(chain)
    for depth, names in known:
        word = chain[depth]
        if word not in names:
            what = f"there is no `{'.'.join(chain[: depth + 1])}`"
            return what, suggestion(word, names, noun="attribute"), word
    return None


def _known(chain: Chain) -> Iterator[tuple[int, Sequence[str]]]:
    """The names that may stand at each depth that has a list of them."""
    root, *rest = chain
    if root == "context":
        yield from zip(range(1, 2), [("relationship",)] if rest else [], strict=False)
        rest = rest[1:]
        names, form, depth = _OF_RELATIONSHIP, "RelationshipFacts", 2
    else:
        names, form, depth = _OF_NODE, "NodeFacts", 1
    if rest:
        yield depth, names
    if len(rest) > 1 and rest[0] == "facts":
        yield depth + 1, _FACTS[form]


def place_of(chain: Chain, *, source: str, destination: str, relationship: str | None) -> str:
    """Where in the blueprint the attribute would be stated."""
    root, *rest = chain
    if root == "context":
        return ".".join((f"relationships.{relationship}", *rest[1:]))
    if rest and rest[0] == "labels":
        rest = ["metadata", *rest[1:]]
    return ".".join((f"nodes.{source if root == 'principal' else destination}", *rest))
