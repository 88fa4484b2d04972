"""Records of changes: JSON, one object a line, with the fields of ``Change``."""

from datetime import date

import msgspec

from holdfast.blueprint.review.errors import EvidenceError
from holdfast.blueprint.review.evidence import Change
from holdfast.blueprint.review.readers.documents import read_rows


class _Row(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    day: date
    subject: str
    kind: str
    by: str | None = None
    adr: str | None = None
    reviewed: bool | None = None
    by_pipeline: bool | None = None
    release: str | None = None


def read_changes(text: str, *, source: str) -> tuple[Change, ...]:
    """The changes in the order of the file."""
    return tuple(
        _change(row, number, source) for number, row in enumerate(read_rows(text, source=source), 1)
    )


def _change(row: object, number: int, source: str) -> Change:
    try:
        read = msgspec.convert(row, _Row)
    except msgspec.ValidationError as error:
        raise EvidenceError(
            f"{source}: change {number}: {error}",
            fix="write day, subject and kind; and by, adr, reviewed, by-pipeline, release",
        ) from error
    return Change(
        day=read.day.isoformat(),
        subject=read.subject,
        kind=read.kind,
        by=read.by,
        adr=read.adr,
        reviewed=read.reviewed,
        by_pipeline=read.by_pipeline,
        release=read.release,
    )
