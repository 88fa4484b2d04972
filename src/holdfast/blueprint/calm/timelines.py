"""Timelines: the moments of an architecture in order, the current one, what changed between."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from holdfast.blueprint.calm.comparing import Difference, compare
from holdfast.blueprint.calm.errors import CalmDocumentError, CalmReferenceError, CalmTimelineError
from holdfast.blueprint.calm.library import Library
from holdfast.core import JsonObject, JsonValue

MOMENTS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A state of the architecture. ``architecture`` is a URL or a path, or the document itself."""

    unique_id: str
    name: str
    description: str
    valid_from: str | None
    is_current: bool
    architecture: str | JsonObject | None
    records: tuple[str, ...]
    """Decision records: what led here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From one moment to another."""

    before: str
    after: str
    difference: Difference


def moments_of(timeline: JsonObject) -> tuple[Moment, ...]:
    """In the document's order, which is the order of the moments; what is no moment is left out."""
    held = timeline.get("moments")
    if not isinstance(held, list):
        raise CalmDocumentError("there are no moments", fix="give a CALM timeline")
    if len(held) > MOMENTS_MAX:
        raise CalmDocumentError(
            f"{len(held)} moments are more than {MOMENTS_MAX}", fix="split the timeline"
        )
    current = timeline.get("current-moment")
    return tuple(_moment(each, current) for each in held if isinstance(each, dict))


def _moment(moment: JsonObject, current: JsonValue) -> Moment:
    details = moment.get("details")
    held = details.get("detailed-architecture") if isinstance(details, dict) else None
    start, records = moment.get("valid-from"), moment.get("adrs")
    name = moment.get("unique-id")
    return Moment(
        unique_id=str(name) if name is not None else "",
        name=str(moment.get("name", "")),
        description=str(moment.get("description", "")),
        valid_from=start if isinstance(start, str) else None,
        is_current=name is not None and name == current,
        architecture=held if isinstance(held, str | dict) else None,
        records=tuple(str(each) for each in records) if isinstance(records, list) else (),
    )


def steps_between(timeline: JsonObject, library: Library) -> Iterator[Step]:
    """Every two moments that follow one another."""
    moments = moments_of(timeline)
    for before, after in pairwise(moments):
        yield _step(before, after, library)


def step_between(timeline: JsonObject, library: Library, *, before: str, after: str) -> Step:
    """Two moments by their ids; ``CalmTimelineError`` where there is none of that id."""
    by_id: dict[str, Moment] = {}
    for moment in moments_of(timeline):
        by_id.setdefault(moment.unique_id, moment)
    for name in (before, after):
        if name not in by_id:
            raise CalmTimelineError(
                f"{name} is no moment of the timeline", fix=f"use one of: {', '.join(by_id)}"
            )
    return _step(by_id[before], by_id[after], library)


def _step(before: Moment, after: Moment, library: Library) -> Step:
    return Step(
        before=before.unique_id,
        after=after.unique_id,
        difference=compare(_architecture(before, library), _architecture(after, library)),
    )


def _architecture(moment: Moment, library: Library) -> JsonObject:
    held = moment.architecture
    if isinstance(held, dict):
        return held
    if held is None:
        raise CalmTimelineError(
            f"the moment {moment.unique_id} names no architecture",
            fix="name it in its `details`, as `detailed-architecture`",
        )
    try:
        document = library.document(held)
    except CalmReferenceError as error:
        raise CalmTimelineError(
            f"the architecture of {moment.unique_id} is not there: {error.what}", fix=error.fix
        ) from error
    if not isinstance(document, dict):
        raise CalmTimelineError(
            f"{held} is no architecture", fix=f"mend what {moment.unique_id} names"
        )
    return document
