"""A report for programs: plain JSON whose names stay."""

from collections.abc import Iterable
from typing import TypeAlias

from holdfast.blueprint import LEVELS, Plain
from holdfast.blueprint.review.findings import Finding, Report, RuleResult
from holdfast.blueprint.review.fixing.patching import plain_of
from holdfast.blueprint.review.patterns import PatternReport
from holdfast.blueprint.review.report.places import Places
from holdfast.blueprint.review.report.terminal import counted
from holdfast.blueprint.review.rule import Patch, Verdict

Table: TypeAlias = dict[str, Plain]


def machine_form(report: Report, places: Places, *, source: str, whole: bool = False) -> Table:
    """Findings that are broken, undecided or waived; with ``whole`` also what holds."""
    counts = counted(report.broken)
    shown = [f for f in report if whole or f.verdict is not Verdict.HOLDS]
    return {
        "system": report.name,
        "digest": report.digest,
        "file": source,
        "date": report.today.isoformat(),
        "since": report.since,
        "evidence": [kind.value for kind in report.given],
        "counts": {
            **{level: counts[level] for level in LEVELS if level != "off"},
            "undecided": len(report.undecided),
            "waived": len(report.waived),
            "before": len(report.before),
            "holds": report.held,
        },
        "findings": [_finding(finding, places) for finding in shown],
        "rules": [_rule(result) for result in report.results],
        "patterns": [_pattern(each) for each in report.patterns],
        "missing": [{"name": name, "decides": count} for name, count in report.missing()],
        "remarks": list(report.remarks),
    }


def _finding(finding: Finding, places: Places) -> Table:
    judgement, waiver = finding.judgement, finding.waiver
    place = places(judgement.at)
    return {
        "rule": finding.rule.id,
        "severity": finding.rule.severity,
        "level": finding.level,
        "verdict": judgement.verdict.value,
        "subject": judgement.subject,
        "at": judgement.at,
        "line": place[0] if place else None,
        "column": place[1] if place else None,
        "what": judgement.what,
        "fix": judgement.fix,
        "missing": list(judgement.missing),
        "way": list(judgement.way),
        "patches": _patches(judgement.patches),
        "waiver": {
            "rule": waiver.rule,
            "at": waiver.at,
            "owner": waiver.owner,
            "reason": waiver.reason,
            "expires": waiver.expires,
        }
        if waiver
        else None,
        "before": finding.before,
    }


def _pattern(found: PatternReport) -> Table:
    return {
        "id": found.id,
        "title": found.title,
        "aim": found.aim,
        "sources": list(found.sources),
        "present": [{"subject": p.subject, "at": p.at, "how": p.how} for p in found.present],
        "suggested": [
            {"subject": s.subject, "at": s.at, "why": s.why, "patches": _patches(s.patches)}
            for s in found.suggested
        ],
    }


def _patches(patches: Iterable[Patch]) -> list[Plain]:
    return [
        {"path": list[Plain](patch.path), "value": plain_of(patch), "note": patch.note}
        for patch in patches
    ]


def _rule(result: RuleResult) -> Table:
    rule = result.rule
    verdicts = [finding.verdict for finding in result.findings]
    return {
        "id": rule.id,
        "title": rule.title,
        "severity": rule.severity,
        "level": result.level,
        "sources": list(rule.sources),
        **{verdict.value: verdicts.count(verdict) for verdict in Verdict},
    }
