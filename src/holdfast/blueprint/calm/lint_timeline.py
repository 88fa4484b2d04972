"""The reference's seven lint rules of a timeline, by their codes."""

from collections.abc import Hashable, Iterator

from holdfast.blueprint.calm.findings import Finding
from holdfast.blueprint.calm.lint import Rule, no_false_values, repeated_ids
from holdfast.blueprint.calm.selecting import ANY, select, values
from holdfast.blueprint.calm.values import identity, instant_of, truthy
from holdfast.core import JsonValue

_CURRENT = "current-moment"


def lint_timeline(document: JsonValue) -> Iterator[Finding]:
    yield from no_false_values(Rule(document, "timeline-has-no-empty-properties"))
    yield from repeated_ids(
        Rule(document, "unique-ids-must-be-unique-in-timeline"),
        select(document, "moments", ANY, "unique-id"),
    )
    if isinstance(document, dict):
        yield from _current_known(document)
        yield from _later_dates(document)
        yield from _moments_and_current(document)
        yield from _order(document)


def _current_known(document: dict[str, JsonValue]) -> Iterator[Finding]:
    current = document.get(_CURRENT)
    known: set[Hashable] = {
        identity(value) for value in values(document, "moments", ANY, "unique-id")
    }
    if truthy(current) and identity(current) not in known:
        rule = Rule(document, "current-moment-must-reference-moment-in-timeline")
        yield rule.at((_CURRENT,), f"{current} is the unique-id of no moment")


def _later_dates(document: dict[str, JsonValue]) -> Iterator[Finding]:
    current = document.get(_CURRENT)
    if not truthy(current):
        return
    rule = Rule(document, "moments-after-current-moment-may-not-have-valid-from", "warning")
    is_later = False
    for moment in values(document, "moments", ANY):
        if not isinstance(moment, dict):
            continue
        name = moment.get("unique-id")
        if truthy(name) and identity(name) == identity(current):
            is_later = True
        elif is_later and truthy(moment.get("valid-from")):
            yield rule.at((_CURRENT,), f"the moment {name} comes after {current} but has a date")


def _moments_and_current(document: dict[str, JsonValue]) -> Iterator[Finding]:
    moments = document.get("moments")
    if not isinstance(moments, list) or not moments:
        empty = Rule(document, "timeline-moments-must-be-non-empty", "warning")
        yield empty.at(("moments",), "a timeline needs a moment")
    elif not truthy(document.get(_CURRENT)):
        unset = Rule(document, "current-moment-required-when-moments-non-empty", "warning")
        yield unset.at((_CURRENT,), "no moment is said to be the current one")


def _order(document: dict[str, JsonValue]) -> Iterator[Finding]:
    moments = document.get("moments")
    if not isinstance(moments, list):
        return
    rule = Rule(document, "moments-must-be-sorted-by-valid-from")
    last: float | None = None
    for index, moment in enumerate(moments):
        start = moment.get("valid-from") if isinstance(moment, dict) else None
        instant = instant_of(start) if truthy(start) else None
        if instant is None:
            continue
        if last is not None and instant < last:
            yield rule.at(("moments", index, "valid-from"), f"{start} is before an earlier moment")
        last = instant
