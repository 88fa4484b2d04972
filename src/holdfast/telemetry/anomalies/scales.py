"""Scales on which noise is about the same at every level: variance-stabilising transformations."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import asin, exp, log, sin, sqrt
from types import MappingProxyType

from holdfast.telemetry.anomalies.forms import Scale

_ANSCOMBE = 3 / 8


@dataclass(frozen=True, slots=True)
class Stabilised:
    """A scale there and back. ``floor`` is the least noise that is believed on it: a series that
    never moved would make any change a marvel."""

    name: Scale
    floor: float

    def of(self, value: float) -> float:
        match self.name:
            case "count":  # F. J. Anscombe, 1948: a Poisson count then has a deviation of 1
                return 2 * sqrt(max(value, 0.0) + _ANSCOMBE)
            case "ratio":
                return log(max(value, 0.0) + 1.0)
            case "share":
                return asin(sqrt(min(max(value, 0.0), 1.0)))
            case "plain":
                return value

    def back(self, stable: float) -> float:
        match self.name:
            case "count":
                return max((stable / 2) ** 2 - _ANSCOMBE, 0.0)
            case "ratio":
                return max(exp(min(stable, 700.0)) - 1.0, 0.0)
            case "share":
                return sin(min(max(stable, 0.0), asin(1.0))) ** 2
            case "plain":
                return stable


SCALES: Mapping[Scale, Stabilised] = MappingProxyType(
    {
        "count": Stabilised("count", 1.0),
        "ratio": Stabilised("ratio", 0.05),
        "share": Stabilised("share", 0.03),
        "plain": Stabilised("plain", 1e-9),
    }
)
