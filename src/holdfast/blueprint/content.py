"""What a blueprint means, as canonical JSON: the bytes that its digest names.

Two files with the same meaning have the same content: defaults are written out, mappings sorted,
relationships and flows ordered by id, and the nodes of a group sorted, for their order says
nothing. Canonical JSON has no floats here: timeouts are whole microseconds, other fractions text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from types import NoneType
from typing import TypeAlias

from pydantic import JsonValue

from holdfast.blueprint.console import ConsoleAccess
from holdfast.blueprint.console_forms import console_content
from holdfast.blueprint.control_forms import ControlForm
from holdfast.blueprint.controls import Limits, Timeouts, Upstream
from holdfast.blueprint.demands import Demands
from holdfast.blueprint.fields import Form
from holdfast.blueprint.forms import (
    BlueprintForm,
    FlowForm,
    NodeForm,
    RelationshipForm,
)
from holdfast.blueprint.objective_forms import settle_objectives
from holdfast.blueprint.objectives import Objective
from holdfast.blueprint.overlays import settle_budget
from holdfast.blueprint.parts import Details, Node, PolicyFile, Relationship
from holdfast.blueprint.people_forms import people_content
from holdfast.blueprint.resilience import (
    Breaker,
    Budget,
    Cache,
    Concurrency,
    Ejection,
    Fallback,
    Health,
    Hedge,
    Price,
    Retries,
    Routing,
)
from holdfast.blueprint.tools import Program, Tools
from holdfast.core import Json, NodeId, canonical_json

_Settings: TypeAlias = (
    Demands | Details
    | Breaker | Budget | Cache | Concurrency | Ejection | Fallback | Health | Hedge | Price
    | Objective | Retries | Routing
)  # fmt: skip

FORMAT = 1
_EXACT = (str, int, NoneType)
"""Truth values are whole numbers here."""


def canonical(value: JsonValue) -> bytes:
    """Canonical JSON of what people wrote, floats made exact."""
    return canonical_json(exact(value))


def exact(value: JsonValue) -> Json:
    """Without floats: ``2.0`` is 2, and ``0.1`` is ``{"float": "0.1"}`` (its shortest text)."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else {"float": repr(value)}
    # What is exact already is passed over here: a call for each would take half of a load.
    if isinstance(value, list):
        return [item if isinstance(item, _EXACT) else exact(item) for item in value]
    if isinstance(value, dict):
        return {
            key: item if isinstance(item, _EXACT) else exact(item) for key, item in value.items()
        }
    return value


def content_of(
    form: BlueprintForm,
    nodes: Mapping[NodeId, Node],
    relationships: Sequence[Relationship],
    policies: Iterable[PolicyFile],
    console: ConsoleAccess,
) -> JsonValue:
    """The whole blueprint as plain values."""
    settled = {item.id: item for item in relationships}
    links = sorted(form.relationships or (), key=lambda item: item.id)
    return {
        "holdfast": FORMAT,
        "name": form.name,
        "description": form.description,
        "tenant": form.tenant,
        "trust_domain": form.trust_domain,
        "nodes": {name: _node(form.nodes[name], node) for name, node in nodes.items()},
        "relationships": [
            _relationship(item, settled[item.id])  # pyright: ignore[reportArgumentType]
            for item in links
        ],
        "flows": [_flow(flow) for flow in sorted(form.flows or (), key=lambda flow: flow.id)],
        "policies": {policy.name: policy.text for policy in policies},
        # Left out where there are none: blueprints of before keep their digest.
        **({"policy_keys": _sorted(form.policy_keys)} if form.policy_keys else {}),
        **people_content(form.people),
        **console_content(console),
        "budget": _plain(settle_budget(form.budget)),
        "bulkhead": form.bulkhead.calls if form.bulkhead else None,
        **_objectives(settle_objectives(form.objectives)),
        **_written(form.facts, "facts"),
        **_written(form.review, "review"),
        **({"controls": _controls(form.controls)} if form.controls else {}),
        "metadata": form.metadata,
        "adrs": list[JsonValue](form.adrs or ()),
    }


def _node(form: NodeForm, node: Node) -> JsonValue:
    interfaces = form.interfaces or {}
    return {
        "type": node.type,
        "name": node.name,
        "description": node.description,
        "interfaces": {
            name: {"url": item.url, **item.__pydantic_extra__} for name, item in interfaces.items()
        },
        "upstream": _upstream(node.upstream),
        **_program(node.program),
        **_tools(node.tools),
        "timeouts": _timeouts(node.timeouts),
        "limits": _limits(node.limits),
        "routing": _plain(node.routing),
        "identity": _plain(node.demands),
        "retries": _plain(node.retries),
        "breaker": _plain(node.breaker),
        "ejection": _plain(node.ejection),
        "concurrency": _plain(node.concurrency),
        "health": _plain(node.health),
        "fallback": _plain(node.fallback),
        "hedge": _plain(node.hedge),
        "cache": _plain(node.cache),
        "price": _plain(node.price),
        "budget": _plain(node.budget),
        "bulkhead": node.bulkhead,
        **_objectives(node.objectives),
        "controls": _controls(form.controls.__pydantic_extra__ if form.controls else {}),
        **_written(form.facts, "facts"),
        **({"details": _plain(node.details)} if node.details != Details() else {}),
        "metadata": form.metadata,
    }


def _relationship(form: RelationshipForm, settled: Relationship) -> JsonValue:
    return {
        "id": form.id,
        "link": _link(form),
        "description": settled.description,
        "protocol": settled.protocol,
        "timeouts": _timeouts(settled.timeouts),
        "limits": _limits(settled.limits),
        "criticality": settled.criticality,
        "identity": _plain(settled.demands),
        "retries": _plain(settled.retries),
        "fallback": _plain(settled.fallback),
        "hedge": _plain(settled.hedge),
        "cache": _plain(settled.cache),
        "budget": _plain(settled.budget),
        "bulkhead": settled.bulkhead,
        **_objectives(settled.objectives),
        **_tools(settled.tools),
        "controls": _controls(form.controls.__pydantic_extra__ if form.controls else {}),
        **_written(form.facts, "facts"),
        "metadata": form.metadata,
    }


def _link(form: RelationshipForm) -> JsonValue:
    if form.connects:
        ends: list[JsonValue] = [
            {"node": end.node, "interfaces": _sorted(end.interfaces or ())} for end in form.connects
        ]
        return {"connects": ends}
    if form.interacts:
        actor, nodes = form.interacts.actor, form.interacts.nodes
        return {"interacts": {"actor": actor, "nodes": _sorted(nodes)}}
    for name, group in (("deployed-in", form.deployed_in), ("composed-of", form.composed_of)):
        if group:
            return {name: {"container": group.container, "nodes": _sorted(group.nodes)}}
    return {
        "options": [
            {
                "description": choice.description,
                "nodes": _sorted(choice.nodes),
                "relationships": _sorted(choice.relationships),
                "controls": _sorted(choice.controls or ()),
            }
            for choice in form.options or ()
        ]
    }


def _written(form: Form, name: str) -> dict[str, JsonValue]:
    """What stands there of facts or review, under its name; left out where nothing does."""
    plain: JsonValue = form.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: plain} if plain else {}


def _sorted(names: Iterable[str]) -> list[JsonValue]:
    return list[JsonValue](sorted(set(names)))


def _upstream(upstream: Upstream | None) -> JsonValue:
    if upstream is None:
        return None
    return {
        "url": upstream.url,
        "dialect": upstream.dialect,
        "model": upstream.model,
        "api_key": str(upstream.api_key) if upstream.api_key else None,
        "insecure_plain_http": upstream.insecure_plain_http,
        "weight": upstream.weight,
        "priority": upstream.priority,
    }


def _program(program: Program | None) -> dict[str, JsonValue]:
    """Left out where there is none, like ``tools``: blueprints of before keep their digest."""
    if program is None:
        return {}
    env: dict[str, JsonValue] = {name: str(value) for name, value in program.env.items()}
    command: list[JsonValue] = list(program.command)
    return {"program": {"command": command, "env": env, "cwd": program.cwd}}


def _tools(tools: Tools) -> dict[str, JsonValue]:
    if not tools.rules:
        return {}
    return {
        "tools": [
            {
                "allow": None if rules.allow is None else _sorted(rules.allow),
                "deny": _sorted(rules.deny),
                "side_effects": rules.side_effects,
                "each": {
                    name: {
                        "timeout_us": None if t.timeout_s is None else _micros(t.timeout_s),
                        "side_effects": t.side_effects,
                    }
                    for name, t in rules.each.items()
                },
            }
            for rules in tools.rules
        ]
    }


def _objectives(objectives: tuple[Objective, ...]) -> dict[str, JsonValue]:
    """Left out where there are none: blueprints of before keep their digest."""
    return {"objectives": [_plain(each) for each in objectives]} if objectives else {}


def _timeouts(timeouts: Timeouts) -> JsonValue:
    return {
        "connect_us": _micros(timeouts.connect_s),
        "first_byte_us": _micros(timeouts.first_byte_s),
        "idle_us": _micros(timeouts.idle_s),
        "total_us": _micros(timeouts.total_s),
    }


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _plain(settings: _Settings | None) -> JsonValue:
    """A control, field by field, so that none is forgotten: every setting counts."""
    if settings is None:
        return None
    found: dict[str, JsonValue] = {}
    for name in _names(type(settings)):
        value: JsonValue | tuple[JsonValue, ...] = getattr(settings, name)
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


@cache
def _names(kind: type[_Settings]) -> tuple[str, ...]:
    """Asked for a dozen times for each node, so looked up once."""
    return tuple(item.name for item in fields(kind))


def _limits(limits: Limits) -> JsonValue:
    return {
        "request_bytes": limits.request_bytes,
        "answer_bytes": limits.answer_bytes,
        "max_tokens": limits.max_tokens,
        "connections": limits.connections,
    }


def _controls(forms: Mapping[str, ControlForm]) -> JsonValue:
    return {
        name: {
            "description": form.description,
            "requirements": [
                {
                    "requirement-url": item.requirement_url,
                    "config": item.config,
                    "config-url": item.config_url,
                }
                for item in form.requirements
            ],
            # Left out where nothing is named: blueprints of before keep their digest.
            **({"implemented-by": _sorted(form.implemented_by)} if form.implemented_by else {}),
        }
        for name, form in forms.items()
    }


def _flow(form: FlowForm) -> JsonValue:
    return {
        "id": form.id,
        "name": form.name,
        "description": form.description,
        "steps": [
            {"over": step.over, "description": step.description, "back": step.back}
            for step in form.steps
        ],
        **_written(form.facts, "facts"),
        **({"controls": _controls(form.controls)} if form.controls else {}),
        **({"metadata": form.metadata} if form.metadata else {}),
    }
