"""Findings on the map: which part is marked, how, and with what words."""

from collections.abc import Mapping
from types import MappingProxyType

from holdfast.blueprint import Level
from holdfast.blueprint.drawing import Mark, Tone
from holdfast.blueprint.review.findings import Finding, Report

TONES: Mapping[Level, Tone] = MappingProxyType(
    {"block": Tone.ALARM, "warn": Tone.WARNING, "advise": Tone.NOTICE, "off": Tone.QUIET}
)


def marks_of(report: Report) -> dict[str, Mark]:
    """A mark for every node and relationship with open findings, by id: the gravest level's tone,
    how many there are, and what they say."""
    found: dict[str, list[Finding]] = {}
    for finding in sorted(report.broken, key=lambda each: list(TONES).index(each.level)):
        if finding.judgement.subject:
            found.setdefault(finding.judgement.subject, []).append(finding)
    return {
        subject: Mark(
            tone=TONES[findings[0].level],
            badge=str(len(findings)),
            notes=tuple(f"{each.rule.id}: {each.judgement.what}" for each in findings),
            link=f"#{anchor_of(subject)}",
        )
        for subject, findings in found.items()
    }


def anchor_of(subject: str) -> str:
    return f"about-{subject}"
