"""What policies may speak of, made from the blueprint: the Cedar schema and the entities.

Every node is an entity of its kind (``Holdfast::Agent::"planner"``). What a node may call is said by
group membership, because a Cedar set holds entities of one type only: each callee is *in*
``Holdfast::Callees::"planner"``, which the caller's attribute ``callees`` names.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType

from holdfast.blueprint import Blueprint, Label, Node, NodeKind, suggestion
from holdfast.core import Json, NodeId
from holdfast.policy.errors import FactsError
from holdfast.policy.facts import DEFAULTS, Facts

NAMESPACE = "Holdfast"
ACTIONS = ("generate", "complete", "embed", "list", "call", "read", "prompt", "delegate")
"""Chat completion, text completion, embedding, being shown in a list; calling a tool, reading a
resource and getting a prompt of an MCP server; and handing authority on."""

CONTEXT = MappingProxyType(
    {
        "stream": "Bool",
        "tools": "Bool",
        "max_tokens?": "Long",
        "relationship?": "String",
        "tool?": "String",
        "proof": "String",
        "depth": "Long",
        "tier?": "Long",
        "attested": "String",
        "on_behalf_of?": "String",
    }
)
ATTRIBUTES = MappingProxyType(
    {
        "id": "String",
        "node_type": "String",
        "name": "String",
        "callees": "Callees",
        "labels": "Labels",
    }
)


_CEDAR_S_OWN = "__"
"""Cedar reads ``__entity`` and the like in JSON as more than a name."""


def cedar_type(kind: NodeKind) -> str:
    """``agent`` is ``Agent``."""
    return kind.value.capitalize()


def entity_type(kind: NodeKind) -> str:
    """With its namespace: ``Holdfast::Agent``."""
    return f"{NAMESPACE}::{cedar_type(kind)}"


CALLEES = f"{NAMESPACE}::Callees"


def read_facts(written: Mapping[str, str]) -> Facts:
    """Facts from words, as a command line has them; ``FactsError`` for what is none."""
    kinds = {name.rstrip("?"): kind for name, kind in CONTEXT.items()}
    found: dict[str, bool | int | str] = {}
    for name, word in written.items():
        if name not in kinds:
            fix = suggestion(name, kinds, noun="fact")
            raise FactsError(f"there is no fact `{name[:80]}`", fix=fix)
        found[name] = _read_fact(name, word, kinds[name])
    return DEFAULTS._replace(**found)


def _read_fact(name: str, word: str, kind: str) -> bool | int | str:
    match kind:
        case "Bool" if word in {"true", "false"}:
            return word == "true"
        case "Long" if re.fullmatch(r"-?[0-9]{1,19}", word):
            return int(word)
        case "String":
            return word
        case _:
            fix = "write true or false" if kind == "Bool" else "write a whole number"
            raise FactsError(f"`{word[:80]}` is no value of the fact `{name}`", fix=fix)


def uid(node: Node) -> dict[str, str]:
    return {"type": entity_type(node.kind), "id": node.id}


def schema_text(blueprint: Blueprint, actions: tuple[str, ...]) -> str:
    """The schema in Cedar's own syntax.

    Principals are the kinds that call somebody and resources the kinds that are called, so that a
    policy which can never apply is found at load.
    """
    pairs = blueprint.connections()
    callers = _kinds(blueprint, [source for source, _ in pairs]) or "Actor"
    called = _kinds(blueprint, [destination for _, destination in pairs]) or "Model"
    attributes = ",\n".join(f"    {name}: {kind}" for name, kind in ATTRIBUTES.items())
    facts = ",\n".join(f"    {name}: {kind}" for name, kind in CONTEXT.items())
    labels = ",\n".join(
        f"    {json.dumps(name)}?: {kind}" for name, kind in label_types(blueprint).items()
    )
    kinds = ", ".join(cedar_type(kind) for kind in NodeKind)
    return (
        f"namespace {NAMESPACE} {{\n"
        f"  type Labels = {{\n{labels}\n  }};\n"
        f"  type Facts = {{\n{facts}\n  }};\n"
        f"  entity Callees;\n"
        f"  entity {kinds} in [Callees] = {{\n{attributes}\n  }};\n"
        f"  action {', '.join(actions)} appliesTo {{\n"
        f"    principal: [{callers}],\n    resource: [{called}],\n    context: Facts\n"
        f"  }};\n}}\n"
    )


def _kinds(blueprint: Blueprint, ids: list[NodeId]) -> str:
    return ", ".join(sorted({cedar_type(blueprint.nodes[node_id].kind) for node_id in ids}))


def label_types(blueprint: Blueprint) -> Mapping[str, str]:
    """The Cedar type of each label; text where nodes disagree."""
    types: dict[str, str] = {}
    for node in blueprint.nodes.values():
        for name, value in node.labels.items():
            if name.isascii() and name.isprintable() and not name.startswith(_CEDAR_S_OWN):
                mine = _label_type(value)
                types[name] = mine if types.get(name, mine) == mine else "String"
    return dict(sorted(types.items()))


def _label_type(value: Label) -> str:
    match value:
        case bool():
            return "Bool"
        case int():
            return "Long" if -(2**63) <= value < 2**63 else "String"
        case str():
            return "String"


def entities_json(blueprint: Blueprint) -> str:
    """Every node, and every group of callees, as Cedar's JSON entities."""
    types = label_types(blueprint)
    groups: dict[NodeId, list[Json]] = {node_id: [] for node_id in blueprint.nodes}
    for source, destination in blueprint.connections():
        groups[destination].append(_group(source))
    entities: list[Json] = [
        {"uid": _group(node_id), "attrs": {}, "parents": []} for node_id in blueprint.nodes
    ]
    entities.extend(
        {
            "uid": {**uid(node)},
            "attrs": {
                "id": node.id,
                "node_type": node.type,
                "name": node.name,
                "callees": {"__entity": _group(node.id)},
                "labels": {**labels_of(node, types)},
            },
            "parents": groups[node.id],
        }
        for node in blueprint.nodes.values()
    )
    return json.dumps(entities)


def _group(node_id: NodeId) -> Json:
    return {"type": CALLEES, "id": node_id}


def labels_of(node: Node, types: Mapping[str, str]) -> dict[str, bool | int | str]:
    """A node's labels as policies see them."""
    return {
        name: value if types[name] == _label_type(value) != "String" else _text(value)
        for name, value in node.labels.items()
        if name in types
    }


def _text(value: Label) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
