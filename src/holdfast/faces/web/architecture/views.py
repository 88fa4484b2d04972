"""What the architecture's page shows, ready for its templates. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from holdfast.blueprint import WaiverForm
from holdfast.blueprint.blast import Hop, Impact, State
from holdfast.blueprint.graph import System
from holdfast.blueprint.proofs import Outcome, Proof
from holdfast.blueprint.review import SEVERITIES, Finding, Report
from holdfast.core import NodeId
from holdfast.faces.architecture import Proven, Reviewed
from holdfast.faces.web.architecture.asking import Asked
from holdfast.faces.web.architecture.drawing import plain
from holdfast.faces.web.chart import ChartView
from holdfast.faces.web.words import day_and_minute
from holdfast.loops.drift import Finding as DriftFinding
from holdfast.loops.drift import Report as DriftReport

FINDINGS_MAX = 200
"""Findings that the page spells out; the command has all of them."""
HIT_MAX = 60
MISSING_MAX = 8
DRIFT_MAX = 100
WARN_DAYS = 14
"""A waiver that ends within so many days is said to end soon."""
LEVEL_WORDS = {"block": ("refused", "✕"), "warn": ("failed", "!"), "advise": ("plain", "i")}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One open finding."""

    rule: str
    title: str
    level: str
    tone: str
    glyph: str
    subject: str
    subject_href: str
    place: str
    what: str
    why: str
    fix: str
    way: str
    sources: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """Findings of one severity."""

    word: str
    count: int
    rows: tuple[FindingRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsView:
    """``groups`` from the gravest on. ``trouble`` says why there is no review."""

    asked: Asked
    groups: tuple[Severity, ...]
    total: int
    shown: int
    counts: tuple[tuple[str, str, int], ...]
    undecided: int
    waived: int
    held: int
    missing: tuple[tuple[str, int], ...]
    patterns: tuple[tuple[str, int, int], ...]
    source: str
    day: str
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRow:
    """One waiver; ``covers`` is how many findings it takes on."""

    rule: str
    at: str
    owner: str
    reason: str
    expires: str
    left: str
    tone: str
    glyph: str
    covers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiversView:
    rows: tuple[WaiverRow, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRow:
    """One part that a failure hits, and by which way the damage comes."""

    name: str
    state: str
    tone: str
    glyph: str
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastView:
    """What falls with a part, in words. ``problem`` says why it is not known."""

    part: str
    how: str
    said: str
    rows: tuple[HitRow, ...]
    more: int
    flows: tuple[HitRow, ...]
    unguarded: tuple[str, ...]
    assumed: tuple[str, ...]
    command: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPart:
    """The map, and what may be asked to fail."""

    chart: ChartView
    asked: Asked
    parts: tuple[tuple[str, str], ...]
    is_folded: bool
    unfold_href: str
    blast: BlastView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """One difference between what is declared and what was seen."""

    rule: str
    level: str
    tone: str
    glyph: str
    pair: str
    what: str
    sightings: str
    last: str
    waived: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """``state``: ``none`` (nobody compares), ``waiting`` (not compared yet), ``made``."""

    state: str
    asked: Asked
    rows: tuple[DriftRow, ...] = ()
    more: int = 0
    begins: str = ""
    ends: str = ""
    seen: str = ""
    notes: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    claim: str
    outcome: str
    tone: str
    glyph: str
    what: str
    example: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofsView:
    rows: tuple[ProofRow, ...]
    has_solver: bool
    is_there: bool


def findings_view(asked: Asked, reviewed: Reviewed | None, *, trouble: str = "") -> FindingsView:
    """Open findings that fit what is asked, by severity."""
    report = reviewed.report if reviewed is not None else None
    broken = report.broken if report is not None else ()
    fitting = [each for each in broken if _fits(each, asked)]
    shown = fitting[:FINDINGS_MAX]
    return FindingsView(
        asked=asked,
        groups=tuple(
            _severity(word, shown, reviewed)
            for word in reversed(SEVERITIES)
            if reviewed is not None and any(f.rule.severity == word for f in shown)
        ),
        total=len(fitting),
        shown=len(shown),
        counts=tuple(
            (level, LEVEL_WORDS[level][0], sum(f.level == level for f in broken))
            for level in ("block", "warn", "advise")
        ),
        undecided=len(report.undecided) if report is not None else 0,
        waived=len(report.waived) if report is not None else 0,
        held=report.held if report is not None else 0,
        missing=report.missing()[:MISSING_MAX] if report is not None else (),
        patterns=_patterns(report),
        source=reviewed.source if reviewed is not None else "",
        day=report.today.isoformat() if report is not None else "",
        trouble=trouble,
    )


def _patterns(report: Report | None) -> tuple[tuple[str, int, int], ...]:
    found = report.patterns if report is not None else ()
    return tuple((p.title, len(p.present), len(p.suggested)) for p in found)


def _fits(finding: Finding, asked: Asked) -> bool:
    about = not asked.about or asked.about in (
        finding.judgement.subject,
        *finding.judgement.way,
    )
    return about and (not asked.level or finding.level == asked.level)


def _severity(word: str, shown: Sequence[Finding], reviewed: Reviewed | None) -> Severity:
    found = [each for each in shown if each.rule.severity == word]
    rows = tuple(_finding(each, reviewed) for each in found)
    return Severity(word=word, count=len(rows), rows=rows)


def _finding(each: Finding, reviewed: Reviewed | None) -> FindingRow:
    judgement, rule = each.judgement, each.rule
    tone, glyph = LEVEL_WORDS.get(each.level, ("plain", "i"))
    place = reviewed.places(judgement.at) if reviewed is not None else None
    where = judgement.at
    if place is not None and reviewed is not None:
        where = f"{reviewed.source}:{place[0]} {judgement.at}"
    subject = judgement.subject
    return FindingRow(
        rule=rule.id,
        title=rule.title,
        level=each.level,
        tone=tone,
        glyph=glyph,
        subject=subject or "the system",
        subject_href=f"{Asked(about=subject).href()}#findings" if subject else "",
        place=where,
        what=judgement.what,
        why=rule.why,
        fix=judgement.fix or rule.mend,
        way=" → ".join(judgement.way),
        sources=", ".join(rule.sources),
    )


def waivers_view(waivers: Sequence[WaiverForm], report: Report) -> WaiversView:
    """Those that end first come first; one that has ended is said to."""
    rows = sorted((_waiver(each, report) for each in waivers), key=lambda row: row.expires)
    return WaiversView(rows=tuple(rows), remarks=report.remarks)


def _waiver(each: WaiverForm, report: Report) -> WaiverRow:
    days = (date.fromisoformat(each.expires) - report.today).days
    tone, glyph, left = "good", "✓", f"{days} days left"
    if days < 0:
        tone, glyph, left = "refused", "✕", "has ended"
    elif days <= WARN_DAYS:
        tone, glyph, left = "failed", "!", "ends today" if not days else f"{days} days left"
    covered = sum(found.waiver is each for found in report.waived)
    of_drift = each.rule.startswith("DRIFT-")
    return WaiverRow(
        rule=each.rule,
        at=each.at or "everywhere",
        owner=each.owner,
        reason=each.reason,
        expires=each.expires,
        left=left,
        tone=tone,
        glyph=glyph,
        covers="of drift" if of_drift else f"{covered} finding{'s' if covered != 1 else ''}",
    )


def blast_view(asked: Asked, impact: Impact | None, system: System, *, problem: str) -> BlastView:
    """The gravest first."""
    verb = "hangs" if asked.how == "hangs" else "fails"
    rest: list[tuple[str, State]] = []
    flows: dict[str, State] = {}
    if impact is not None:
        rest = [(n, s) for n, s in impact.states.items() if n not in impact.faults]
        rest.sort(key=lambda each: each[1])
        flows = {flow: state for flow, state in impact.flows.items() if state is not State.UP}
    nodes = sum(NodeId(name) in system.nodes for name, _ in rest)
    several = "node is" if nodes == 1 else "nodes are"
    said = f"When {asked.fails} {verb}, {nodes} other {several} worse off"
    if impact is not None and impact.flows:
        said += f", and {len(flows)} of {len(impact.flows)} flows"
    hangs = " --how hangs" if asked.how == "hangs" else ""
    return BlastView(
        part=asked.fails,
        how=asked.how,
        said=f"{said}.",
        rows=tuple(_hit(impact, name, state) for name, state in rest[:HIT_MAX]),
        more=max(len(rest) - HIT_MAX, 0),
        flows=tuple(
            _hit(impact, name, state, part=f"flow!{name}") for name, state in flows.items()
        ),
        unguarded=impact.unguarded if impact is not None else (),
        assumed=impact.assumed if impact is not None else (),
        command=f"holdfast blast {asked.fails}{hangs}",
        problem=problem,
    )


def _hit(impact: Impact | None, name: str, state: State, *, part: str = "") -> HitRow:
    hops = impact.way(part or name) if impact is not None else ()
    is_down = state is State.DOWN
    return HitRow(
        name=name,
        state=str(state),
        tone="refused" if is_down else "failed",
        glyph="✕" if is_down else "!",
        way=" ".join(_hop(hop) for hop in hops),
    )


def _hop(hop: Hop) -> str:
    return f"← {plain(hop.cause)} ({hop.over or hop.by})"


def drift_view(asked: Asked, report: DriftReport) -> DriftView:
    rows = tuple(_drift(each) for each in report.findings[:DRIFT_MAX])
    scores = report.scores
    seen = [
        f"{share:.0%} of {what}"
        for share, what in (
            (scores.fitness, "what was seen is declared"),
            (scores.precision, "what is declared was seen"),
        )
        if share is not None
    ]
    return DriftView(
        state="made",
        asked=asked,
        rows=rows,
        more=len(report.findings) - len(rows),
        begins=day_and_minute(report.period.start),
        ends=day_and_minute(report.period.now),
        seen="; ".join(seen),
        notes=report.notes,
    )


def _drift(each: DriftFinding) -> DriftRow:
    is_alert = each.level == "alert" and each.waiver is None
    return DriftRow(
        rule=each.rule,
        level=each.level,
        tone="refused" if is_alert else "plain",
        glyph="✕" if is_alert else "i",
        pair=f"{each.source} → {each.target}" if each.target else each.source or each.flow,
        what=each.what,
        sightings=f"{each.n:,}",
        last=day_and_minute(each.last) if each.last else "",
        waived=each.waiver.expires if each.waiver is not None else "",
    )


_OUTCOMES = {
    Outcome.PROVED: ("good", "✓"),
    Outcome.REFUTED: ("refused", "✕"),
    Outcome.NOT_PROVEN: ("failed", "?"),
}


def proofs_view(proven: Proven | None) -> ProofsView:
    if proven is None:
        return ProofsView(rows=(), has_solver=False, is_there=False)
    gravest = sorted(proven.proofs, key=lambda each: each.outcome is Outcome.PROVED)
    return ProofsView(
        rows=tuple(_proof(each) for each in gravest),
        has_solver=proven.has_solver,
        is_there=True,
    )


def _proof(each: Proof) -> ProofRow:
    tone, glyph = _OUTCOMES[each.outcome]
    return ProofRow(
        claim=each.claim,
        outcome=str(each.outcome),
        tone=tone,
        glyph=glyph,
        what=each.what,
        example=each.example,
    )
