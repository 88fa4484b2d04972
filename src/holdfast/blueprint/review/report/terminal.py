"""A report as it reads at a terminal: the gravest first, at most a screen unless all is asked for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from holdfast.blueprint import LEVELS
from holdfast.blueprint.review.findings import Finding, Report
from holdfast.blueprint.review.report.places import Places, place_of
from holdfast.blueprint.review.rule import Rule

LINES_MAX = 40
PLACES_MAX = 8
"""Of one rule, on a screen."""
_WIDTH = 110
_MISSING_SHOWN = 4
_ALL = "--all shows each, why it matters and how it is mended"
_REMARKS_SHOWN = 2


def terminal_text(report: Report, places: Places, *, source: str, whole: bool = False) -> str:
    """``whole`` shows every finding with its mend, what is waived, and what is undecided."""
    head = [_headline(report, source)]
    foot = list(_foot(report, whole=whole))
    if whole:
        body = [*_everything(report, places), *_others(report)]
        return "\n".join([*head, *body, *foot])
    body, rest = _screen(report, places, room=LINES_MAX - len(head) - len(foot) - 1)
    return "\n".join([*head, *body, *foot, *rest])


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


@dataclass(slots=True)
class _Block:
    """A rule with its open findings: how many of their places are shown, and whether its mend is."""

    findings: list[Finding]
    shown: int = 0
    is_mend_shown: bool = False

    @property
    def rule(self) -> Rule:
        return self.findings[0].rule

    @property
    def is_whole(self) -> bool:
        return self.is_mend_shown and self.shown == len(self.findings)


def _fitted(blocks: Sequence[_Block], *, room: int) -> None:
    """Spend the lines that are left beside the rules' own on what helps most, the gravest first:
    where each is broken, where else, how it is mended, and all other places."""
    left = room - len(blocks) - len({block.rule.severity for block in blocks})
    for first, last in ((0, 1), (1, 3)):
        left = _more_places(blocks, first, last, left=left)
    for block in blocks:
        if left > 0:
            block.is_mend_shown, left = True, left - 1
    _more_places(blocks, 3, PLACES_MAX, left=left)


def _more_places(blocks: Sequence[_Block], first: int, last: int, *, left: int) -> int:
    """Show each rule's places from one number up to another while lines are left."""
    for block in blocks:
        wanted = min(last, len(block.findings)) - first
        if wanted > 0 and block.shown == first and left > 0:
            block.shown = first + min(wanted, left)
            left -= block.shown - first
    return left


def _grouped(blocks: Sequence[_Block], places: Places) -> Iterator[str]:
    for severity, of_severity in groupby(blocks, key=lambda block: block.rule.severity):
        yield severity
        for block in of_severity:
            found, rule = block.findings, block.rule
            count = f"{len(found)}x " if block.shown < len(found) else ""
            yield _cut(f"  {rule.id} {count}{rule.title} ({found[0].level})")
            for finding in found[: block.shown]:
                yield _cut(f"    {_at(finding, places)}: {finding.judgement.what}")
            if block.is_mend_shown:
                yield _cut(f"    mend: {found[0].judgement.fix if len(found) == 1 else rule.mend}")


def _screen(report: Report, places: Places, *, room: int) -> tuple[list[str], list[str]]:
    """The open findings in at most so many lines, and how to see what is left out."""
    blocks = [_Block(list(found)) for _, found in groupby(report.broken, key=lambda f: f.rule)]
    _fitted(blocks, room=room)
    lines = list(_grouped(blocks, places))
    if len(lines) > room:
        left = sum(line.startswith("  ") for line in lines[room:])
        return lines[:room], [f"{left} more rules are broken: {_ALL}"]
    if all(block.is_whole for block in blocks):
        return lines, []
    shown = sum(block.shown for block in blocks)
    return lines, [f"{shown} of {len(report.broken)} findings shown: {_ALL}"]


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
