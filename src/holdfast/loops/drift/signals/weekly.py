"""Signals of operational drift as weekly values: those that the data at hand allows.

No number stands for all of them. A signal for which there is no data says what it would need.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType

from holdfast.blueprint import Blueprint, NodeKind
from holdfast.blueprint.review import Change, ControlProof
from holdfast.loops.drift.judge import Kind, Met, Report
from holdfast.loops.drift.sightings import start_of_week, week_of
from holdfast.loops.drift.signals.parameters import inflation, waiver_debt

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "O1": "fixes bypass the architecture",
        "O2": "environments diverge",
        "O3": "runbooks rot",
        "O4": "working around",
        "O5": "parameter inflation",
        "O6": "alert erosion",
        "O7": "out-of-band change",
        "O8": "coupling creep",
        "O9": "waiver debt",
        "O10": "guard erosion",
        "O11": "version skew",
        "O12": "evidence ageing",
        "O13": "knowledge concentration",
    }
)
NEEDS: Mapping[str, str] = MappingProxyType(
    {
        "O1": "changes that name the incident they were made for, which no option reads",
        "O2": "the manifests of two environments, where one is read",
        "O3": "runbooks and what they refer to, which no option reads",
        "O4": "traces or records of several weeks: --traces, --data",
        "O5": "the blueprint as it was, with the day: --earlier",
        "O6": "the history of alert rules and of their mutings, which no option reads",
        "O7": "changes that say whether the pipeline made them: --changes",
        "O8": "traces or records of several weeks: --traces, --data",
        "O9": "the blueprint as it was, with the day: --earlier",
        "O10": "the gateway's records, with approvals among them: --data",
        "O11": "traces or records of several weeks: --traces, --data",
        "O12": "evidence of controls, with its day and how long it counts: --controls",
        "O13": "changes that say who made them: --changes",
    }
)
"""What a signal needs. Those that nothing can be given for say so: they are not silent passes."""
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All that signals may be made of. What is None was not given."""

    report: Report
    blueprint: Blueprint
    today: date
    approvals: Mapping[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """By week: calls that a person decided on, and how many were let pass."""
    earlier: Sequence[tuple[date, Blueprint]] = ()
    changes: Sequence[Change] | None = None
    proofs: Sequence[ControlProof] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One part of a signal, by week. Weeks of which nothing is known have no value."""

    signal: str
    name: str
    values: Mapping[int, float]


def series_of(sources: Sources) -> tuple[Series, ...]:
    """Every series that the sources allow."""
    makers: tuple[Callable[[Sources], Iterator[Series]], ...] = (
        _of_traffic,
        _of_approvals,
        _of_versions,
        _of_changes,
        _of_proofs,
    )
    return tuple(series for make in makers for series in make(sources) if series.values)


def _of_traffic(sources: Sources) -> Iterator[Series]:
    weeks: dict[int, list[Met]] = {}
    for met in sources.report.matched.met:
        weeks.setdefault(met.week, []).append(met)
    around = {(f.source, f.target) for f in sources.report.findings if f.kind is Kind.BYPASS}
    yield _each(
        weeks,
        "O4",
        "bypassing calls, share",
        lambda met: _share(met, lambda m: (m.source.name, m.target.name) in around),
    )
    yield _each(
        weeks,
        "O4",
        "undeclared access to stores, share",
        lambda met: _share(met, lambda m: not m.pair and _is_store(m, sources.blueprint)),
    )
    yield _each(weeks, "O8", "callees of a caller, mean", _fan_out)
    yield _each(
        weeks,
        "O11",
        "calls whose model or tool is another version, share",
        lambda met: _share(
            met, lambda m: any(d.fact in {"model", "definition"} for d in m.contrary)
        ),
    )
    yield _each(weeks, "O11", "tools in use by an agent, mean", _tools)


def _each(
    weeks: Mapping[int, list[Met]],
    signal: str,
    name: str,
    of: Callable[[list[Met]], float | None],
) -> Series:
    values = {week: of(met) for week, met in sorted(weeks.items())}
    return Series(
        signal=signal, name=name, values={w: v for w, v in values.items() if v is not None}
    )


def _share(met: Iterable[Met], is_one: Callable[[Met], bool]) -> float:
    met = list(met)
    return sum(m.count.calls for m in met if is_one(m)) / sum(m.count.calls for m in met)


def _is_store(met: Met, blueprint: Blueprint) -> bool:
    node = blueprint.nodes.get(met.target.node) if met.target.node is not None else None
    return node is not None and node.kind is NodeKind.STORE


def _fan_out(met: list[Met]) -> float:
    pairs = {(each.source.name, each.target.name) for each in met}
    return len(pairs) / len({source for source, _ in pairs})


def _tools(met: list[Met]) -> float | None:
    pairs = {(each.source.name, each.contact.tool) for each in met if each.contact.tool}
    return len(pairs) / len({source for source, _ in pairs}) if pairs else None


def _of_approvals(sources: Sources) -> Iterator[Series]:
    values = {w: granted / n for w, (n, granted) in sorted(sources.approvals.items()) if n}
    yield Series(signal="O10", name="approvals granted, share", values=values)


def _of_versions(sources: Sources) -> Iterator[Series]:
    versions = sorted((*sources.earlier, (sources.today, sources.blueprint)), key=lambda v: v[0])
    if len(versions) < 2:
        return
    first = versions[0][1]
    yield Series(
        signal="O5",
        name="sum of log(now / first) of timeouts, retries, limits",
        values={_week(day): inflation(first, each) for day, each in versions},
    )
    yield Series(
        signal="O9",
        name="days that open waivers have stood, sum",
        values={_week(day): waiver_debt(versions, at=day) for day, _ in versions},
    )


def _of_changes(sources: Sources) -> Iterator[Series]:
    weeks: dict[int, list[Change]] = {}
    for change in sources.changes or ():
        weeks.setdefault(_week(date.fromisoformat(change.day[:10])), []).append(change)
    outside, alone = dict[int, float](), dict[int, float]()
    for week, changes in sorted(weeks.items()):
        told = [change.by_pipeline for change in changes if change.by_pipeline is not None]
        if told:
            outside[week] = sum(not each for each in told) / len(told)
        people = [change.by for change in changes if change.by is not None]
        if people:
            alone[week] = max(people.count(each) for each in people) / len(people)
    yield Series(signal="O7", name="changes outside the pipeline, share", values=outside)
    yield Series(signal="O13", name="changes by the busiest person, share", values=alone)


def _of_proofs(sources: Sources) -> Iterator[Series]:
    dated = [
        (date.fromisoformat(proof.dated[:10]), proof.valid_days)
        for proof in sources.proofs or ()
        if proof.dated is not None and proof.valid_days is not None
    ]
    if not dated:
        return
    values: dict[int, float] = {}
    for week in range(_week(min(day for day, _ in dated)), _week(sources.today) + 1):
        end = _day(week) + timedelta(days=6)
        there = [(day, valid) for day, valid in dated if day <= end]
        if there:
            gone = sum(day + timedelta(days=valid) < end for day, valid in there)
            values[week] = gone / len(there)
    yield Series(signal="O12", name="evidence that has expired, share", values=values)


def _week(day: date) -> int:
    return week_of((day - date(1970, 1, 1)).days * _DAY_US)


def _day(week: int) -> date:
    return date(1970, 1, 1) + timedelta(days=start_of_week(week) // _DAY_US)
