"""From checked forms to the blueprint: defaults filled in, settings settled, meaning digested."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import JsonValue

from holdfast.blueprint.architecture import Blueprint
from holdfast.blueprint.console_forms import settle_console
from holdfast.blueprint.content import canonical, content_of
from holdfast.blueprint.control_forms import ControlForm
from holdfast.blueprint.controls import (
    TOTAL_S_DEFAULT,
    Control,
    Limits,
    Requirement,
    Timeouts,
)
from holdfast.blueprint.demands import Demands
from holdfast.blueprint.errors import Problem
from holdfast.blueprint.forms import (
    BlueprintForm,
    DetailsForm,
    FlowForm,
    NodeControlsForm,
    NodeForm,
    RelationshipControlsForm,
    RelationshipForm,
)
from holdfast.blueprint.kinds import kind_of
from holdfast.blueprint.layout import Layout
from holdfast.blueprint.objective_forms import settle_objectives
from holdfast.blueprint.overlays import (
    Own,
    handed_down,
    over,
    settle_budget,
    settle_demands,
    settle_fallback,
    settle_own,
    settle_retries,
    settle_routing,
)
from holdfast.blueprint.parts import (
    Choice,
    ComposedOf,
    Connects,
    DeployedIn,
    Details,
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
from holdfast.blueprint.people_forms import settle_people
from holdfast.blueprint.resilience import Cache, Ejection, Hedge, Retries
from holdfast.blueprint.resilience_forms import BulkheadForm, CacheForm, HedgeForm
from holdfast.blueprint.servers import settle_program, settle_tools
from holdfast.blueprint.settings import settle_limits, settle_timeouts, settle_upstream
from holdfast.blueprint.tools import Tools
from holdfast.core import NodeId, RelationshipId, sha256_digest


def settle(
    form: BlueprintForm,
    layout: Layout,
    *,
    text: str,
    policies: tuple[PolicyFile, ...],
    console_policies: tuple[PolicyFile, ...],
    warnings: tuple[Problem, ...],
) -> Blueprint:
    """The blueprint that a checked form declares."""
    nodes = {
        NodeId(name): _node(NodeId(name), node, _under(form, layout, name))
        for name, node in form.nodes.items()
    }
    relationships = tuple(_relationship(item, nodes) for item in form.relationships or ())
    console = settle_console(form.console, console_policies)
    content = canonical(content_of(form, nodes, relationships, policies, console))
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
        budget=settle_budget(form.budget),
        bulkhead=_bulkhead(form.bulkhead),
        objectives=settle_objectives(form.objectives),
        policy_keys=tuple(form.policy_keys or ()),
        people=settle_people(form.people),
        console=console,
        facts=form.facts,
        review=form.review,
        controls=_controls(form.controls or {}),
        adrs=tuple(form.adrs or ()),
    )


def _under(form: BlueprintForm, layout: Layout, name: str) -> Own:
    """What is handed down to the upstream of a node; where several nodes do, they agree."""
    groups = layout.groups(name)
    return handed_down(settle_own(form.nodes[groups[0]].controls, Own())) if groups else Own()


_UNWRITTEN_NODE = NodeControlsForm.model_validate({})
_UNWRITTEN_RELATIONSHIP = RelationshipControlsForm.model_validate({})


def _node(node_id: NodeId, form: NodeForm, under: Own) -> Node:
    controls = form.controls or _UNWRITTEN_NODE
    own = settle_own(controls, under)
    total_s = max(TOTAL_S_DEFAULT, under.connect_s)
    timeouts = Timeouts(connect_s=under.connect_s, total_s=total_s)
    return Node(
        id=node_id,
        type=form.type,
        kind=kind_of(form.type),
        name=form.name or node_id.replace("-", " ").capitalize(),
        description=form.description,
        interfaces=MappingProxyType(
            {name: Interface(id=name, url=i.url) for name, i in (form.interfaces or {}).items()}
        ),
        upstream=settle_upstream(controls.upstream, node_id),
        timeouts=settle_timeouts(controls.timeouts, timeouts),
        limits=settle_limits(controls.limits, Limits(connections=under.connections)),
        controls=_controls(controls.__pydantic_extra__),
        labels=_labels(form.metadata),
        routing=settle_routing(controls.routing),
        demands=settle_demands(controls.identity, Demands()),
        retries=settle_retries(controls.retries, Retries()),
        breaker=own.breaker,
        ejection=over(Ejection(), controls.ejection),
        concurrency=own.concurrency,
        health=own.health,
        fallback=settle_fallback(controls.fallback, None),
        hedge=_hedge(controls.hedge, None),
        cache=_cache(controls.cache, None),
        price=own.price,
        budget=settle_budget(controls.budget),
        bulkhead=_bulkhead(controls.bulkhead),
        objectives=settle_objectives(controls.objectives),
        program=settle_program(controls.upstream),
        tools=settle_tools(controls.tools, Tools()),
        facts=form.facts,
        details=_details(form.details),
    )


def _details(form: DetailsForm | None) -> Details:
    if form is None:
        return Details()
    return Details(
        detailed_architecture=form.detailed_architecture, required_pattern=form.required_pattern
    )


def _hedge(form: HedgeForm | None, under: Hedge | None) -> Hedge | None:
    return under if form is None else over(under or Hedge(), form)


def _cache(form: CacheForm | None, under: Cache | None) -> Cache | None:
    return under if form is None else over(under or Cache(), form)


def _bulkhead(form: BulkheadForm | None) -> int | None:
    return None if form is None else form.calls


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
    return Control(
        description=form.description,
        requirements=requirements,
        implemented_by=tuple(sorted(set(form.implemented_by or ()))),
    )


def _relationship(form: RelationshipForm, nodes: Mapping[NodeId, Node]) -> Relationship:
    link = _link(form)
    controls = form.controls or _UNWRITTEN_RELATIONSHIP
    if isinstance(link, Connects):
        return _declared_call(form, link, controls, nodes[link.destination])
    return Relationship(
        id=RelationshipId(form.id),
        link=link,
        description=form.description or "",
        protocol=form.protocol,
        timeouts=Timeouts(),
        limits=Limits(),
        controls=_controls(controls.__pydantic_extra__),
        facts=form.facts,
    )


def _declared_call(
    form: RelationshipForm, link: Connects, controls: RelationshipControlsForm, called: Node
) -> Relationship:
    return Relationship(
        id=RelationshipId(form.id),
        link=link,
        description=form.description or "",
        protocol=form.protocol,
        timeouts=settle_timeouts(controls.timeouts, called.timeouts),
        limits=settle_limits(controls.limits, called.limits),
        controls=_controls(controls.__pydantic_extra__),
        criticality=controls.criticality or "standard",
        demands=settle_demands(controls.identity, called.demands),
        retries=settle_retries(controls.retries, called.retries),
        fallback=settle_fallback(controls.fallback, called.fallback),
        hedge=_hedge(controls.hedge, called.hedge),
        cache=_cache(controls.cache, called.cache),
        budget=settle_budget(controls.budget),
        bulkhead=_bulkhead(controls.bulkhead),
        objectives=settle_objectives(controls.objectives),
        tools=settle_tools(controls.tools, called.tools),
        facts=form.facts,
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
    return Flow(
        id=form.id,
        name=form.name,
        description=form.description,
        steps=tuple(steps),
        facts=form.facts,
        controls=_controls(form.controls or {}),
    )
