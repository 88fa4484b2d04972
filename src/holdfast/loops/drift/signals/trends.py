"""Trends of weekly values, with tests that need no chance and no assumption on how values spread.

Slope: Theil (1950) and Sen (1968), the median of all pairwise slopes. Its permutation test is Kendall's:
over all orders of the values, how often is |S| at least that large. The count of orders by S is the
Gaussian multinomial coefficient, so the test is exact, ties and all, without drawing permutations.
Steps: CUSUM of ranks (Pettitt 1979), with its closed bound for the probability.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

WEEKS_MIN = 6
"""Fewer weekly values tell nothing: of five, even a perfect rise has p = 0.017 two-sided, and no
correction for several tests leaves that standing."""
WEEKS_MAX = 104


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """``slope`` a week; ``step`` the place of the value after which the level changed, from 0."""

    slope: float
    p_slope: float
    step: int
    p_step: float


def trend(values: Sequence[float]) -> Trend | None:
    """The trend of values a week apart; None when there are too few."""
    values = values[-WEEKS_MAX:]
    if len(values) < WEEKS_MIN:
        return None
    step, p_step = _step(values)
    return Trend(slope=_slope(values), p_slope=kendall(values), step=step, p_step=p_step)


def _slope(values: Sequence[float]) -> float:
    pairs = ((i, j) for j in range(len(values)) for i in range(j))
    return median((values[j] - values[i]) / (j - i) for i, j in pairs)


def kendall(values: Sequence[float]) -> float:
    """The two-sided, exact probability of an S as far from 0 under every order of the values."""
    pairs = [(i, j) for j in range(len(values)) for i in range(j)]
    s = sum((values[j] > values[i]) - (values[j] < values[i]) for i, j in pairs)
    untied = sum(values[i] != values[j] for i, j in pairs)
    orders = inversions(list(Counter(values).values()))
    # With k inversions of the untied pairs, S is untied - 2 k.
    extreme = sum(count for k, count in enumerate(orders) if abs(untied - 2 * k) >= abs(s))
    return extreme / sum(orders)


def inversions(groups: Sequence[int]) -> list[int]:
    """How many distinct orders of a multiset have 0, 1, 2, ... inversions: the coefficients of the
    Gaussian multinomial, built from Gaussian binomials."""
    total, poly = 0, [1]
    for size in groups:
        for i in range(1, size + 1):
            total += 1
            poly = _divided(_times(poly, total), i)
    return poly


def _times(poly: list[int], n: int) -> list[int]:
    """Times (1 + q + ... + q^(n-1)), by running sums."""
    found: list[int] = []
    run = 0
    for k in range(len(poly) + n - 1):
        run += poly[k] if k < len(poly) else 0
        run -= poly[k - n] if k >= n else 0
        found.append(run)
    return found


def _divided(poly: list[int], n: int) -> list[int]:
    """Divided by (1 + q + ... + q^(n-1)), which leaves no rest: times (1 - q), by (1 - q^n)."""
    found: list[int] = []
    for k in range(len(poly) - n + 1):
        value = poly[k] - (poly[k - 1] if k else 0)
        found.append(value + (found[k - n] if k >= n else 0))
    return found


def _step(values: Sequence[float]) -> tuple[int, float]:
    n = len(values)
    sums = [
        sum(
            (values[i] > values[j]) - (values[i] < values[j]) for i in range(t) for j in range(t, n)
        )
        for t in range(1, n)
    ]
    k = max(abs(each) for each in sums)
    place = next(t for t, each in enumerate(sums) if abs(each) == k)
    return place, min(1.0, 2 * math.exp(-6 * k * k / (n**3 + n**2)))


def holm(probabilities: Sequence[float]) -> list[float]:
    """The probabilities corrected for how many there are (Holm 1979), in the order given."""
    order = sorted(range(len(probabilities)), key=lambda n: probabilities[n])
    found = [0.0] * len(probabilities)
    highest = 0.0
    for rank, n in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * probabilities[n]))
        found[n] = highest
    return found
