"""What ``holdfast calm`` says to people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from holdfast.core import JsonObject, JsonValue

if TYPE_CHECKING:
    from holdfast.app.calm_documents import Told
    from holdfast.blueprint.calm import Difference, Finding, Moment, Report

SHOWN_MAX = 50
"""Findings and parts of one kind that a report spells out; ``--json`` has all of them."""


def report_text(report: "Report", *, name: str) -> str:
    """Findings by kind, then the verdict in a line."""
    lines = [
        *_findings("error", report.errors),
        *_findings("warning", report.warnings),
        *_findings("holdfast", report.ours),
    ]
    verdict = "valid" if report.is_valid else "not valid"
    counts = f"{len(report.errors)} errors, {len(report.warnings)} warnings"
    beyond = f", {len(report.ours)} beyond the reference" if report.ours else ""
    return "\n".join([*lines, f"{name}: {verdict} ({counts}{beyond})"])


def _findings(kind: str, findings: "tuple[Finding, ...]") -> Iterator[str]:
    for each in findings[:SHOWN_MAX]:
        yield f"{kind}: {each.path}: {each.message} [{each.code}]"
    if len(findings) > SHOWN_MAX:
        yield f"{kind}: and {len(findings) - SHOWN_MAX} more"


_KINDS = (
    ("Added", "+", "added"),
    ("Removed", "-", "removed"),
    ("Modified", "~", "modified"),
    ("Renamed", "=", "renamed"),
)


def difference_text(difference: "Difference") -> str:
    """Each part that changed; a line that says so where nothing did."""
    found = difference.as_json
    lines: list[str] = []
    for part, noun in (("nodes", "node"), ("edges", "relationship")):
        for kind, sign, word in _KINDS:
            shown = _shown(found.get(f"{part}{kind}"))
            lines += [f"{sign} {noun} {word}: {_name(each)}" for each in shown]
    lines += [f"! {noun} without a unique-id" for noun in _left_out(found, "invalidItems")]
    lines += [f"! {noun} that fixes nothing" for noun in _left_out(found, "undiffableItems")]
    lines += _records(found.get("adrDiffItems"))
    for kind, sign, word in _KINDS:
        controls = found.get(f"controlItems{kind}")
        lines += [
            f"{sign} control {word}: {name}"
            for name in (controls if isinstance(controls, dict) else {})
        ]
    return "\n".join(lines) if lines else "nothing changed"


def _shown(held: JsonValue) -> list[JsonValue]:
    return held[:SHOWN_MAX] if isinstance(held, list) else []


def _name(each: JsonValue) -> str:
    if not isinstance(each, dict):
        return "(nameless)"
    if "oldId" in each:
        return f"{each['oldId']} -> {each.get('newId')}"
    held = each.get("original", each)
    name = held.get("unique-id") if isinstance(held, dict) else None
    return str(name) if name is not None else "(nameless)"


def _left_out(found: JsonObject, name: str) -> Iterator[str]:
    held = found.get(name)
    for part in ("nodes", "relationships"):
        items = held.get(part) if isinstance(held, dict) else None
        for _ in _shown(items):
            yield part.removesuffix("s")


def _records(held: JsonValue) -> Iterator[str]:
    signs = {"added": "+", "removed": "-"}
    for each in held if isinstance(held, list) else []:
        kind = str(each.get("changeType")) if isinstance(each, dict) else ""
        if isinstance(each, dict) and kind in signs:
            yield f"{signs[kind]} decision record {kind}: {each.get('content')}"


def timeline_text(told: "Told") -> str:
    """The moments in order, then what changed from each to the next."""
    lines = [_moment(each) for each in told.moments]
    for step in told.steps:
        lines += ["", f"{step.before} -> {step.after}"]
        lines += [f"  {line}" for line in difference_text(step.difference).splitlines()]
    return "\n".join(lines) if lines else "no moments"


def _moment(moment: "Moment") -> str:
    mark = "*" if moment.is_current else " "
    start = moment.valid_from or "no date"
    return f"{mark} {moment.unique_id}  {start}  {moment.name}"
