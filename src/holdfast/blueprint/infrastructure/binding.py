"""Which resources realise which nodes: by what the blueprint says, by tag, else by their module."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.blueprint import NodeKind
from holdfast.blueprint.graph import System
from holdfast.blueprint.infrastructure.attributes import values_of
from holdfast.blueprint.infrastructure.plan import Plan, Resource
from holdfast.core import JsonValue, NodeId, read_json

TAG = "holdfast-node"
_TAGGED = ("tags", "tags_all", "labels", "user_labels", "effective_labels", "metadata.labels")
_NOT_BUILT = frozenset({NodeKind.ACTOR, NodeKind.CLIENT, NodeKind.SYSTEM, NodeKind.NETWORK})
_NOT_BUILT_TYPES = frozenset({"data-asset", "ai:prompt-template"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """``node_of`` by address. ``strange`` are resources whose tag names a node that there is not."""

    node_of: Mapping[str, NodeId]
    strange: Mapping[str, str]

    def nodes(self) -> frozenset[NodeId]:
        return frozenset(self.node_of.values())


def bind_resources(plan: Plan, system: System) -> Bound:
    """``metadata.infrastructure.addresses`` of a node names resources or whole modules; the tag
    ``holdfast-node`` of a resource its node. What has neither belongs to the node that all bound
    resources of its nearest module belong to."""
    said = dict(_said(system))
    node_of: dict[str, NodeId] = {}
    strange: dict[str, str] = {}
    for resource in plan.resources:
        node = _by_address(resource.address, said)
        tag = _tag(resource)
        if node is None and tag is not None:
            node = NodeId(tag) if tag in system.nodes else None
            if node is None:
                strange[resource.address] = tag
        if node is not None:
            node_of[resource.address] = node
    _by_module(plan, node_of, strange)
    return Bound(node_of=node_of, strange=strange)


def _said(system: System) -> Iterator[tuple[str, NodeId]]:
    content = read_json(system.blueprint.content)
    nodes = content.get("nodes") if isinstance(content, dict) else None
    for name in system.nodes:
        written = nodes.get(name) if isinstance(nodes, dict) else None
        about = written.get("metadata") if isinstance(written, dict) else None
        for each in about if isinstance(about, list) else [about]:
            for address in _addresses(each):
                yield address, name


def _addresses(metadata: JsonValue) -> Iterator[str]:
    found = metadata.get("infrastructure") if isinstance(metadata, dict) else None
    listed = found.get("addresses") if isinstance(found, dict) else None
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, str):
            yield each


def _by_address(address: str, said: Mapping[str, NodeId]) -> NodeId | None:
    """The longest that is said goes first: `module.db.aws_kms_key.k` before `module.db`."""
    best = ""
    for each in said:
        is_it = address == each or address.startswith((f"{each}.", f"{each}["))
        if is_it and len(each) > len(best):
            best = each
    return said.get(best)


def _tag(resource: Resource) -> str | None:
    for path in _TAGGED:
        for value in values_of(resource, f"{path}.{TAG}"):
            if isinstance(value, str) and value:
                return value
    return None


def _by_module(plan: Plan, node_of: dict[str, NodeId], strange: Mapping[str, str]) -> None:
    found: dict[str, set[NodeId]] = {}
    for resource in plan.resources:
        node = node_of.get(resource.address)
        for module in _around(resource.module):
            if node is not None:
                found.setdefault(module, set()).add(node)
    for resource in plan.resources:
        if resource.address in node_of or resource.address in strange:
            continue
        for module in _around(resource.module):
            nodes = found.get(module, set())
            if len(nodes) == 1:
                node_of[resource.address] = next(iter(nodes))
            if nodes:
                break


def _around(module: str) -> Iterator[str]:
    """The module and those around it; not the root, which says nothing."""
    while module:
        yield module
        module = module.rpartition(".module.")[0]


def must_be_built(system: System) -> Iterator[NodeId]:
    """Nodes that some resource should realise: what runs or stores, and is our own."""
    for name, node in system.nodes.items():
        is_built = node.kind not in _NOT_BUILT and node.type not in _NOT_BUILT_TYPES
        is_whole = bool(system.parts.get(name)) and node.upstream is None
        is_ours = node.facts.trust in (None, "owned")
        if is_built and is_ours and not is_whole and node.program is None:
            yield name
