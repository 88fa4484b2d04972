"""A report as it reads at a terminal: the gravest first, at most a screen unless all is asked for."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from holdfast.blueprint import LEVELS
from holdfast.blueprint.review.findings import Finding, Report
from holdfast.blueprint.review.report.places import Places, place_of

LINES_MAX = 40
_WIDTH = 110
_MISSING_SHOWN = 4
_REMARKS_SHOWN = 2


def terminal_text(report: Report, places: Places, *, source: str, whole: bool = False) -> str:
    """``whole`` shows every finding with its mend, what is waived, and what is undecided."""
    head = [_headline(report, source)]
    foot = list(_foot(report, whole=whole))
    if whole:
        body = [*_everything(report, places), *_others(report)]
    else:
        body = _fitted(report.broken, places, room=LINES_MAX - len(head) - len(foot))
    return "\n".join([*head, *body, *foot])


def _headline(report: Report, source: str) -> str:
    counts = counted(report.broken)
    levels = ", ".join(f"{counts[level]} {level}" for level in reversed(LEVELS) if counts[level])
    said = levels or "nothing broken"
    parts = [f"{said}; {len(report.undecided)} undecided, {report.held} in order"]
    if report.waived:
        parts.append(f"{len(report.waived)} waived")
    if report.since:
        parts.append(f"{len(report.before)} from before {report.since}")
    return f"{report.name} ({source}): {', '.join(parts)}"


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How many at each level."""
    counts: dict[str, int] = dict.fromkeys(LEVELS, 0)
    for finding in findings:
        counts[finding.level] += 1
    return counts


def _fitted(findings: Sequence[Finding], places: Places, *, room: int) -> list[str]:
    """As many findings of each rule as fit; when not even one does, rules with their counts."""
    for each in (8, 5, 3, 2, 1):
        lines = list(_grouped(findings, places, each=each))
        if len(lines) <= room:
            return lines
    lines = list(_rules_only(findings))
    if len(lines) > room:
        left = len(lines) - room + 1
        return [*lines[: room - 1], f"  … and {left} more rules: --all shows them"]
    return lines


def _grouped(findings: Sequence[Finding], places: Places, *, each: int) -> Iterator[str]:
    for severity, of_severity in groupby(findings, key=lambda f: f.rule.severity):
        yield severity
        for rule, grouped in groupby(of_severity, key=lambda f: f.rule):
            found = list(grouped)
            yield _cut(f"  {rule.id} {rule.title} ({found[0].level})")
            for finding in found[:each]:
                yield _cut(f"    {_at(finding, places)}: {finding.judgement.what}")
            if len(found) > each:
                yield f"    … and {len(found) - each} more"
            yield _cut(f"    mend: {found[0].judgement.fix if len(found) == 1 else rule.mend}")


def _rules_only(findings: Sequence[Finding]) -> Iterator[str]:
    for severity, of_severity in groupby(findings, key=lambda f: f.rule.severity):
        yield severity
        for rule, grouped in groupby(of_severity, key=lambda f: f.rule):
            found = list(grouped)
            yield _cut(f"  {rule.id} {len(found)}x {rule.title} ({found[0].level})")


def _everything(report: Report, places: Places) -> Iterator[str]:
    for severity, of_severity in groupby(report.broken, key=lambda f: f.rule.severity):
        yield severity
        for rule, grouped in groupby(of_severity, key=lambda f: f.rule):
            found = list(grouped)
            yield f"  {rule.id} {rule.title} ({found[0].level})"
            yield f"    why: {rule.why}"
            for finding in found:
                yield from _in_full(finding, places)


def _in_full(finding: Finding, places: Places) -> Iterator[str]:
    judgement = finding.judgement
    yield f"    {_at(finding, places)}: {judgement.what}"
    if judgement.way:
        yield f"      by way of {' -> '.join(judgement.way)}"
    yield f"      mend: {judgement.fix}"
    for patch in judgement.patches:
        note = f" ({patch.note})" if patch.note else ""
        yield f"      patch: {'.'.join(str(step) for step in patch.path)}{note}"


def _others(report: Report) -> Iterator[str]:
    if report.before:
        yield "before"
        for finding in report.before:
            yield f"  {finding.rule.id} {place_of(finding)}: {finding.judgement.what}"
    if report.waived:
        yield "waived"
        for finding in report.waived:
            waiver = finding.waiver
            assert waiver is not None
            yield f"  {finding.rule.id} {place_of(finding)}: {waiver.reason}"
            yield f"    {waiver.owner}, until {waiver.expires}"
    if report.undecided:
        yield "undecided"
        for finding in report.undecided:
            asked = ", ".join(finding.judgement.missing)
            yield f"  {finding.rule.id} {place_of(finding)}: needs {asked}"


def _foot(report: Report, *, whole: bool) -> Iterator[str]:
    remarks = report.remarks if whole else report.remarks[:_REMARKS_SHOWN]
    yield from (f"note: {remark}" if whole else _cut(f"note: {remark}") for remark in remarks)
    if len(report.remarks) > len(remarks):
        yield f"note: and {len(report.remarks) - len(remarks)} more: --all shows them"
    yield from _patterns(report, whole=whole)
    missing = report.missing()
    if missing:
        shown = ", ".join(f"{name} ({count})" for name, count in missing[:_MISSING_SHOWN])
        yield _cut(f"{len(report.undecided)} undecided; most would be decided by {shown}")
    mendable = sum(bool(finding.judgement.patches) for finding in report.broken)
    if mendable:
        yield f"{mendable} of these have a patch: --fix shows what it changes"


def _patterns(report: Report, *, whole: bool) -> Iterator[str]:
    present = sum(bool(each.present) for each in report.patterns)
    wanted = [each for each in report.patterns if each.suggested]
    if not report.patterns:
        return
    shown = ", ".join(f"{each.title.lower()} ({len(each.suggested)})" for each in wanted)
    would = f"; would help: {shown}" if shown else ""
    yield _cut(f"patterns: {present} of {len(report.patterns)} in use{would}")
    if whole:
        for each in report.patterns:
            yield from (f"  {each.title}: {p.at or p.subject}: {p.how}" for p in each.present)
            yield from (f"  {each.title} at {s.at or s.subject}? {s.why}" for s in each.suggested)


def _at(finding: Finding, places: Places) -> str:
    place = places(finding.judgement.at)
    return place_of(finding) if place is None else f"{place_of(finding)} (line {place[0]})"


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1].rstrip() + "…"
