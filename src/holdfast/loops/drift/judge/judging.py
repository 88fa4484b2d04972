"""Judging: sightings and a declaration in, a report out. Pure: the same in, the same out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from holdfast.blueprint import Blueprint, WaiverForm
from holdfast.blueprint.graph import System
from holdfast.core import NodeId
from holdfast.loops.drift.judge.absence import Absences, Heard, Period, heard_in
from holdfast.loops.drift.judge.bindings import NO_BINDINGS, Bindings
from holdfast.loops.drift.judge.declared import Declared
from holdfast.loops.drift.judge.divergence import divergences, of_presence
from holdfast.loops.drift.judge.finding import PREFIX, Finding, Kind, counts_of
from holdfast.loops.drift.judge.matching import Matched, match
from holdfast.loops.drift.judge.replay import replay_all
from holdfast.loops.drift.judge.resolving import Resolver
from holdfast.loops.drift.judge.scores import Scores, scores_of
from holdfast.loops.drift.judge.table import Row, table
from holdfast.loops.drift.sightings import Tally

_ORDER = {kind: n for n, kind in enumerate(
    (Kind.BYPASS, Kind.STRANGER, Kind.CONTRADICTION, Kind.UNDECLARED_EDGE, Kind.UNDECLARED_WAY,
     Kind.ORDER, Kind.STALE_EDGE, Kind.STALE_NODE, Kind.DEAD_GRANT, Kind.BLIND)
)}  # fmt: skip
_LEVELS = {"alert": 0, "report": 1, "note": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a judgement goes by beside the sightings."""

    blueprint: Blueprint
    period: Period
    today: date
    bindings: Bindings = NO_BINDINGS
    permitted: frozenset[tuple[NodeId, NodeId]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What drift says: the gravest findings first; ``matched`` and ``heard`` for whoever asks on."""

    findings: tuple[Finding, ...]
    rows: tuple[Row, ...]
    scores: Scores
    counts: dict[Kind, int]
    matched: Matched
    heard: Heard
    period: Period
    notes: tuple[str, ...] = field(default=())

    @property
    def alerts(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.level == "alert" and f.waiver is None)


def compare(tally: Tally, question: Question) -> Report:
    """Compare what was seen with what is declared."""
    declared = Declared(System(question.blueprint))
    resolver = Resolver(declared.system, question.bindings)
    matched = match(tally, declared, resolver)
    recent = tally.since(question.period.begins)
    now = [each for each in matched.met if each.count.last >= question.period.begins]
    heard = heard_in(question.period, tally, matched.met, resolver=resolver)
    absences = Absences(declared, matched.met, period=question.period, heard=heard)
    found = (
        *divergences(now, declared),
        *of_presence(recent, declared, resolver),
        *replay_all(recent, declared, resolver),
        *absences.findings(),
    )
    findings = tuple(sorted(_waived(found, question), key=_grave))
    return Report(
        findings=findings,
        rows=table(declared, now, permitted=question.permitted),
        scores=scores_of(now, findings, declared=declared, absences=absences),
        counts=counts_of(findings),
        matched=matched,
        heard=heard,
        period=question.period,
        notes=tuple(_notes(tally, matched)),
    )


def _grave(finding: Finding) -> tuple[int, int, int, float, str, str]:
    return (
        int(finding.waiver is not None),
        _LEVELS[finding.level],
        _ORDER[finding.kind],
        -finding.confidence,
        finding.source,
        finding.at,
    )


def _waived(findings: Iterable[Finding], question: Question) -> Iterator[Finding]:
    waivers = question.blueprint.review.waivers or ()
    for finding in findings:
        yield replace(finding, waiver=_waiver(finding, waivers, today=question.today))


def _waiver(finding: Finding, waivers: Iterable[WaiverForm], *, today: date) -> WaiverForm | None:
    """The waiver in force that covers a finding. One that has expired covers nothing."""
    for waiver in waivers:
        name = waiver.rule
        is_meant = name == finding.rule or (
            name.endswith("*") and name.startswith(PREFIX) and finding.rule.startswith(name[:-1])
        )
        is_here = waiver.at is None or waiver.at in {
            finding.at,
            finding.source,
            finding.target,
            finding.flow,
            finding.relationship,
        }
        if is_meant and is_here and date.fromisoformat(waiver.expires) >= today:
            return waiver
    return None


def _notes(tally: Tally, matched: Matched) -> Iterator[str]:
    if matched.foreign:
        yield f"{matched.foreign} sightings were between parties that are both declared nowhere"
    if matched.unclear:
        yield (
            f"{matched.unclear} sightings of one side only went to an address that several nodes "
            "share, or named a tool and not its server: whom they met is not known"
        )
    if matched.excluded:
        yield f"{matched.excluded} sightings were excluded by the bindings"
    if any(tally.lost):
        lost = tally.lost
        yield (
            f"{lost.contacts} contacts, {lost.presences} presences and {lost.orders} orders did "
            "not fit and are not judged"
        )
