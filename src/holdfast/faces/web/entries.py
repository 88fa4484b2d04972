"""An entry of the log as it stands there: its bytes, each of its fields explained, what checks it.
Pure. Pages of calls and of the log show it by the same templates, ``evidence/``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from holdfast.audit import (
    CHANGE_FIELDS,
    RECORD_FIELDS,
    ChangeRecord,
    Entry,
    decode_entry,
    encode_change,
    encode_record,
)
from holdfast.faces.web.words import moment

KEY_WORD = "VKEY"
TITLES = {
    "intent": "recorded before it was sent",
    "opened": "recorded when its answer began",
    "closed": "recorded at its end",
}
"""What each of a call's records is, where there may be more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """One field: its value as the entry's JSON has it, what the value is where a number hides it,
    and what the field says."""

    name: str
    value: str
    means: str
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """One entry. ``index`` is None while no checkpoint covers it; ``text`` is the entry's bytes;
    ``is_canonical`` says that this version would write the same bytes again."""

    index: int | None
    title: str
    text: str
    fields: tuple[FieldRow, ...]
    is_canonical: bool
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvingView:
    """How an entry is checked: with ``vkey`` in the browser, or with ``commands`` anywhere."""

    index: int
    vkey: str
    origin: str
    file: str
    commands: tuple[str, ...]


def entry_view(entry: Entry) -> EntryView:
    """Read an entry; ``RecordError`` when this version knows no such entry."""
    record = decode_entry(entry.data)
    change = isinstance(record, ChangeRecord)
    name = record.change if change else record.call
    told = cast("dict[str, object]", msgspec.json.decode(entry.data))
    meanings = CHANGE_FIELDS if change else RECORD_FIELDS
    title = record.kind if change else TITLES.get(record.event, "the record")
    again = encode_change(record) if change else encode_record(record)
    return EntryView(
        index=entry.index,
        title=title,
        text=entry.data.decode(),
        fields=tuple(_field(field, value, meanings) for field, value in told.items()),
        is_canonical=again == entry.data,
        file=f"{name}-{entry.index}" if entry.index is not None else name,
    )


def proving_view(entry: EntryView, vkey: str | None) -> ProvingView | None:
    """None while no checkpoint covers the entry: there is no proof of it yet."""
    if entry.index is None:
        return None
    file = f"{entry.file}.tlog-proof"
    return ProvingView(
        index=entry.index,
        vkey=vkey or "",
        origin=(vkey or "").partition("+")[0],
        file=file,
        commands=(f"holdfast audit verify-receipt {file} --key {vkey or KEY_WORD}",),
    )


def _field(name: str, value: object, meanings: Mapping[str, str]) -> FieldRow:
    return FieldRow(
        name=name,
        value=msgspec.json.encode(value).decode(),
        means=_said(name, value),
        # Split at its code marks: every second piece is code.
        about=tuple(meanings.get(name, "A field that this version does not know.").split("`")),
    )


def _said(name: str, value: object) -> str:
    if name == "at" and isinstance(value, int):
        return moment(value)
    return ""
