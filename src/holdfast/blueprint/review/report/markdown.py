"""A report as Markdown: for a pull request's comment, or a page."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from holdfast.blueprint import LEVELS
from holdfast.blueprint.review.findings import Finding, Report
from holdfast.blueprint.review.patterns import Presence, Suggestion
from holdfast.blueprint.review.report.places import Places, place_of
from holdfast.blueprint.review.report.terminal import counted

MISSING_SHOWN = 10
NAMES_SHOWN = 6


def markdown_text(report: Report, places: Places, *, source: str) -> str:
    """Every open finding; waived ones and what cannot be decided as short lists."""
    return "\n".join(_lines(report, places, source)).rstrip("\n")


def _lines(report: Report, places: Places, source: str) -> Iterator[str]:
    yield f"# Review of {_plain(report.name)}"
    yield ""
    yield from _table(report, source)
    for severity, of_severity in groupby(report.broken, key=lambda f: f.rule.severity):
        yield f"## {severity.capitalize()}"
        yield ""
        for rule, grouped in groupby(of_severity, key=lambda f: f.rule):
            found = list(grouped)
            yield f"### {rule.id} {_plain(rule.title)} ({found[0].level})"
            yield ""
            yield f"{_plain(rule.why)} Sources: {_plain(', '.join(rule.sources))}."
            yield ""
            yield from (line for each in found for line in _finding(each, places))
            yield ""
    yield from _waived(report)
    yield from _undecided(report)
    yield from _patterns(report)
    yield from (f"> {_plain(remark)}\n" for remark in report.remarks)


def _table(report: Report, source: str) -> Iterator[str]:
    counts = counted(report.broken)
    levels = [level for level in reversed(LEVELS) if level != "off"]
    columns = [*levels, "undecided", "waived", "in order"]
    if report.since:
        columns.append(f"before {report.since}")
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    numbers = [*(counts[each] for each in levels), len(report.undecided), len(report.waived)]
    numbers.append(report.held)
    if report.since:
        numbers.append(len(report.before))
    yield f"| {' | '.join(map(str, numbers))} |"
    yield ""
    given = ", ".join(report.given) or "none"
    yield f"`{source}` on {report.today.isoformat()}; evidence: {given}."
    yield ""


def _finding(finding: Finding, places: Places) -> Iterator[str]:
    judgement = finding.judgement
    place = places(judgement.at)
    line = f" (line {place[0]})" if place else ""
    yield f"- `{place_of(finding)}`{line}: {_plain(judgement.what)}"
    if judgement.way:
        yield f"  By way of {' → '.join(f'`{name}`' for name in judgement.way)}."
    yield f"  **Mend:** {_plain(judgement.fix)}"


def _waived(report: Report) -> Iterator[str]:
    if not report.waived:
        return
    yield "## Waived"
    yield ""
    for finding in report.waived:
        waiver = finding.waiver
        assert waiver is not None
        told = f"{_plain(waiver.reason)} ({_plain(waiver.owner)}, until {waiver.expires})"
        yield f"- {finding.rule.id} `{place_of(finding)}`: {told}"
    yield ""


def _undecided(report: Report) -> Iterator[str]:
    if not report.undecided:
        return
    yield f"## Undecided: {len(report.undecided)}"
    yield ""
    yield "Most would be decided by:"
    yield ""
    missing = report.missing()
    yield from (f"- `{name}` ({count})" for name, count in missing[:MISSING_SHOWN])
    if len(missing) > MISSING_SHOWN:
        yield f"- and {len(missing) - MISSING_SHOWN} more"
    yield ""


def _patterns(report: Report) -> Iterator[str]:
    if not report.patterns:
        return
    yield "## Design patterns"
    yield ""
    yield "| pattern | in use at | would help at |"
    yield "|---|---|---|"
    for each in report.patterns:
        present, wanted = _named(each.present), _named(each.suggested)
        yield f"| {_plain(each.title)} | {present} | {wanted} |"
    yield ""


def _named(found: Sequence[Presence | Suggestion]) -> str:
    names = list(dict.fromkeys(each.subject or "the system" for each in found))
    shown = ", ".join(f"`{name}`" for name in names[:NAMES_SHOWN])
    return f"{shown} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else shown


def _plain(text: str) -> str:
    """On one line, without what Markdown or HTML would read as theirs."""
    flat = " ".join(text.split())
    return flat.replace("\\", "\\\\").replace("<", "&lt;").replace("|", "\\|").replace("*", "\\*")
