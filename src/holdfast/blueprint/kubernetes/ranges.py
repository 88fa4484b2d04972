"""Sets of whole numbers as sorted, disjoint, inclusive ranges: what ports and addresses are made of."""

from collections.abc import Iterable
from typing import TypeAlias

Range: TypeAlias = tuple[int, int]
Ranges: TypeAlias = tuple[Range, ...]
"""Sorted, disjoint, and never touching: each set has one spelling, so equality is equality."""

NONE: Ranges = ()


def of(parts: Iterable[Range]) -> Ranges:
    """The union of ranges in any order."""
    found: list[Range] = []
    for low, high in sorted(part for part in parts if part[0] <= part[1]):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def union(one: Ranges, other: Ranges) -> Ranges:
    if not one or one == other:
        return other
    return of((*one, *other)) if other else one


def intersection(one: Ranges, other: Ranges) -> Ranges:
    if one == other:
        return one
    found: list[Range] = []
    i = j = 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if low <= high:
            found.append((low, high))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def difference(one: Ranges, other: Ranges) -> Ranges:
    found: list[Range] = []
    for start, high in one:
        low = start
        for away_low, away_high in other:
            if away_high < low or away_low > high:
                continue
            if away_low > low:
                found.append((low, away_low - 1))
            low = away_high + 1
        if low <= high:
            found.append((low, high))
    return tuple(found)


def contains(ranges: Ranges, number: int) -> bool:
    return any(low <= number <= high for low, high in ranges)
