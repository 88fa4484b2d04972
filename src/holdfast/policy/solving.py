"""Conditions over a call's facts as formulas, and questions about them put to z3 (extra ``analysis``).

Caller, action and callee are folded away before, so only ``context`` is unknown. Cedar's own rules
are kept: ``&&`` and ``||`` stop early, arithmetic that leaves 64 bits fails, a failing policy denies.
What has no translation raises ``UnsupportedError``; nothing is approximated.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple

from cedarpy import pst

from holdfast.blueprint import PROOFS
from holdfast.policy.errors import AnalysisError
from holdfast.policy.facts import ATTESTED, LONG_MAX, LONG_MIN, Facts
from holdfast.policy.vocabulary import CONTEXT

SOLVER_TIMEOUT_S = 5
"""How long z3 may think about one question; then it counts as not answered."""

_CHARACTER_MAX = 0x2FFFF
_SURROGATES = range(0xD800, 0xE000)
_KINDS = {name.rstrip("?"): kind for name, kind in CONTEXT.items()}
_OPTIONAL = frozenset(name.rstrip("?") for name in CONTEXT if name.endswith("?"))
_CLOSED: Mapping[str, Sequence[str]] = {"proof": PROOFS, "attested": ATTESTED}
_ESCAPED = re.compile(r"\\u\{([0-9a-fA-F]+)\}")


class UnsupportedError(Exception):
    """A construct that has no translation; its text says which."""


class Term(NamedTuple):
    """A translated expression: when evaluating it fails, and its value where it does not."""

    fails: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Part:
    """One policy, translated: when it applies, when it fails."""

    permits: bool
    applies: Any
    fails: Any


def has_solver() -> bool:
    """Whether the extra ``analysis`` is installed."""
    return find_spec("z3") is not None


class Solver:
    """The unknown facts of one call, what is translated over them, and the solver."""

    def __init__(self, relationship: str | None) -> None:
        if not has_solver():
            raise AnalysisError(
                "cannot analyse policies: z3 is not installed",
                fix="install it: pip install 'holdfast[analysis]'",
            )
        import z3  # noqa: PLC0415 - an extra  # pyright: ignore[reportMissingTypeStubs]

        self.z3: Any = z3
        make = {"Bool": self.z3.Bool, "Long": self.z3.Int, "String": self.z3.String}
        self._facts = {name: make[kind](f"fact_{name}") for name, kind in _KINDS.items()}
        self._known = {name: self.z3.Bool(f"knows_{name}") for name in _OPTIONAL}
        self._world = self._domain(relationship)

    def _domain(self, relationship: str | None) -> Any:
        """What facts can be at all: the domain that every answer is about."""
        z3, parts = self.z3, list[Any]()
        for name, kind in _KINDS.items():
            if kind == "Long":
                parts += [self._facts[name] >= LONG_MIN, self._facts[name] <= LONG_MAX]
        for name, words in _CLOSED.items():
            parts.append(z3.Or([self._facts[name] == self.text(word) for word in words]))
        parts.append(self._facts["depth"] >= 0)
        if relationship is None:
            parts.append(z3.Not(self._known["relationship"]))
        else:
            parts.append(self._facts["relationship"] == self.text(relationship))
        return z3.And(parts)

    def text(self, written: str) -> Any:
        if any(ord(each) > _CHARACTER_MAX for each in written):
            raise UnsupportedError("a character beyond U+2FFFF in a text")
        return self.z3.StringVal(written.replace("\\", "\\u{5c}"))

    def part(self, effect: str, condition: pst.Expr) -> Part:
        """A policy by its effect and what is left of its condition."""
        term = self._term(condition)
        applies = self.z3.And(self.z3.Not(term.fails), term.value)
        return Part(effect == "permit", applies, term.fails)

    def allows(self, parts: Sequence[Part]) -> Any:
        """Deny by default, forbid wins, a failure denies."""
        z3 = self.z3
        return z3.And(
            z3.Or([part.applies for part in parts if part.permits]),
            z3.Not(z3.Or([part.applies for part in parts if not part.permits])),
            z3.Not(z3.Or([part.fails for part in parts])),
        )

    def some_facts(self, formula: Any) -> Facts | bool:
        """Facts of the domain for which the formula holds; False when there are none at all;
        True when the solver does not know."""
        solver = self.z3.Solver()
        solver.set("timeout", SOLVER_TIMEOUT_S * 1000)
        solver.add(self._world, formula)
        answer = solver.check()
        if answer == self.z3.unsat:
            return False
        return self._read(solver.model()) if answer == self.z3.sat else True

    def holds_for(self, formula: Any, facts: Facts) -> bool:
        """Whether the formula holds for just these facts."""
        z3, given = self.z3, list[Any]()
        for name, value in zip(Facts._fields, facts, strict=True):
            if name in _OPTIONAL:
                given.append(self._known[name] == z3.BoolVal(value is not None))
            if value is not None:
                told = self.text(value) if isinstance(value, str) else value
                given.append(self._facts[name] == told)
        solver = z3.Solver()
        solver.add(formula, *given)
        return solver.check() == z3.sat

    def _read(self, model: Any) -> Facts:
        found: dict[str, bool | int | str | None] = {}
        for name, kind in _KINDS.items():
            known = self._known.get(name)
            if known is not None and not self.z3.is_true(model.eval(known, model_completion=True)):
                found[name] = None
                continue
            value = model.eval(self._facts[name], model_completion=True)
            found[name] = self._plain(kind, value)
        return Facts._make(found[name] for name in Facts._fields)

    def _plain(self, kind: str, value: Any) -> bool | int | str:
        if kind == "Bool":
            return bool(self.z3.is_true(value))
        if kind == "Long":
            return int(value.as_long())
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), str(value.as_string()))
        # No text has half a surrogate pair; one that a solver made up stands for any other.
        return "".join("\ufffd" if ord(each) in _SURROGATES else each for each in text)

    def _term(self, expr: pst.Expr) -> Term:
        z3 = self.z3
        match expr:
            case pst.BoolLit(value=value):
                return self._sure(z3.BoolVal(value))
            case pst.LongLit(value=value):
                return self._sure(z3.IntVal(value))
            case pst.StringLit(value=value):
                return self._sure(self.text(value))
            case pst.GetAttr(base=pst.Var(name="context"), attr=name) if name in _KINDS:
                known = self._known.get(name)
                missing = z3.BoolVal(val=False) if known is None else z3.Not(known)
                return Term(missing, self._facts[name])
            case pst.HasAttr(base=pst.Var(name="context"), attrs=(name,)):
                return self._sure(self._known.get(name, z3.BoolVal(name in _KINDS)))
            case pst.UnaryOp():
                return self._unary(expr)
            case pst.BinaryOp():
                return self._binary(expr)
            case pst.IfThenElse():
                return self._if(expr)
            case pst.Like():
                base = self._term(expr.base)
                return Term(base.fails, z3.InRe(base.value, self._pattern(expr.pattern)))
            case _:
                raise UnsupportedError(_named(expr))

    def _sure(self, value: Any) -> Term:
        return Term(self.z3.BoolVal(val=False), value)

    def _unary(self, expr: pst.UnaryOp) -> Term:
        match expr:
            case pst.UnaryOp(op="not", arg=arg):
                term = self._term(arg)
                return Term(term.fails, self.z3.Not(term.value))
            case pst.UnaryOp(op="neg", arg=arg):
                term = self._term(arg)
                return self._bounded(term.fails, -term.value)
            case pst.UnaryOp(op="is_empty", arg=pst.Set(elements=elements)):
                terms = [self._term(each) for each in elements]
                return Term(self._any_fails(terms), self.z3.BoolVal(not elements))
            case _:
                raise UnsupportedError(f"`{expr.op}`")

    def _binary(self, expr: pst.BinaryOp) -> Term:
        z3 = self.z3
        match expr:
            case pst.BinaryOp(op="contains", left=pst.Set(elements=elements), right=right):
                return self._contains(elements, right)
            case pst.BinaryOp(op="and"):
                left, right = self._term(expr.left), self._term(expr.right)
                fails = z3.Or(left.fails, z3.And(left.value, right.fails))
                return Term(fails, z3.And(left.value, right.value))
            case pst.BinaryOp(op="or"):
                left, right = self._term(expr.left), self._term(expr.right)
                fails = z3.Or(left.fails, z3.And(z3.Not(left.value), right.fails))
                return Term(fails, z3.Or(left.value, right.value))
            case _:
                return self._strict(expr)

    def _strict(self, expr: pst.BinaryOp) -> Term:
        """Operators that evaluate both sides."""
        if expr.op not in _COMPARED and expr.op not in _COUNTED and expr.op not in {"eq", "not_eq"}:
            raise UnsupportedError(f"`{expr.op}`")
        left, right = self._term(expr.left), self._term(expr.right)
        fails = self.z3.Or(left.fails, right.fails)
        if expr.op in _COUNTED:
            return self._bounded(fails, _COUNTED[expr.op](left.value, right.value))
        if expr.op in _COMPARED:
            return Term(fails, _COMPARED[expr.op](left.value, right.value))
        equal = self._equal(left.value, right.value)
        return Term(fails, equal if expr.op == "eq" else self.z3.Not(equal))

    def _equal(self, left: Any, right: Any) -> Any:
        same = left.sort() == right.sort()
        return left == right if same else self.z3.BoolVal(val=False)

    def _contains(self, elements: Sequence[pst.Expr], right: pst.Expr) -> Term:
        terms, wanted = [self._term(each) for each in elements], self._term(right)
        found = [self._equal(each.value, wanted.value) for each in terms]
        return Term(self._any_fails([*terms, wanted]), self.z3.Or(found))

    def _any_fails(self, terms: Sequence[Term]) -> Any:
        return self.z3.Or([term.fails for term in terms])

    def _bounded(self, fails: Any, value: Any) -> Term:
        z3 = self.z3
        return Term(z3.Or(fails, value < LONG_MIN, value > LONG_MAX), value)

    def _if(self, expr: pst.IfThenElse) -> Term:
        z3, when = self.z3, self._term(expr.cond)
        then, other = self._term(expr.then_expr), self._term(expr.else_expr)
        if then.value.sort() != other.value.sort():
            raise UnsupportedError("`if` with branches of two types")
        fails = z3.Or(when.fails, z3.If(when.value, then.fails, other.fails))
        return Term(fails, z3.If(when.value, then.value, other.value))

    def _pattern(self, pattern: Sequence[pst.PatternElem]) -> Any:
        z3 = self.z3
        anything = z3.Full(z3.ReSort(z3.StringSort()))
        parts = [
            z3.Re(self.text(each.value)) if isinstance(each, pst.Char) else anything
            for each in pattern
        ]
        if not parts:
            return z3.Re(self.text(""))
        return parts[0] if len(parts) == 1 else z3.Concat(*parts)


_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "less": lambda left, right: left < right,
    "less_eq": lambda left, right: left <= right,
    "greater": lambda left, right: left > right,
    "greater_eq": lambda left, right: left >= right,
}
_COUNTED: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": lambda left, right: left + right,
    "sub": lambda left, right: left - right,
    "mul": lambda left, right: left * right,
}


def _named(expr: pst.Expr) -> str:
    match expr:
        case pst.EntityLit(value=value):
            return f"the entity {value} as a value"
        case pst.GetAttr(attr=name):
            return f"the attribute `{name}` of something other than the call's parts"
        case _:
            return type(expr).__name__
