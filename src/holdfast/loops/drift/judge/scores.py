"""Scores, after process mining: how much of what happens is declared, and of what is declared happens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from holdfast.loops.drift.judge.absence import Absences
from holdfast.loops.drift.judge.declared import Declared
from holdfast.loops.drift.judge.finding import Finding, Kind
from holdfast.loops.drift.judge.matching import Met

RISK: Mapping[Kind, float] = MappingProxyType(
    {
        Kind.BYPASS: 5.0,
        Kind.STRANGER: 4.0,
        Kind.CONTRADICTION: 4.0,
        Kind.UNDECLARED_EDGE: 3.0,
        Kind.UNDECLARED_WAY: 2.0,
        Kind.ORDER: 2.0,
    }
)
"""How bad a divergence of each class is; twice that where the target is privileged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """``fitness``: covered calls of all calls. ``precision``: relationships in use of those that can
    be judged. ``drift``: the sum of risk times confidence over divergences; by itself it says
    little, so the counts by class stand before it. None: there was nothing to judge by."""

    fitness: float | None
    precision: float | None
    drift: float


def scores_of(
    met: Iterable[Met], findings: Iterable[Finding], *, declared: Declared, absences: Absences
) -> Scores:
    covered = calls = 0.0
    for each in met:
        calls += each.count.calls
        covered += each.count.calls if each.edges else 0.0
    findings = tuple(findings)
    blind = sum(finding.kind is Kind.BLIND for finding in findings)
    judged = len(declared.calls) - blind
    drift = sum(
        RISK[each.kind] * each.confidence * (2.0 if each.privileged else 1.0)
        for each in findings
        if each.kind in RISK and each.waiver is None
    )
    return Scores(
        fitness=covered / calls if calls else None,
        precision=len(absences.exercised) / judged if judged > 0 else None,
        drift=drift,
    )
