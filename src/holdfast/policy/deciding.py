"""May this principal do this? A pure function of the compiled policies, with reasons."""

from dataclasses import replace
from typing import TypeAlias

import cedarpy
import msgspec

from holdfast.blueprint import Blueprint, Problem, in_file_order
from holdfast.core import Digest, Json, NodeId, canonical_json, sha256_digest
from holdfast.policy.bundles import TESTS_NAME, Bundle
from holdfast.policy.cases import Tried, problems_of, read_cases, run_cases
from holdfast.policy.compiling import Rule, compile_rules
from holdfast.policy.decision import Decision
from holdfast.policy.engine import Applying, Asked, applying
from holdfast.policy.errors import PolicyError
from holdfast.policy.facts import Facts, only
from holdfast.policy.obligations import strictest
from holdfast.policy.rego import Rego, RegoAnswer, StartRego, load_rego
from holdfast.policy.residual import World
from holdfast.policy.slicing import Slices, facts_spoken_of
from holdfast.policy.sources import BUILT_IN, Sources, sources_alone, sources_of
from holdfast.policy.vocabulary import ACTIONS, entities_json, schema_text

CACHE_MAX = 8192
"""Decisions remembered; then the oldest is forgotten."""

REASONS_MAX = 5
"""Policies that a reason spells out; ``Decision.policies`` has all of them."""

_Key: TypeAlias = tuple[NodeId, str, NodeId, Facts]


class Policy:
    """A compiled bundle. Deny by default; forbid wins; an error in any policy denies.

    ``schema_text`` is the Cedar schema that the blueprint implies, for people and editors.
    """

    __slots__ = (
        "_cache", "_enforced", "_rego", "_spoken", "_trial", "actions", "blueprint",
        "digest", "entities", "rules", "schema_text", "sources",
    )  # fmt: skip

    def __init__(
        self,
        blueprint: Blueprint,
        rules: list[Rule],
        *,
        schema: str,
        actions: tuple[str, ...],
        sources: Sources,
        rego: Rego | None,
    ) -> None:
        self.actions = actions
        self.blueprint = blueprint
        self.rules = tuple(rules)
        self.schema_text = schema
        self.sources = sources
        self.digest = _bundle_digest(schema, rules, sources)
        self.entities = cedarpy.Entities.from_json_str(  # pyright: ignore[reportUnknownMemberType] - a bare dict
            entities_json(blueprint), schema
        )
        world = World(blueprint)
        trial = [rule for rule in rules if rule.mode == "trial"]
        enforced = [rule for rule in rules if rule.mode == "enforce"]
        self._enforced = Slices(blueprint, enforced, actions, world)
        self._trial = Slices(blueprint, trial, actions, world) if trial else None
        self._rego = rego
        self._spoken = facts_spoken_of(rules) if rego is None else frozenset(Facts._fields)
        self._cache: dict[_Key, Decision] = {}

    @classmethod
    def compile(
        cls,
        blueprint: Blueprint,
        *,
        actions: tuple[str, ...] = ACTIONS,
        sources: Sources | None = None,
        rego: StartRego | None = None,
    ) -> "Policy":
        """Holdfast's own policies and the blueprint's, held against the schema.

        ``PolicyError`` with every problem: file, line, what, fix. ``rego`` evaluates Rego; without
        it a blueprint that names some is refused. ``sources`` stand for the blueprint's own.
        """
        policy, problems = cls.check(blueprint, actions=actions, sources=sources, rego=rego)
        if policy is None:
            raise PolicyError(problems=in_file_order(problems))
        return policy

    @classmethod
    def check(
        cls,
        blueprint: Blueprint,
        *,
        actions: tuple[str, ...] = ACTIONS,
        sources: Sources | None = None,
        rego: StartRego | None = None,
    ) -> tuple["Policy | None", list[Problem]]:
        """The policy, or every problem with it."""
        found = sources if sources is not None else sources_of(blueprint)
        text = schema_text(blueprint, actions)
        schema = cedarpy.Schema.from_str(text)
        rules, problems = compile_rules(blueprint, schema, actions, found.cedar)
        problems = [*found.problems, *problems]
        loaded, faults = load_rego(found.rego, None if problems else rego, blueprint)
        if problems or faults:
            missing = "nothing here evaluates"
            told = faults if not problems else [f for f in faults if missing not in f.what]
            return None, [*problems, *told]
        policy = cls(blueprint, rules, schema=text, actions=actions, sources=found, rego=loaded)
        failed = [
            problem
            for name, bundle in found.bundles.items()
            for problem in cls.check_bundle(blueprint, bundle, name, actions=actions, rego=rego)[1]
        ]
        return (None if failed else policy), failed

    @classmethod
    def check_bundle(
        cls,
        blueprint: Blueprint,
        bundle: Bundle,
        name: str,
        *,
        actions: tuple[str, ...] = ACTIONS,
        rego: StartRego | None = None,
    ) -> tuple[tuple[Tried, ...], list[Problem]]:
        """A bundle's own tests, run on the bundle alone and as if it were in force; what fails."""
        text = bundle.files.get(TESTS_NAME)
        if text is None:
            return (), []
        cases, faults = read_cases(text, source=f"{name}/{TESTS_NAME}")
        alone = sources_alone(bundle, name)
        policy, problems = cls.check(blueprint, actions=actions, sources=alone, rego=rego)
        if policy is None or faults:
            return (), [*problems, *faults]
        tried = run_cases(cases, policy.decide)
        return tried, problems_of(tried)

    @classmethod
    def compile_bundle(
        cls, blueprint: Blueprint, bundle: Bundle, *, name: str, rego: StartRego | None = None
    ) -> "Policy":
        """A bundle alone, as if it were in force in this blueprint; its tests are not run."""
        return cls.compile(blueprint, sources=sources_alone(bundle, name), rego=rego)

    @property
    def own(self) -> tuple[str, ...]:
        """The policies that are not Holdfast's: their ids, in the order they were written."""
        rules = (rule.id for rule in self.rules if rule.statement.file != BUILT_IN)
        return (*rules, *self.rego_names)

    @property
    def rego_names(self) -> tuple[str, ...]:
        """The policies that are Rego: ``file#rule``."""
        files = self._rego.files if self._rego is not None else ()
        return tuple(f"{file.source.file}#{entry}" for file in files for entry in file.entries)

    def decide(self, principal: NodeId, action: str, resource: NodeId, facts: Facts) -> Decision:
        """Whether the node ``principal`` may do ``action`` to the node ``resource``.

        Pure and quick: a decision made before is looked up. Unknown names are denied.
        """
        key = (principal, action, resource, facts)
        found = self._cache.get(key)
        return found if found is not None else self._remember(key)

    def _remember(self, key: _Key) -> Decision:
        """Decided once for all facts that no policy could tell apart."""
        principal, action, resource, facts = key
        plain = (principal, action, resource, only(facts, self._spoken))
        decision = self._cache.get(plain)
        if decision is None:
            decision, is_lasting = self._judge(plain)
            if not is_lasting:
                return decision
            self._keep(plain, decision)
        if plain != key:
            self._keep(key, decision)
        return decision

    def _keep(self, key: _Key, decision: Decision) -> None:
        if len(self._cache) >= CACHE_MAX:
            del self._cache[next(iter(self._cache))]
        self._cache[key] = decision

    def _judge(self, key: _Key) -> tuple[Decision, bool]:
        """The decision, and whether it holds the next time too."""
        principal, action, resource, facts = key
        nodes = self.blueprint.nodes
        caller, called = nodes.get(principal), nodes.get(resource)
        if caller is None or called is None or action not in self.actions:
            unknown = action if caller and called else resource if caller else principal
            reason = f"`{unknown}` is not known to the policies"
            return self._answer(allowed=False, reason=reason), True
        asked = Asked(caller, action, called, facts)
        decision = self._explain(self.applying(asked))
        answer = self._rego.judge(asked) if decision.allowed and self._rego else RegoAnswer()
        if answer.policies:
            refused = self._answer(allowed=False, reason=answer.reason)
            return replace(refused, policies=answer.policies), answer.is_sound
        return self._tried(decision, asked, answer.on_trial), answer.is_sound

    def applying(self, asked: Asked) -> Applying:
        """What applies to a call, of the policies in force."""
        using = self._enforced.of(asked.caller.id, asked.action, asked.called.id)
        return applying(asked, using, self.entities)

    def rules_for(self, principal: NodeId, action: str, resource: NodeId) -> tuple[Rule, ...]:
        """The policies in force that can matter to a call, in the order they were written."""
        using = self._enforced.of(principal, action, resource)
        return tuple(sorted(using.rules(), key=lambda rule: rule.number))

    def _explain(self, applies: Applying) -> Decision:
        if applies.said:
            # Cedar skips a policy that fails; a forbid that fails must not become an allow.
            failed, said = applies.failed, applies.said
            reason = (
                f"policy {_list(failed)} failed: {said}" if failed else f"unusable call: {said}"
            )
            return self._answer(allowed=False, rules=failed, reason=reason)
        if applies.forbids:
            reason = f"forbidden by {_list(applies.forbids)}"
            return self._answer(allowed=False, rules=applies.forbids, reason=reason)
        if applies.permits:
            reason = f"allowed by {_list(applies.permits)}"
            return self._answer(allowed=True, rules=applies.permits, reason=reason)
        return self._answer(allowed=False, reason="no policy allows this")

    def _tried(self, decision: Decision, asked: Asked, rego: tuple[str, ...]) -> Decision:
        """The same decision, and what the policies on trial would have made of it."""
        if self._trial is None:
            return replace(decision, would_refuse=rego) if rego else decision
        using = self._trial.of(asked.caller.id, asked.action, asked.called.id)
        found = applying(asked, using, self.entities)
        against = (*_ids((*found.forbids, *found.failed)), *rego)
        if decision.allowed:
            return replace(decision, would_refuse=against)
        if against or decision.policies:  # a forbid in force wins over any permit on trial
            return decision
        return replace(decision, would_allow=_ids(found.permits))

    def _answer(self, *, allowed: bool, reason: str, rules: tuple[Rule, ...] = ()) -> Decision:
        owed = strictest(each for rule in rules for each in rule.obligations) if allowed else ()
        return Decision(
            allowed=allowed,
            policies=_ids(rules),
            reason=reason,
            bundle=self.digest,
            obligations=owed,
        )


def _ids(rules: tuple[Rule, ...]) -> tuple[str, ...]:
    return tuple(rule.id for rule in rules)


def _list(rules: tuple[Rule, ...]) -> str:
    named = ", ".join(f"{rule.id} ({rule.place})" for rule in rules[:REASONS_MAX])
    return named if len(rules) <= REASONS_MAX else f"{named} and {len(rules) - REASONS_MAX} more"


def _bundle_digest(schema: str, rules: list[Rule], sources: Sources) -> Digest:
    """Over the schema and Cedar's JSON form of each policy: comments and layout change nothing.
    Over Rego and over what stands in bundles byte for byte."""
    policies = {
        rule.id: msgspec.json.decode(cedarpy.policies_to_json_str(rule.statement.text))
        for rule in rules
    }
    whole: dict[str, Json] = {"schema": schema, "policies": policies}
    if sources.rego:
        whole["rego"] = {source.file: [source.mode, source.text] for source in sources.rego}
    if sources.bundles:
        whole["bundles"] = {name: bundle.digest for name, bundle in sources.bundles.items()}
    return sha256_digest(canonical_json(whole))
