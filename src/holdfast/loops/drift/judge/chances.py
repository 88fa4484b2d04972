"""The little statistics that judging needs, exact where that is cheap."""

import math

_TERMS_MAX = 10_000
_BISECTIONS = 80


def gamma_share(shape: float, x: float) -> float:
    """P(X <= x) of a gamma distribution with rate 1: the regularised lower incomplete gamma
    function, by its series (Abramowitz and Stegun 6.5.29)."""
    if x <= 0:
        return 0.0
    if x > shape + 40 * math.sqrt(shape) + 40:
        return 1.0
    term = total = 1.0 / shape
    for n in range(1, _TERMS_MAX):
        term *= x / (shape + n)
        total += term
        if term < total * 1e-14:
            break
    return min(1.0, total * math.exp(shape * math.log(x) - x - math.lgamma(shape)))


def gamma_quantile(shape: float, share: float) -> float:
    """The x below which ``share`` of the distribution lies."""
    low, high = 0.0, shape + 40 * math.sqrt(shape) + 40
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if gamma_share(shape, middle) < share:
            low = middle
        else:
            high = middle
    return low


def rate_low(seen: int, *, exposure: float, share: float = 0.05) -> float:
    """The lower bound of a Poisson rate, ``seen`` events in ``exposure``: the ``share`` quantile of
    the Gamma posterior under Jeffreys' prior. 0 where nothing was seen."""
    if seen <= 0 or exposure <= 0:
        return 0.0
    return gamma_quantile(seen + 0.5, share) / exposure


def use_at_most(calls: int) -> float:
    """The 95 % upper bound of a share that was met in none of ``calls`` ("the rule of three")."""
    return min(1.0, 3.0 / calls) if calls > 0 else 1.0
