"""From checked forms to the blueprint: defaults filled in, settings settled, meaning digested."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import JsonValue

from holdfast.blueprint.architecture import Blueprint
from holdfast.blueprint.content import canonical, content_of
from holdfast.blueprint.controls import Control, Limits, Requirement, Timeouts
from holdfast.blueprint.errors import Problem
from holdfast.blueprint.forms import (
    BlueprintForm,
    ControlForm,
    FlowForm,
    NodeForm,
    RelationshipForm,
)
from holdfast.blueprint.kinds import kind_of
from holdfast.blueprint.parts import (
    Choice,
    ComposedOf,
    Connects,
    DeployedIn,
    Flow,
    Interacts,
    Interface,
    Label,
    Link,
    Node,
    Options,
    PolicyFile,
    Relationship,
    Step,
)
from holdfast.blueprint.settings import settle_limits, settle_timeouts, settle_upstream
from holdfast.core import NodeId, RelationshipId, sha256_digest


def settle(
    form: BlueprintForm,
    *,
    text: str,
    policies: tuple[PolicyFile, ...],
    warnings: tuple[Problem, ...],
) -> Blueprint:
    """The blueprint that a checked form declares."""
    nodes = {NodeId(name): _node(NodeId(name), node) for name, node in form.nodes.items()}
    relationships = tuple(_relationship(item, nodes) for item in form.relationships or ())
    content = canonical(content_of(form, nodes, relationships, policies))
    return Blueprint(
        name=form.name,
        description=form.description,
        tenant=form.tenant,
        trust_domain=form.trust_domain,
        digest=sha256_digest(content),
        nodes=MappingProxyType(nodes),
        relationships=relationships,
        flows=tuple(_flow(item) for item in form.flows or ()),
        policies=policies,
        content=content,
        text=text,
        warnings=warnings,
    )


def _node(node_id: NodeId, form: NodeForm) -> Node:
    controls = form.controls
    return Node(
        id=node_id,
        type=form.type,
        kind=kind_of(form.type),
        name=form.name or node_id.replace("-", " ").capitalize(),
        description=form.description,
        interfaces=MappingProxyType(
            {name: Interface(id=name, url=i.url) for name, i in (form.interfaces or {}).items()}
        ),
        upstream=settle_upstream(controls.upstream if controls else None, node_id),
        timeouts=settle_timeouts(controls.timeouts if controls else None, Timeouts()),
        limits=settle_limits(controls.limits if controls else None, Limits()),
        controls=_controls(controls.__pydantic_extra__ if controls else {}),
        labels=_labels(form.metadata),
    )


def _labels(metadata: JsonValue) -> Mapping[str, Label]:
    """The plain values of a node's metadata; of a list of mappings, the last word on each key."""
    found: dict[str, Label] = {}
    for item in metadata if isinstance(metadata, list) else [metadata]:
        pairs = item.items() if isinstance(item, dict) else ()
        found.update((name, value) for name, value in pairs if isinstance(value, str | int | bool))
    return MappingProxyType(found)


def _controls(forms: Mapping[str, ControlForm]) -> Mapping[str, Control]:
    return MappingProxyType({name: _control(form) for name, form in forms.items()})


def _control(form: ControlForm) -> Control:
    requirements = tuple(
        Requirement(
            requirement_url=item.requirement_url,
            config=None if item.config is None else canonical(item.config),
            config_url=item.config_url,
        )
        for item in form.requirements
    )
    return Control(description=form.description, requirements=requirements)


def _relationship(form: RelationshipForm, nodes: Mapping[NodeId, Node]) -> Relationship:
    link = _link(form)
    controls = form.controls
    timeouts, limits = Timeouts(), Limits()
    if isinstance(link, Connects):
        called = nodes[link.destination]
        timeouts = settle_timeouts(controls.timeouts if controls else None, called.timeouts)
        limits = settle_limits(controls.limits if controls else None, called.limits)
    return Relationship(
        id=RelationshipId(form.id),
        link=link,
        description=form.description or "",
        protocol=form.protocol,
        timeouts=timeouts,
        limits=limits,
        controls=_controls(controls.__pydantic_extra__ if controls else {}),
    )


def _link(form: RelationshipForm) -> Link:
    if form.connects:
        source, destination = form.connects
        return Connects(
            source=NodeId(source.node),
            destination=NodeId(destination.node),
            source_interfaces=tuple(source.interfaces or ()),
            destination_interfaces=tuple(destination.interfaces or ()),
        )
    if form.interacts:
        return Interacts(actor=NodeId(form.interacts.actor), nodes=_ids(form.interacts.nodes))
    if form.deployed_in:
        inside = form.deployed_in
        return DeployedIn(container=NodeId(inside.container), nodes=_ids(inside.nodes))
    if form.composed_of:
        made = form.composed_of
        return ComposedOf(container=NodeId(made.container), nodes=_ids(made.nodes))
    choices = (
        Choice(
            description=choice.description,
            nodes=_ids(choice.nodes),
            relationships=tuple(RelationshipId(name) for name in choice.relationships),
            controls=tuple(choice.controls or ()),
        )
        for choice in form.options or ()
    )
    return Options(choices=tuple(choices))


def _ids(names: list[str]) -> tuple[NodeId, ...]:
    return tuple(NodeId(name) for name in names)


def _flow(form: FlowForm) -> Flow:
    steps = (
        Step(over=RelationshipId(step.over), description=step.description, back=step.back)
        for step in form.steps
    )
    return Flow(id=form.id, name=form.name, description=form.description, steps=tuple(steps))
