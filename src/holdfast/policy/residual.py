"""Partial evaluation: what is left of a condition when caller, action and callee are known.

Everything but ``context`` is known when policies are loaded. Folding what is known shows which
policies can never apply to a call (they are left out of its slice), and leaves for analysis a
condition over ``context`` alone. It is exact: what might fail is never folded away, for a policy
that fails denies. It relies on the policy having passed strict validation, after which only
arithmetic and extension functions can fail.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import cast

from cedarpy import pst

from holdfast.blueprint import Blueprint, Node
from holdfast.core import NodeId
from holdfast.policy.facts import LONG_MAX, LONG_MIN
from holdfast.policy.vocabulary import CALLEES, NAMESPACE, entity_type, label_types, labels_of

TRUE, FALSE = pst.BoolLit(value=True), pst.BoolLit(value=False)

_LITERALS = (pst.BoolLit, pst.LongLit, pst.StringLit, pst.EntityLit)
_SAFE_BINARY = frozenset(
    ("eq", "not_eq", "less", "less_eq", "greater", "greater_eq", "and", "or", "in", "contains",
     "contains_all", "contains_any")
)  # fmt: skip
_SAFE_UNARY = frozenset(("not", "is_empty"))


def nodes_of(root: object) -> Iterator[object]:
    """Every node under ``root``, itself included; bounded by the engine's 100 levels."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(cast("tuple[object, ...]", node))
        elif isinstance(node, Mapping):
            waiting.extend(cast("Mapping[str, object]", node).values())
        elif is_dataclass(node):
            yield node
            waiting.extend(getattr(node, item.name) for item in fields(node))


def can_fail(expr: pst.Expr) -> bool:
    """Whether evaluating may end in an error, of an expression that passed strict validation."""
    return any(
        (isinstance(node, pst.UnaryOp) and node.op not in _SAFE_UNARY)
        or (isinstance(node, pst.BinaryOp) and node.op not in _SAFE_BINARY)
        for node in nodes_of(expr)
    )


def condition(rule: pst.Template) -> pst.Expr:
    """Scope and clauses of a policy as one expression."""
    parts = _scope_parts(rule)
    for clause in rule.clauses:
        match clause:
            case pst.When(expr=expr):
                parts.append(expr)
            case pst.Unless(expr=expr):
                parts.append(pst.UnaryOp(op="not", arg=expr))
    return conjunction(parts)


def scope_condition(rule: pst.Template) -> pst.Expr:
    """The scope of a policy as one expression."""
    return conjunction(_scope_parts(rule))


def _scope_parts(rule: pst.Template) -> list[pst.Expr]:
    parts = [*_scope("principal", rule.principal), *_action(rule.action)]
    parts.extend(_scope("resource", rule.resource))
    return parts


def conjunction(parts: list[pst.Expr]) -> pst.Expr:
    whole: pst.Expr = parts[0] if parts else TRUE
    for part in parts[1:]:
        whole = pst.BinaryOp(op="and", left=whole, right=part)
    return whole


def conjuncts(expr: pst.Expr) -> Iterator[pst.Expr]:
    """The parts that must all hold, in the order they are evaluated."""
    if isinstance(expr, pst.BinaryOp) and expr.op == "and":
        yield from conjuncts(expr.left)
        yield from conjuncts(expr.right)
    elif expr != TRUE:
        yield expr


def _scope(name: pst.VarName, constraint: pst.PrincipalOrResourceConstraint) -> Iterator[pst.Expr]:
    var = pst.Var(name=name)
    match constraint:
        case pst.ScopeEq(entity=pst.EntityUid() as entity):
            yield pst.BinaryOp(op="eq", left=var, right=pst.EntityLit(value=entity))
        case pst.ScopeIn(entity=pst.EntityUid() as entity):
            yield pst.BinaryOp(op="in", left=var, right=pst.EntityLit(value=entity))
        case pst.ScopeIs(entity_type=kind):
            yield pst.Is(base=var, entity_type=kind, in_expr=None)
        case pst.ScopeIsIn(entity_type=kind, entity=pst.EntityUid() as entity):
            yield pst.Is(base=var, entity_type=kind, in_expr=pst.EntityLit(value=entity))
        case _:
            return


def _action(constraint: pst.ActionConstraint) -> Iterator[pst.Expr]:
    var = pst.Var(name="action")
    match constraint:
        case pst.ActionEq(entity=entity):
            yield pst.BinaryOp(op="eq", left=var, right=pst.EntityLit(value=entity))
        case pst.ActionIn(entities=entities):
            inside: list[pst.Expr] = [pst.EntityLit(value=entity) for entity in entities]
            yield pst.BinaryOp(op="in", left=var, right=pst.Set(elements=tuple(inside)))
        case _:
            return


@dataclass(frozen=True, slots=True, eq=False)
class _Entity:
    """A node as policies see it."""

    uid: pst.EntityUid
    attributes: pst.Record
    parents: frozenset[pst.EntityUid]


class World:
    """The entities of a blueprint, for folding."""

    __slots__ = ("_by_uid", "_entities")

    def __init__(self, blueprint: Blueprint) -> None:
        types = label_types(blueprint)
        parents: dict[NodeId, set[pst.EntityUid]] = {name: set() for name in blueprint.nodes}
        for source, destination in blueprint.connections():
            parents[destination].add(_uid(CALLEES, source))
        self._entities = {
            node.id: _entity(node, types, frozenset(parents[node.id]))
            for node in blueprint.nodes.values()
        }
        self._by_uid = {entity.uid: entity for entity in self._entities.values()}

    def fold(
        self,
        expr: pst.Expr,
        *,
        principal: NodeId,
        resource: NodeId,
        action: str | None = None,
    ) -> pst.Expr:
        """What is left of ``expr`` for a call between declared nodes; of any action when None."""
        env: dict[pst.VarName, pst.EntityLit] = {
            "principal": pst.EntityLit(value=self._entities[principal].uid),
            "resource": pst.EntityLit(value=self._entities[resource].uid),
        }
        if action is not None:
            env["action"] = pst.EntityLit(value=_uid(f"{NAMESPACE}::Action", action))
        return _Folder(self._by_uid, env).fold(expr)


def _uid(kind: str, name: str) -> pst.EntityUid:
    *namespace, base = kind.split("::")
    return pst.EntityUid(type=pst.EntityType(basename=base, namespace=tuple(namespace)), id=name)


def _entity(node: Node, types: Mapping[str, str], parents: frozenset[pst.EntityUid]) -> _Entity:
    labels = {name: _literal(value) for name, value in labels_of(node, types).items()}
    attributes: dict[str, pst.Expr] = {
        "id": pst.StringLit(value=node.id),
        "node_type": pst.StringLit(value=node.type),
        "name": pst.StringLit(value=node.name),
        "callees": pst.EntityLit(value=_uid(CALLEES, node.id)),
        "labels": pst.Record(fields=pst.FrozenMap(labels)),
    }
    uid = _uid(entity_type(node.kind), node.id)
    return _Entity(uid, pst.Record(fields=pst.FrozenMap(attributes)), parents)


def _literal(value: bool | int | str) -> pst.Expr:
    match value:
        case bool():
            return pst.BoolLit(value=value)
        case int():
            return pst.LongLit(value=value)
        case str():
            return pst.StringLit(value=value)


def value_of(expr: pst.Expr) -> object:
    """The value of a literal; None of anything else (no literal is None)."""
    return expr.value if isinstance(expr, _LITERALS) else None


class _Folder:
    """One folding: bottom up, each kind of expression by its own rule."""

    __slots__ = ("_entities", "_env")

    def __init__(
        self,
        entities: Mapping[pst.EntityUid, _Entity],
        env: Mapping[pst.VarName, pst.EntityLit],
    ) -> None:
        self._entities = entities
        self._env = env

    def fold(self, expr: pst.Expr) -> pst.Expr:
        match expr:
            case pst.Var(name=name):
                return self._env.get(name, expr)
            case pst.BinaryOp(op="and" | "or"):
                return self._logic(expr)
            case pst.BinaryOp():
                return self._binary(
                    replace(expr, left=self.fold(expr.left), right=self.fold(expr.right))
                )
            case pst.UnaryOp():
                return _unary(replace(expr, arg=self.fold(expr.arg)))
            case pst.GetAttr() | pst.HasAttr():
                return self._attribute(replace(expr, base=self.fold(expr.base)))
            case pst.Like():
                return _like(replace(expr, base=self.fold(expr.base)))
            case pst.Is():
                return self._is(expr)
            case pst.IfThenElse():
                return self._if(expr)
            case pst.Set(elements=elements):
                return pst.Set(elements=tuple(self.fold(each) for each in elements))
            case pst.Record(fields=members):
                return pst.Record(
                    fields=pst.FrozenMap({key: self.fold(each) for key, each in members.items()})
                )
            case _:
                return expr

    def _logic(self, expr: pst.BinaryOp) -> pst.Expr:
        """``and`` and ``or`` evaluate the left first and stop where it decides; what is undecided
        on the left may be dropped only when it cannot fail."""
        stops, passes = (FALSE, TRUE) if expr.op == "and" else (TRUE, FALSE)
        left = self.fold(expr.left)
        if left == stops:
            return stops
        right = self.fold(expr.right)
        if left == passes:
            return right
        if right == passes:
            return left
        if right == stops and not can_fail(left):
            return stops
        return replace(expr, left=left, right=right)

    def _if(self, expr: pst.IfThenElse) -> pst.Expr:
        condition_ = self.fold(expr.cond)
        if condition_ == TRUE:
            return self.fold(expr.then_expr)
        if condition_ == FALSE:
            return self.fold(expr.else_expr)
        return pst.IfThenElse(
            cond=condition_,
            then_expr=self.fold(expr.then_expr),
            else_expr=self.fold(expr.else_expr),
        )

    def _attribute(self, expr: pst.GetAttr | pst.HasAttr) -> pst.Expr:
        record = self._record(expr.base)
        if record is None:
            return expr
        if isinstance(expr, pst.GetAttr):
            return record.fields.get(expr.attr, expr)
        found = record.fields.get(expr.attrs[0])
        if found is None:
            return FALSE
        if len(expr.attrs) == 1:
            return TRUE
        return self._attribute(pst.HasAttr(base=found, attrs=expr.attrs[1:]))

    def _record(self, expr: pst.Expr) -> pst.Record | None:
        if isinstance(expr, pst.Record):
            # A written record's members may fail when evaluated; only what is literal folds.
            literal = all(isinstance(each, _LITERALS) for each in expr.fields.values())
            return expr if literal else None
        if isinstance(expr, pst.EntityLit) and expr.value in self._entities:
            return self._entities[expr.value].attributes
        return None

    def _binary(self, expr: pst.BinaryOp) -> pst.Expr:
        match expr:
            case pst.BinaryOp(op="in", left=pst.EntityLit(value=uid), right=right):
                return self._in(uid, right, expr)
            case pst.BinaryOp(op="contains", left=pst.Set(elements=elements), right=right):
                return _contains(elements, right, expr)
            case _:
                return _compare(expr)

    def _in(self, uid: pst.EntityUid, right: pst.Expr, expr: pst.Expr) -> pst.Expr:
        groups = right.elements if isinstance(right, pst.Set) else (right,)
        if not all(isinstance(each, pst.EntityLit) for each in groups):
            return expr
        entity = self._entities.get(uid)
        above = {uid} | (entity.parents if entity is not None else frozenset[pst.EntityUid]())
        return pst.BoolLit(value=any(value_of(each) in above for each in groups))

    def _is(self, expr: pst.Is) -> pst.Expr:
        base = self.fold(expr.base)
        if not isinstance(base, pst.EntityLit):
            return replace(expr, base=base)
        if base.value.type != expr.entity_type:
            return FALSE
        if expr.in_expr is None:
            return TRUE
        return self._binary(pst.BinaryOp(op="in", left=base, right=self.fold(expr.in_expr)))


def _contains(elements: tuple[pst.Expr, ...], right: pst.Expr, expr: pst.Expr) -> pst.Expr:
    literals = all(isinstance(each, _LITERALS) for each in (*elements, right))
    return pst.BoolLit(value=right in elements) if literals else expr


def _compare(expr: pst.BinaryOp) -> pst.Expr:
    if not (isinstance(expr.left, _LITERALS) and isinstance(expr.right, _LITERALS)):
        return expr
    if expr.op in ("eq", "not_eq"):
        return pst.BoolLit(value=(expr.left == expr.right) is (expr.op == "eq"))
    left, right = value_of(expr.left), value_of(expr.right)
    if not (type(left) is int and type(right) is int):
        return expr
    match expr.op:
        case "less":
            return pst.BoolLit(value=left < right)
        case "less_eq":
            return pst.BoolLit(value=left <= right)
        case "greater":
            return pst.BoolLit(value=left > right)
        case "greater_eq":
            return pst.BoolLit(value=left >= right)
        case "add":
            return _long(left + right, expr)
        case "sub":
            return _long(left - right, expr)
        case "mul":
            return _long(left * right, expr)
        case _:
            return expr


def _long(value: int, expr: pst.Expr) -> pst.Expr:
    return pst.LongLit(value=value) if LONG_MIN <= value <= LONG_MAX else expr


def _unary(expr: pst.UnaryOp) -> pst.Expr:
    match expr:
        case pst.UnaryOp(op="not", arg=pst.BoolLit(value=value)):
            return pst.BoolLit(value=not value)
        case pst.UnaryOp(op="neg", arg=pst.LongLit(value=value)):
            return _long(-value, expr)
        case _:
            return expr


def _like(expr: pst.Like) -> pst.Expr:
    if not isinstance(expr.base, pst.StringLit):
        return expr
    pattern = "".join(
        re.escape(each.value) if isinstance(each, pst.Char) else ".*" for each in expr.pattern
    )
    return pst.BoolLit(value=re.fullmatch(pattern, expr.base.value, re.DOTALL) is not None)
