"""Writes docs/reference/record.md from the record's own fields.

python tools/generate_record_reference.py          write it
python tools/generate_record_reference.py --check  say whether it is up to date
"""

import typing

import msgspec
from reference_pages import REFERENCE, note, settle, table

from holdfast.audit import (
    RECORD_FIELDS,
    CallRecord,
    RecordedDecision,
    RecordedEvent,
    RecordedOutcome,
)

INTRODUCTION = """\
# The record

{note}

One record says what was decided about a call and what came of it. A plain call has one record, of
the event `call`. One that may change something has two: `intent`, durable before it is sent, and its
outcome; an intent without an outcome is an alarm. A stream has two: `opened`, durable before its first byte leaves, and `closed`,
durable before its last event. A stream without a `closed` record was cut off by a crash. A call that
was refused has one record too.

A record never holds what anybody said. `prompt` and `answer` are HMAC-SHA-256 under a salt of the
instance (`keys/digest-salt-TENANT`): who has the text and the salt can show that the text is the one; who
has only the log learns nothing. Destroy the salt and they are mute, while every proof still holds.

The bytes are canonical JSON (RFC 8785): fields in the order below, no spaces, no floats; a field
that has its default is left out. These bytes
are the leaf that the log's tree hashes. Unknown fields are refused; a field is added only with a new
version.

"""


def kind_of(hint: object) -> str:
    """A field's values in a few words."""
    if hint is None or hint is type(None):
        return "null"
    if typing.get_origin(hint) is tuple:
        return f"list of {kind_of(typing.get_args(hint)[0])}"
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(hint))
    if parts := typing.get_args(hint):
        return " or ".join(kind_of(part) for part in parts)
    return {"str": "text", "int": "whole number", "bool": "true or false"}[
        getattr(hint, "__name__", "")
    ]


def linked(meaning: str) -> str:
    """A field's meaning with a link to the page of codes where it speaks of one."""
    return meaning.replace("The code of", "The [code](errors.md) of")


def reference() -> str:
    """The page. A field without a meaning stops this tool."""
    hints = typing.get_type_hints(CallRecord)
    named = [field.name for field in msgspec.structs.fields(CallRecord)]
    meanings = dict(RECORD_FIELDS)
    rows = [(f"`{name}`", kind_of(hints[name]), linked(meanings.pop(name))) for name in named]
    if meanings:
        raise SystemExit(f"these fields are gone: {sorted(meanings)}")
    assert all(map(typing.get_args, (RecordedDecision, RecordedEvent, RecordedOutcome)))
    return INTRODUCTION.replace("{note}", note("generate_record_reference.py")) + table(
        ("field", "value", "meaning"), rows
    )


if __name__ == "__main__":
    raise SystemExit(settle(REFERENCE / "record.md", reference()))
