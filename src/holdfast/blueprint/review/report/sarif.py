"""A report as SARIF 2.1.0 (OASIS), which code scanning shows beside the lines of the blueprint."""

from collections.abc import Mapping
from types import MappingProxyType

from holdfast.blueprint import Level, Plain
from holdfast.blueprint.review.findings import Finding, Report
from holdfast.blueprint.review.report.machine import Table
from holdfast.blueprint.review.report.places import Places
from holdfast.blueprint.review.rule import Rule, RuleSeverity, Verdict
from holdfast.core import jcs, sha256_digest

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS: Mapping[Level, str] = MappingProxyType(
    {"block": "error", "warn": "warning", "advise": "note", "off": "none"}
)
_SECURITY: Mapping[RuleSeverity, str] = MappingProxyType(
    {"critical": "9.5", "high": "8.0", "medium": "5.0", "low": "2.0"}
)
"""How code scanning ranks: critical above 9.0, high above 7.0, medium above 4.0."""


def sarif_form(report: Report, places: Places, *, source: str, version: str) -> Table:
    """One run: the rules that were asked; a result for what is broken, waived (suppressed) or
    cannot be decided (of kind ``open``). What held before a revision is ``unchanged``."""
    asked = [result for result in report.results if result.level != "off"]
    numbers = {result.rule.id: number for number, result in enumerate(asked)}
    shown = [finding for finding in report if finding.verdict is not Verdict.HOLDS]
    rules: list[Plain] = [_rule(result.rule, result.level) for result in asked]
    results: list[Plain] = [
        _result(finding, numbers[finding.rule.id], places, source, report.since)
        for finding in shown
    ]
    told: list[Plain] = [
        {"level": "note", "message": {"text": remark}} for remark in report.remarks
    ]
    driver: Table = {"name": "Holdfast review", "semanticVersion": version, "rules": rules}
    invocation: Table = {"executionSuccessful": True, "toolExecutionNotifications": told}
    run: Table = {
        "tool": {"driver": driver},
        "artifacts": [{"location": {"uri": source}}],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "invocations": [invocation],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule, level: Level) -> Table:
    sources = "; ".join(rule.sources)
    return {
        "id": rule.id,
        "name": rule.id.replace("-", ""),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why}\n\nMend: {rule.mend}\n\nSources: {sources}",
            "markdown": f"{rule.why}\n\n**Mend.** {rule.mend}\n\n**Sources.** {sources}",
        },
        "defaultConfiguration": {"level": LEVELS[level]},
        "properties": {
            "security-severity": _SECURITY[rule.severity],
            "precision": "high",
            "tags": ["architecture", "security", *rule.sources],
        },
    }


def _result(finding: Finding, number: int, places: Places, source: str, since: str | None) -> Table:
    judgement = finding.judgement
    undecided = finding.verdict is Verdict.UNDECIDED
    result: Table = {
        "ruleId": finding.rule.id,
        "ruleIndex": number,
        # The standard: anything but a failure has the level none.
        "level": "none" if undecided else LEVELS[finding.level],
        "kind": "open" if undecided else "fail",
        "message": {"text": _message(finding)},
        "locations": [_location(finding, places, source)],
        "partialFingerprints": {"finding/v1": fingerprint(finding)},
    }
    if finding.waiver is not None:
        waiver = finding.waiver
        why = f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"
        result["suppressions"] = [{"kind": "inSource", "status": "accepted", "justification": why}]
    if since is not None:
        result["baselineState"] = "unchanged" if finding.before else "new"
    if judgement.way:
        result["relatedLocations"] = [
            {"logicalLocations": [{"name": name, "fullyQualifiedName": f"nodes.{name}"}]}
            for name in judgement.way
        ]
    return result


def _message(finding: Finding) -> str:
    judgement = finding.judgement
    if finding.verdict is Verdict.UNDECIDED:
        what = judgement.what or f"{finding.rule.title}: cannot be decided"
        return f"{what}. Needed: {', '.join(judgement.missing)}"
    return f"{judgement.what}. Mend: {judgement.fix}"


def _location(finding: Finding, places: Places, source: str) -> Table:
    at = finding.judgement.at or finding.judgement.subject
    # The whole file's first line, where there is no nearer place: results without one are not shown.
    line, column = places(at) or (1, 1)
    physical: dict[str, Plain] = {
        "artifactLocation": {"uri": source, "index": 0},
        "region": {"startLine": line, "startColumn": column},
    }
    named: Table = {"fullyQualifiedName": at} if at else {"name": "the system"}
    return {"physicalLocation": physical, "logicalLocations": [named]}


def fingerprint(finding: Finding) -> str:
    """The same for one finding however its file is laid out."""
    return sha256_digest(jcs(list(finding.key))).removeprefix("sha256:")
