"""Label selectors: which labels they match. Source: Kubernetes "Labels and Selectors"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.blueprint import Plain
from holdfast.blueprint.kubernetes.shapes import Plainly, items, mapping, mappings, text, words

Operator: TypeAlias = Literal["In", "NotIn", "Exists", "DoesNotExist"]
_OPERATORS: dict[str, Operator] = {
    "In": "In",
    "NotIn": "NotIn",
    "Exists": "Exists",
    "DoesNotExist": "DoesNotExist",
}


class SelectorFaultError(Exception):
    """The selector says something that Kubernetes refuses."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One requirement on the label ``key``."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return self.key not in labels or labels[self.key] not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels


@dataclass(frozen=True, slots=True)
class Selector:
    """All of its requirements must hold; one without requirements matches everything."""

    requirements: tuple[Expression, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(each.matches(labels) for each in self.requirements)


EVERYTHING = Selector()


def selector(data: Plain | Plainly) -> Selector:
    """A ``LabelSelector``; ``SelectorFaultError`` says what is wrong with it."""
    if not isinstance(data, Mapping):
        raise SelectorFaultError("is no selector")
    unknown = sorted(set(data) - {"matchLabels", "matchExpressions"})
    if unknown:
        raise SelectorFaultError(f"has the unknown field `{unknown[0]}`")
    equal = words(data, "matchLabels")
    if len(equal) != len(mapping(data, "matchLabels")):
        raise SelectorFaultError("has a label that is no text")
    found = [Expression(key, "In", frozenset({value})) for key, value in equal.items()]
    found += [_expression(each) for each in mappings(data, "matchExpressions")]
    return Selector(tuple(found))


def _expression(data: Plainly) -> Expression:
    key = text(data, "key")
    operator = _OPERATORS.get(text(data, "operator") or "")
    values = frozenset(str(value) for value in items(data, "values"))
    if key is None or operator is None:
        raise SelectorFaultError("has an expression without a key or a known operator")
    if operator in ("In", "NotIn") and not values:
        raise SelectorFaultError(f"asks for `{key}` {operator} nothing")
    if operator not in ("In", "NotIn") and values:
        raise SelectorFaultError(f"gives values to `{key}` {operator}, which takes none")
    return Expression(key, operator, values)
