"""May this principal do this? A pure function of the compiled policies, with reasons."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import cedarpy
import msgspec
from cedarpy import pst

from holdfast.blueprint import Blueprint, Node, in_file_order
from holdfast.core import Digest, NodeId, canonical_json, sha256_digest
from holdfast.policy.compiling import Rule, compile_rules
from holdfast.policy.errors import PolicyError
from holdfast.policy.vocabulary import (
    ACTIONS,
    NAMESPACE,
    entities_json,
    entity_type,
    schema_text,
    uid,
)

CACHE_MAX = 8192
"""Decisions remembered; then the oldest is forgotten."""

SLICED_POLICIES_MAX = 20_000
"""Policies parsed into slices at load, in all; calls beyond use the whole set: slower, the same."""

REASONS_MAX = 5
"""Policies that a reason spells out; ``Decision.policies`` has all of them."""

_POSITIONAL = re.compile(r"policy(\d+)")


class Facts(NamedTuple):
    """What a policy may know about a call, as ``context``. A tuple, for it is a cache key."""

    stream: bool = False
    tools: bool = False
    max_tokens: int | None = None
    relationship: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Policy's answer. ``policies`` are the ids of those that determined it; ``bundle`` is the
    digest of schema and policies; ``reason`` is for people."""

    allowed: bool
    policies: tuple[str, ...]
    reason: str
    bundle: Digest


_Key = tuple[NodeId, str, NodeId, Facts]


@dataclass(frozen=True, slots=True)
class _Slice:
    """Policies parsed together; the engine numbers them by position."""

    policies: cedarpy.PolicySet
    rules: tuple[Rule, ...]


class Policy:
    """A compiled bundle. Deny by default; forbid wins; an error in any policy denies.

    ``schema_text`` is the Cedar schema that the blueprint implies, for people and editors.
    """

    __slots__ = ("_cache", "_entities", "_everything", "_nodes", "_slices", "actions", "digest",
                 "schema_text")  # fmt: skip

    def __init__(
        self, blueprint: Blueprint, rules: list[Rule], *, schema: str, actions: tuple[str, ...]
    ) -> None:
        self.actions = actions
        self.schema_text = schema
        self.digest = _bundle_digest(schema, rules)
        self._nodes = blueprint.nodes
        self._entities = cedarpy.Entities.from_json_str(  # pyright: ignore[reportUnknownMemberType] - a bare dict
            entities_json(blueprint), schema
        )
        self._everything = _slice(rules)
        self._slices = _slices(blueprint, rules, actions)
        self._cache: dict[_Key, Decision] = {}

    @classmethod
    def compile(cls, blueprint: Blueprint, *, actions: tuple[str, ...] = ACTIONS) -> "Policy":
        """Holdfast's own policies and the blueprint's, held against the schema.

        ``PolicyError`` with every problem: file, line, what, fix.
        """
        text = schema_text(blueprint, actions)
        rules, problems = compile_rules(blueprint, cedarpy.Schema.from_str(text), actions)
        if problems:
            raise PolicyError(problems=in_file_order(problems))
        return cls(blueprint, rules, schema=text, actions=actions)

    def decide(self, principal: NodeId, action: str, resource: NodeId, facts: Facts) -> Decision:
        """Whether the node ``principal`` may do ``action`` to the node ``resource``.

        Pure and quick: a decision made before is looked up. Unknown names are denied.
        """
        key = (principal, action, resource, facts)
        found = self._cache.get(key)
        return found if found is not None else self._remember(key)

    def _remember(self, key: _Key) -> Decision:
        decision = self._judge(key)
        if len(self._cache) >= CACHE_MAX:
            del self._cache[next(iter(self._cache))]
        self._cache[key] = decision
        return decision

    def _judge(self, key: _Key) -> Decision:
        principal, action, resource, facts = key
        caller, called = self._nodes.get(principal), self._nodes.get(resource)
        if caller is None or called is None or action not in self.actions:
            unknown = action if caller and called else resource if caller else principal
            return self._answer(allowed=False, reason=f"`{unknown}` is not known to the policies")
        using = self._slices.get((principal, action, resource), self._everything)
        result = cedarpy.is_authorized(  # pyright: ignore[reportUnknownMemberType] - a bare dict
            {
                "principal": uid(caller),
                "action": {"type": f"{NAMESPACE}::Action", "id": action},
                "resource": uid(called),
                "context": _context(facts),
            },
            using.policies,
            self._entities,
        )
        return self._explain(using, result)

    def _explain(self, using: _Slice, result: cedarpy.AuthzResult) -> Decision:
        reasons, errors = result.diagnostics.reasons, result.diagnostics.errors
        if errors:
            # Cedar skips a policy that fails; a forbid that fails must not become an allow.
            failed = _rules(using, errors)
            said = errors[0].rpartition("`: ")[2]
            reason = (
                f"policy {_list(failed)} failed: {said}" if failed else f"unusable call: {said}"
            )
            return self._answer(allowed=False, rules=failed, reason=reason)
        rules = _rules(using, reasons)
        if result.allowed:
            return self._answer(allowed=True, rules=rules, reason=f"allowed by {_list(rules)}")
        if rules:
            return self._answer(allowed=False, rules=rules, reason=f"forbidden by {_list(rules)}")
        return self._answer(allowed=False, reason="no policy allows this")

    def _answer(self, *, allowed: bool, reason: str, rules: tuple[Rule, ...] = ()) -> Decision:
        policies = tuple(rule.id for rule in rules)
        return Decision(allowed=allowed, policies=policies, reason=reason, bundle=self.digest)


def _context(facts: Facts) -> dict[str, bool | int | str]:
    context: dict[str, bool | int | str] = {"stream": facts.stream, "tools": facts.tools}
    if facts.max_tokens is not None:
        context["max_tokens"] = facts.max_tokens
    if facts.relationship is not None:
        context["relationship"] = facts.relationship
    return context


def _rules(using: _Slice, said: Iterable[str]) -> tuple[Rule, ...]:
    """The rules that the engine's words name, in the order they were written."""
    found = (_POSITIONAL.search(word) for word in said)
    numbers = sorted({int(match[1]) for match in found if match})
    return tuple(using.rules[number] for number in numbers)


def _list(rules: tuple[Rule, ...]) -> str:
    named = ", ".join(f"{rule.id} ({rule.place})" for rule in rules[:REASONS_MAX])
    return named if len(rules) <= REASONS_MAX else f"{named} and {len(rules) - REASONS_MAX} more"


def _bundle_digest(schema: str, rules: list[Rule]) -> Digest:
    """Over the schema and Cedar's JSON form of each policy: comments and layout change nothing."""
    policies = {
        rule.id: msgspec.json.decode(cedarpy.policies_to_json_str(rule.statement.text))
        for rule in rules
    }
    return sha256_digest(canonical_json({"schema": schema, "policies": policies}))


def _slice(rules: Iterable[Rule]) -> _Slice:
    kept = tuple(rules)
    text = "\n".join(rule.statement.text for rule in kept)
    return _Slice(cedarpy.PolicySet.from_str(text), kept)


def _slices(
    blueprint: Blueprint, rules: list[Rule], actions: tuple[str, ...]
) -> dict[tuple[NodeId, str, NodeId], _Slice]:
    """For each declared call, only the policies whose scope can fit it.

    The rest could not be determining, so the decision is the same (a property test holds that).
    Equal slices share one parsed set.
    """
    shared: dict[tuple[int, ...], _Slice] = {}
    slices: dict[tuple[NodeId, str, NodeId], _Slice] = {}
    room = SLICED_POLICIES_MAX
    for source, destination in blueprint.connections():
        caller, called = blueprint.nodes[source], blueprint.nodes[destination]
        near = [
            (number, rule)
            for number, rule in enumerate(rules)
            if _fits(rule.scope.principal, caller) and _fits(rule.scope.resource, called)
        ]
        for action in actions:
            numbers = tuple(n for n, rule in near if _fits_action(rule.scope.action, action))
            if numbers not in shared:
                room -= len(numbers)
                if room < 0:
                    return slices
                shared[numbers] = _slice(rules[number] for number in numbers)
            slices[source, action, destination] = shared[numbers]
    return slices


def _fits(constraint: pst.PrincipalOrResourceConstraint, node: Node) -> bool:
    """Whether a scope can fit a node. Membership (``in``) is left to the engine."""
    match constraint:
        case pst.ScopeEq(entity=pst.EntityUid() as entity):
            return entity.id == node.id and str(entity.type) == entity_type(node.kind)
        case pst.ScopeIs(entity_type=kind) | pst.ScopeIsIn(entity_type=kind):
            return str(kind) == entity_type(node.kind)
        case _:
            return True


def _fits_action(constraint: pst.ActionConstraint, action: str) -> bool:
    match constraint:
        case pst.ActionEq(entity=entity):
            return entity.id == action
        case pst.ActionIn(entities=entities):
            return any(entity.id == action for entity in entities)
        case _:
            return True
