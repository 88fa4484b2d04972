"""Version constraints of modules: which versions one lets through, and whether another contains it."""

import re
from dataclasses import dataclass
from typing import TypeAlias

Version: TypeAlias = tuple[int, int, int]

_PART = re.compile(r"\s*(=|!=|>=|<=|>|<|~>)?\s*v?(\d+(?:\.\d+){0,2})\s*")
PARTS_MAX = 20
_BEFORE_ALL: Version = (0, 0, 0)
_NUMBER_MAX = 10**9
_AFTER_ALL: Version = (_NUMBER_MAX, 0, 0)


@dataclass(frozen=True, slots=True)
class Span:
    """Versions from ``low`` to before ``high``, less some single ones."""

    low: Version = _BEFORE_ALL
    high: Version = _AFTER_ALL
    without: frozenset[Version] = frozenset()

    def contains(self, version: Version) -> bool:
        return self.low <= version < self.high and version not in self.without

    def covers(self, other: "Span") -> bool:
        within = self.low <= other.low and other.high <= self.high
        return within and not any(other.contains(each) for each in self.without)

    def meets(self, other: "Span") -> bool:
        low, high = max(self.low, other.low), min(self.high, other.high)
        if low >= high:
            return False
        # One single version may be the one that is left out.
        return _after(low) != high or low not in self.without | other.without


def read_constraint(text: str) -> Span | None:
    """A constraint as Terraform has it (`~> 5.1, != 5.3.0`); None when it is none."""
    parts = text.split(",")
    if not text.strip() or len(parts) > PARTS_MAX:
        return None
    whole = Span()
    for part in parts:
        found = _PART.fullmatch(part)
        if found is None:
            return None
        one = _span(found.group(1) or "=", [int(each) for each in found.group(2).split(".")])
        whole = Span(
            max(whole.low, one.low), min(whole.high, one.high), whole.without | one.without
        )
    return whole


def _span(operator: str, numbers: list[int]) -> Span:
    first, second, third = (*numbers, 0, 0)[:3]
    version = (first, second, third)
    match operator:
        case "=":
            return Span(version, _after(version))
        case "!=":
            return Span(without=frozenset({version}))
        case ">=":
            return Span(low=version)
        case ">":
            return Span(low=_after(version))
        case "<":
            return Span(high=version)
        case "<=":
            return Span(high=_after(version))
        case _:
            # The last number written may grow: `~> 5.1` is 5.x from 5.1, `~> 5.1.2` is 5.1.x.
            patch = len(numbers) > 2
            return Span(version, (first, second + 1, 0) if patch else (first + 1, 0, 0))


def _after(version: Version) -> Version:
    first, second, third = version
    return (first, second, third + 1)
