"""All rules that Holdfast brings, found by looking into ``review/rules``."""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache

from holdfast.blueprint.review import rules as folder
from holdfast.blueprint.review.errors import ReviewError
from holdfast.blueprint.review.rule import Rule


@cache
def built_in_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of families and numbers."""
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    found: list[Rule] = []
    for name in names:
        module = importlib.import_module(f"{folder.__name__}.{name}")
        found.extend(getattr(module, "RULES", ()))
    return in_order(found)


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Sorted by id; ``ReviewError`` when two have one id."""
    known: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in known:
            raise ReviewError(f"two rules are called {rule.id}", fix="give one of them another id")
        known[rule.id] = rule
    return tuple(known[name] for name in sorted(known))


def rules_by_id(rules: Iterable[Rule]) -> Mapping[str, Rule]:
    return {rule.id: rule for rule in rules}
