"""Which policies a call needs: by caller, action and callee at load, by facts when it is decided.

Cedar looks at every policy it is given, about 1 us each. So every declared call has its slice: the
policies whose scope fits it and whose conditions are not already false for its caller and callee.
Where a slice is still large, policies that demand one value of a fact (``context.tool == "x"``), a
range of it (``context.max_tokens > 500``) or that it is known at all are kept by that and looked at
only when the call has it. Policies left out could not have
determined the decision nor failed, so the decision is that of the whole set; a property test holds
that. The engine decides always: this only chooses what it is shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import cedarpy
from cedarpy import pst

from holdfast.blueprint import Blueprint, Node
from holdfast.core import NodeId
from holdfast.policy.compiling import Rule
from holdfast.policy.facts import LONG_MAX, LONG_MIN, Fact, Facts
from holdfast.policy.residual import (
    FALSE,
    World,
    can_fail,
    condition,
    conjuncts,
    nodes_of,
    value_of,
)
from holdfast.policy.vocabulary import CONTEXT, entity_type

SLICED_POLICIES_MAX = 20_000
"""Policies parsed into slices at load, in all; calls beyond use the whole set: slower, the same."""

FOLDS_MAX = 300_000
"""Conditions folded at load (about 20 us each); policies beyond stay in the slices they fit."""

INDEXED_FROM = 16
"""A slice of more policies than this is indexed by the facts that its policies demand."""

BLOCK_POLICIES = 16
"""Policies with like ranges that are shown to the engine together: asking it costs as much as 30."""

BLOCKS_APART_MAX = 4
"""Where more blocks than this are needed, all are shown at once instead."""

_FIELDS = {name: place for place, name in enumerate(Facts._fields)}


@dataclass(frozen=True, slots=True)
class Parsed:
    """Policies parsed together; the engine numbers them by position."""

    policies: cedarpy.PolicySet
    rules: tuple[Rule, ...]
    by_name: Mapping[str, Rule]


@dataclass(frozen=True, slots=True)
class Group:
    """Policies that some calls need beside those that every call needs; ``merged`` is both in one
    set, for asking the engine costs 25 us, as much as 30 policies."""

    apart: Parsed
    merged: Parsed


@dataclass(frozen=True, slots=True)
class Block:
    """Policies that can apply only where the fact at ``place`` is known and, if it is a number,
    within these bounds."""

    place: int
    low: int
    high: int
    group: Group

    def is_needed(self, value: Fact | None) -> bool:
        if value is None:
            return False
        return not isinstance(value, int) or self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Slice:
    """What one call needs: always; by the place of a fact and its value; by its range."""

    always: Parsed
    by_fact: tuple[tuple[int, Mapping[Fact, Group]], ...] = ()
    blocks: tuple[Block, ...] = ()
    all_blocks: Group | None = None

    def rules(self) -> Iterator[Rule]:
        """Every policy of the slice once."""
        groups = [block.group for block in self.blocks]
        groups.extend(each for _, by_value in self.by_fact for each in by_value.values())
        sets = [self.always, *(group.apart for group in groups)]
        yield from {rule.number: rule for each in sets for rule in each.rules}.values()

    def needed(self, facts: Facts) -> tuple[Parsed, ...]:
        """The sets to show the engine for these facts; at least one."""
        if not self.by_fact and not self.blocks:
            return (self.always,)
        groups: list[Group] = []
        for place, by_value in self.by_fact:
            value = facts[place]
            if value is not None and value in by_value:
                groups.append(by_value[value])
        blocks = [block.group for block in self.blocks if block.is_needed(facts[block.place])]
        if len(blocks) > BLOCKS_APART_MAX and self.all_blocks is not None:
            blocks = [self.all_blocks]
        groups.extend(blocks)
        if len(groups) == 1:
            return (groups[0].merged,)
        return (self.always, *(group.apart for group in groups))


def parsed(rules: Iterable[Rule]) -> Parsed:
    kept = tuple(rules)
    text = "\n".join(rule.statement.text for rule in kept)
    by_name = {f"policy{place}": rule for place, rule in enumerate(kept)}
    return Parsed(cedarpy.PolicySet.from_str(text), kept, by_name)


class Slices:
    """The slices of a bundle: for every declared call and action, what must be looked at."""

    __slots__ = ("_by_call", "everything")

    def __init__(
        self, blueprint: Blueprint, rules: list[Rule], actions: tuple[str, ...], world: World
    ) -> None:
        self.everything = Slice(parsed(rules))
        self._by_call = _Slicer(blueprint, rules, world).slices(actions) if rules else {}

    def of(self, principal: NodeId, action: str, resource: NodeId) -> Slice:
        return self._by_call.get((principal, action, resource), self.everything)


def facts_spoken_of(rules: Iterable[Rule]) -> frozenset[str]:
    """The facts that a policy looks at: decisions cannot differ by another."""
    spoken: set[str] = set()
    for rule in rules:
        asked = 0
        for node in nodes_of(rule.scope):
            match node:
                case pst.GetAttr(base=pst.Var(name="context"), attr=name):
                    spoken.add(name)
                    asked += 1
                case pst.HasAttr(base=pst.Var(name="context"), attrs=names):
                    spoken.add(names[0])
                    asked += 1
                case pst.Var(name="context"):
                    asked -= 1
                case _:
                    pass
        if asked:  # the whole context is looked at, as in `context == {...}`
            return frozenset(_FIELDS)
    return frozenset(spoken)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A policy ready to be sliced."""

    number: int
    rule: Rule
    condition: pst.Expr
    is_static: bool
    values: Mapping[str, frozenset[Fact]]
    ranges: Mapping[str, "_Range"]

    @classmethod
    def of(cls, number: int, rule: Rule) -> "_Prepared":
        whole = condition(rule.scope)
        member = (pst.ScopeIn, pst.ScopeIsIn)
        knows = isinstance(rule.scope.principal, member) or isinstance(rule.scope.resource, member)
        knows = knows or any(
            isinstance(node, pst.Var) and node.name in ("principal", "resource")
            for clause in rule.scope.clauses
            for node in nodes_of(clause)
        )
        if can_fail(whole):  # a policy that may fail is looked at always
            return cls(number, rule, whole, knows, {}, {})
        parts = list(conjuncts(whole))
        return cls(number, rule, whole, knows, _values(parts), _ranges(parts))


def _values(parts: list[pst.Expr]) -> Mapping[str, frozenset[Fact]]:
    """Facts for which only these values can make the condition hold."""
    found: dict[str, frozenset[Fact]] = {}
    for part in parts:
        demand = _value(part)
        if demand is not None:
            name, values = demand
            found[name] = found.get(name, values) & values
    return found


def _value(part: pst.Expr) -> tuple[str, frozenset[Fact]] | None:
    match part:
        case pst.GetAttr(base=pst.Var(name="context"), attr=name):
            return name, frozenset((True,))
        case pst.UnaryOp(op="not", arg=pst.GetAttr(base=pst.Var(name="context"), attr=name)):
            return name, frozenset((False,))
        case (
            pst.BinaryOp(
                op="eq", left=pst.GetAttr(base=pst.Var(name="context"), attr=name), right=value
            )
            | pst.BinaryOp(
                op="eq", left=value, right=pst.GetAttr(base=pst.Var(name="context"), attr=name)
            )
        ):
            values = [value_of(value)]
        case pst.BinaryOp(
            op="contains",
            left=pst.Set(elements=elements),
            right=pst.GetAttr(base=pst.Var(name="context"), attr=name),
        ):
            values = [value_of(each) for each in elements]
        case _:
            return None
    kept = [each for each in values if isinstance(each, bool | int | str)]
    return (name, frozenset(kept)) if len(kept) == len(values) and name in _FIELDS else None


class _Range(NamedTuple):
    """A number's bounds, both within; of any other fact that it is known."""

    low: int = LONG_MIN
    high: int = LONG_MAX


def _ranges(parts: list[pst.Expr]) -> Mapping[str, _Range]:
    """Facts that must be known and, if numbers, in this range for the condition to hold."""
    found: dict[str, _Range] = {}
    for part in parts:
        demand = _range(part)
        if demand is not None:
            name, (low, high) = demand
            before = found.get(name, _Range())
            found[name] = _Range(max(low, before.low), min(high, before.high))
    return found


def _range(part: pst.Expr) -> tuple[str, _Range] | None:
    match part:
        case pst.HasAttr(base=pst.Var(name="context"), attrs=(name,)) if name in _FIELDS:
            return name, _Range()
        case pst.BinaryOp(
            left=pst.GetAttr(base=pst.Var(name="context"), attr=name),
            right=pst.LongLit(value=value),
        ) if part.op in _BOUNDS and name in _FIELDS:
            return name, _BOUNDS[part.op](value)
        case pst.BinaryOp(
            left=pst.LongLit(value=value),
            right=pst.GetAttr(base=pst.Var(name="context"), attr=name),
        ) if part.op in _BOUNDS and name in _FIELDS:
            return name, _BOUNDS[_TURNED[part.op]](value)
        case _:
            return None


_BOUNDS: Mapping[str, Callable[[int], _Range]] = {
    "less": lambda bound: _Range(high=bound - 1),
    "less_eq": lambda bound: _Range(high=bound),
    "greater": lambda bound: _Range(low=bound + 1),
    "greater_eq": lambda bound: _Range(low=bound),
}
_TURNED: Mapping[str, str] = {
    "less": "greater",
    "less_eq": "greater_eq",
    "greater": "less",
    "greater_eq": "less_eq",
}


@dataclass(slots=True)
class _Slicer:
    blueprint: Blueprint
    rules: list[Rule]
    world: World
    prepared: list[_Prepared] = field(init=False)
    shared: dict[tuple[int, ...], Slice] = field(default_factory=dict[tuple[int, ...], Slice])
    sets: dict[tuple[int, ...], Parsed] = field(default_factory=dict[tuple[int, ...], Parsed])
    room: int = SLICED_POLICIES_MAX
    folds: int = FOLDS_MAX

    def __post_init__(self) -> None:
        self.prepared = [_Prepared.of(number, rule) for number, rule in enumerate(self.rules)]

    def slices(self, actions: tuple[str, ...]) -> dict[tuple[NodeId, str, NodeId], Slice]:
        slices: dict[tuple[NodeId, str, NodeId], Slice] = {}
        for source, destination in self.blueprint.connections():
            near = self._near(source, destination)
            for action in actions:
                kept = tuple(each for each in near if _fits_action(each.rule.scope.action, action))
                found = self._shared(kept)
                if found is None:
                    return slices
                slices[source, action, destination] = found
        return slices

    def _near(self, source: NodeId, destination: NodeId) -> list[_Prepared]:
        caller, called = self.blueprint.nodes[source], self.blueprint.nodes[destination]
        return [
            each
            for each in self.prepared
            if _fits(each.rule.scope.principal, caller)
            and _fits(each.rule.scope.resource, called)
            and self._may_apply(each, source, destination)
        ]

    def _may_apply(self, each: _Prepared, source: NodeId, destination: NodeId) -> bool:
        if not each.is_static or self.folds <= 0:
            return True
        self.folds -= 1
        return self.world.fold(each.condition, principal=source, resource=destination) != FALSE

    def _shared(self, kept: tuple[_Prepared, ...]) -> Slice | None:
        """Equal slices are one; None when there is no more room."""
        key = tuple(each.number for each in kept)
        if key not in self.shared:
            self.shared[key] = self._slice(kept)
        return self.shared[key] if self.room >= 0 else None

    def _slice(self, kept: tuple[_Prepared, ...]) -> Slice:
        if len(kept) <= INDEXED_FROM:
            return Slice(self._parsed(kept))
        found = _indexed(kept)
        always = tuple(found.always)
        by_fact = tuple(
            (
                _FIELDS[name],
                {value: self._group(tuple(members), always) for value, members in values.items()},
            )
            for name, values in found.groups.items()
        )
        blocks = tuple(
            block
            for name, ranged in found.ranged.items()
            for block in self._blocks(name, ranged, always)
        )
        ranged = tuple(each for ranged in found.ranged.values() for each in ranged)
        together = self._group(ranged, always) if len(blocks) > BLOCKS_APART_MAX else None
        return Slice(self._parsed(always), by_fact, blocks, together)

    def _blocks(
        self, name: str, ranged: list[_Prepared], always: tuple[_Prepared, ...]
    ) -> Iterator[Block]:
        """Policies with like ranges together, so that a value needs few blocks."""
        ordered = sorted(ranged, key=lambda each: each.ranges[name])
        for start in range(0, len(ordered), BLOCK_POLICIES):
            members = tuple(ordered[start : start + BLOCK_POLICIES])
            yield Block(
                _FIELDS[name],
                min(each.ranges[name].low for each in members),
                max(each.ranges[name].high for each in members),
                self._group(members, always),
            )

    def _group(self, members: tuple[_Prepared, ...], always: tuple[_Prepared, ...]) -> Group:
        return Group(self._parsed(members), self._parsed((*always, *members)))

    def _parsed(self, kept: tuple[_Prepared, ...]) -> Parsed:
        key = tuple(each.number for each in kept)
        if key not in self.sets:
            self.room -= len(kept)
            # Past the bound the slice is thrown away, so nothing more need be parsed for it.
            rules = (each.rule for each in kept) if self.room >= 0 else ()
            self.sets[key] = parsed(rules)
        return self.sets[key]


@dataclass(slots=True)
class _Index:
    """Policies told apart by what they demand of the facts."""

    always: list[_Prepared] = field(default_factory=list[_Prepared])
    groups: dict[str, dict[Fact, list[_Prepared]]] = field(
        default_factory=dict[str, dict[Fact, list[_Prepared]]]
    )
    ranged: dict[str, list[_Prepared]] = field(default_factory=dict[str, list[_Prepared]])


def _indexed(kept: tuple[_Prepared, ...]) -> _Index:
    """Each policy under the fact whose values tell the most policies apart; else under the first
    fact of which it demands a range; the others always."""
    values: dict[str, set[Fact]] = {}
    for each in kept:
        for name, demanded in each.values.items():
            values.setdefault(name, set()).update(demanded)
    found = _Index()
    for each in kept:
        name = max(each.values, key=lambda one: (len(values[one]), one), default=None)
        # Whether a fact is true tells little apart; a range, where there is one, tells more.
        if name is not None and not (each.ranges and CONTEXT.get(name) == "Bool"):
            for value in sorted(each.values[name], key=repr):
                found.groups.setdefault(name, {}).setdefault(value, []).append(each)
        elif each.ranges:
            # Sorted, that policies which demand the same are found under the same fact.
            found.ranged.setdefault(min(each.ranges), []).append(each)
        else:
            found.always.append(each)
    return found


def _fits(constraint: pst.PrincipalOrResourceConstraint, node: Node) -> bool:
    """Whether a scope can fit a node. Membership (``in``) is left to folding and the engine."""
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
