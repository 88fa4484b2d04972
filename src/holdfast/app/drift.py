"""``holdfast drift``: sightings and a blueprint brought together, and what comes of it told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from holdfast.app.clusters import load_manifests
from holdfast.app.datadir import DataDir
from holdfast.app.evidence_files import read_evidence_text
from holdfast.app.files import load_blueprint
from holdfast.app.instances import find_data
from holdfast.app.sightings import Sighted, day_of, sight_data, sight_traces
from holdfast.app.texts import FileError, read_text
from holdfast.blueprint import Blueprint, read_yaml
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes import cluster_in, workloads_of
from holdfast.blueprint.review import Change, ControlProof
from holdfast.blueprint.review.readers import read_changes, read_control_proofs
from holdfast.core import Instant, NodeId, Progress, rfc3339, untold
from holdfast.loops.drift import (
    NO_BINDINGS,
    Bindings,
    BindingsError,
    Finding,
    Period,
    Question,
    Remedy,
    Report,
    Signals,
    Sources,
    compare,
    read_bindings,
    read_signals,
    remedy_for,
)
from holdfast.world.real import SystemClock

DAY_US = 86_400_000_000
WINDOW_DAYS = 7.0
HISTORY_DAYS = 182
BLUEPRINT_NAME = "holdfast.yaml"
Pair = tuple[NodeId, NodeId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asked. With neither traces nor data, the data directory here is meant."""

    file: Path | None = None
    data: Path | None = None
    traces: Sequence[Path] = ()
    permitted: Path | None = None
    bindings: Path | None = None
    sampling: float = 1.0
    window_days: float = WINDOW_DAYS
    since: date | None = None
    changes: Path | None = None
    controls: Path | None = None
    earlier: Sequence[tuple[date, Path]] = ()


class PatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """``value`` is to be written at ``path``; null removes what is there."""

    path: tuple[str | int, ...]
    value: object
    note: str


class RemedyRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is offered: ``patches`` as path and value, ``cedar`` after its replay."""

    note: str
    patches: tuple[PatchRow, ...]
    cedar: str | None
    network: str | None
    would_refuse: int | None
    would_refuse_covered: int | None
    cuts_flows: tuple[str, ...]
    waiver: dict[str, str]


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    rule: str
    level: str
    at: str
    source: str
    target: str
    what: str
    confidence: float
    sightings: int
    calls: float
    first: str | None
    last: str | None
    relationship: str | None
    privileged: bool
    waived_until: str | None
    remedy: RemedyRow


class TableRow(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    target: str
    declared: bool
    permitted: bool | None
    seen: int
    reading: str


class SignalRow(msgspec.Struct, frozen=True, kw_only=True):
    signal: str
    name: str
    values: tuple[tuple[int, float], ...]
    slope: float | None
    p_slope: float | None
    p_step: float | None
    said: str


class DriftReply(msgspec.Struct, frozen=True, kw_only=True):
    """Everything, for programs."""

    blueprint: str
    start: str | None
    end: str | None
    window_days: float
    sightings: int
    counts: dict[str, int]
    alerts: int
    fitness: float | None
    precision: float | None
    drift: float
    findings: tuple[FindingRow, ...]
    table: tuple[TableRow, ...]
    signals: tuple[SignalRow, ...]
    signals_missing: dict[str, str]
    notes: tuple[str, ...]


def compare_with_reality(asked: Asked, *, progress: Progress = untold) -> DriftReply:
    """Read everything, judge it, and put it into words that programs and people read."""
    blueprint = load_blueprint(_file(asked.file)).blueprint
    sighted, now = Sighted(), SystemClock().now()
    if asked.traces:
        sight_traces(asked.traces, sighted, sampling=asked.sampling, progress=progress)
    if asked.data is not None or not asked.traces:
        since = Instant(now - HISTORY_DAYS * DAY_US)
        sight_data(_data(asked.data), blueprint, sighted, since=since, progress=progress)
    else:
        # Files tell of the past that they were written in: that is the day to judge by.
        now = (sighted.tally.span() or (now, now))[1]
    question = Question(
        blueprint=blueprint,
        period=_period(asked, sighted, now=now),
        today=day_of(now),
        bindings=_bindings(asked.bindings, blueprint),
        permitted=_permitted(asked.permitted, blueprint),
    )
    report = compare(sighted.tally, question)
    signals = read_signals(_sources(asked, report, question, sighted=sighted))
    return reply_of(report, question, signals=signals)


def _file(named: Path | None) -> Path:
    path = named or Path(BLUEPRINT_NAME)
    if named is None and not path.is_file():
        raise FileError(f"there is no {BLUEPRINT_NAME} here", fix="name the blueprint: FILE")
    return path


def _data(named: Path | None) -> DataDir:
    return find_data(named)


def _period(asked: Asked, sighted: Sighted, *, now: Instant) -> Period:
    start = (sighted.tally.span() or (now, now))[0]
    if asked.since is not None:
        day = datetime.combine(asked.since, datetime.min.time(), UTC)
        start = Instant(max(start, int(day.timestamp()) * 1_000_000))
    return Period(
        start=start,
        now=now,
        window_us=int(asked.window_days * DAY_US),
        sampling=asked.sampling,
    )


def _bindings(path: Path | None, blueprint: Blueprint) -> Bindings:
    if path is None:
        return NO_BINDINGS
    document = read_yaml(read_text(path), source=str(path))
    if document.problems:
        problem = document.problems[0]
        raise BindingsError(f"{path}: {problem.what}", fix=problem.fix)
    return read_bindings(document.data, blueprint.nodes)


def _permitted(path: Path | None, blueprint: Blueprint) -> frozenset[Pair] | None:
    """Manifests of Kubernetes, or a JSON list of pairs of nodes."""
    if path is None:
        return None
    if path.is_file() and path.suffix == ".json" and (pairs := _pairs(path)) is not None:
        return pairs
    manifests = load_manifests((path,))
    found = workloads_of(manifests, System(blueprint), cluster=cluster_in(manifests, blueprint))
    return found.permitted


def _pairs(path: Path) -> frozenset[Pair] | None:
    try:
        rows = msgspec.json.decode(read_evidence_text(path), type=list[tuple[str, str]])
    except msgspec.DecodeError:
        return None
    return frozenset((NodeId(source), NodeId(target)) for source, target in rows)


def _sources(asked: Asked, report: Report, question: Question, *, sighted: Sighted) -> Sources:
    return Sources(
        report=report,
        blueprint=question.blueprint,
        today=question.today,
        approvals=sighted.approvals,
        earlier=tuple((day, load_blueprint(path).blueprint) for day, path in asked.earlier),
        changes=_changes(asked.changes),
        proofs=_proofs(asked.controls, question.blueprint),
    )


def _changes(path: Path | None) -> tuple[Change, ...] | None:
    if path is None:
        return None
    return tuple(read_changes(read_evidence_text(path), source=str(path)))


def _proofs(path: Path | None, blueprint: Blueprint) -> tuple[ControlProof, ...] | None:
    if path is None:
        return None
    text = read_evidence_text(path)
    return tuple(read_control_proofs(text, source=str(path), blueprint=blueprint))


def reply_of(report: Report, question: Question, *, signals: Signals | None) -> DriftReply:
    """A report as rows, each finding with its remedy."""
    met = report.matched.met
    rows = tuple(
        _finding(each, remedy_for(each, question.blueprint, met=met, today=question.today))
        for each in report.findings
    )
    seen = sum(each.count.n for each in met)
    return DriftReply(
        blueprint=question.blueprint.name,
        start=_time(report.period.start),
        end=_time(report.period.now),
        window_days=(report.period.now - report.period.begins) / DAY_US,
        sightings=seen,
        counts={kind.value: n for kind, n in report.counts.items()},
        alerts=len(report.alerts),
        fitness=report.scores.fitness,
        precision=report.scores.precision,
        drift=report.scores.drift,
        findings=rows,
        table=tuple(
            TableRow(
                source=row.source,
                target=row.target,
                declared=row.declared,
                permitted=row.permitted,
                seen=row.seen,
                reading=row.reading.value,
            )
            for row in report.rows
        ),
        signals=_signals(signals),
        signals_missing=dict(signals.missing) if signals is not None else {},
        notes=report.notes,
    )


def _finding(finding: Finding, remedy: Remedy) -> FindingRow:
    return FindingRow(
        kind=finding.kind.value,
        rule=finding.rule,
        level=finding.level,
        at=finding.at,
        source=finding.source,
        target=finding.target,
        what=finding.what,
        confidence=round(finding.confidence, 4),
        sightings=finding.n,
        calls=round(finding.calls, 1),
        first=_time(finding.first),
        last=_time(finding.last),
        relationship=finding.relationship,
        privileged=finding.privileged,
        waived_until=finding.waiver.expires if finding.waiver is not None else None,
        remedy=_remedy(remedy),
    )


def _remedy(remedy: Remedy) -> RemedyRow:
    denial = remedy.denial
    return RemedyRow(
        note=remedy.note,
        patches=tuple(
            PatchRow(path=patch.path, value=patch.value, note=patch.note)
            for patch in remedy.patches
        ),
        cedar=denial.cedar if denial is not None else None,
        network=denial.network if denial is not None else None,
        would_refuse=denial.seen if denial is not None else None,
        would_refuse_covered=denial.covered if denial is not None else None,
        cuts_flows=denial.flows if denial is not None else (),
        waiver=remedy.waiver,
    )


def _signals(signals: Signals | None) -> tuple[SignalRow, ...]:
    if signals is None:
        return ()
    return tuple(
        SignalRow(
            signal=each.series.signal,
            name=each.series.name,
            values=tuple((week, round(value, 6)) for week, value in each.series.values.items()),
            slope=each.trend.slope if each.trend is not None else None,
            p_slope=each.p_slope,
            p_step=each.p_step,
            said=each.said,
        )
        for each in signals.signals
    )


def _time(at: int) -> str | None:
    return rfc3339(Instant(at)) if at else None


def read_versions(words: Sequence[str]) -> tuple[tuple[date, Path], ...]:
    """``DAY=FILE`` as a command line has them."""
    found: list[tuple[date, Path]] = []
    for word in words:
        day, sign, path = word.partition("=")
        try:
            found.append((date.fromisoformat(day), Path(path)))
        except ValueError:
            sign = ""
        if not sign or not path:
            raise FileError(f"`{word[:80]}` is no dated file", fix="write 2027-03-31=FILE")
    return tuple(found)
