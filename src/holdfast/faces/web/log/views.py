"""What the log's page shows: the newest checkpoint, who vouches for it, its newest entries. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.audit import (
    CallRecord,
    ChangeRecord,
    Checkpoint,
    Entry,
    Intent,
    Note,
    NoteError,
    Signature,
    Verifier,
    decode_entry,
)
from holdfast.faces.custody import WitnessSeen
from holdfast.faces.web.calls.rows import GLYPHS, IN_FLIGHT
from holdfast.faces.web.words import clock, day_and_minute, moment, short_name
from holdfast.history import Moment, Point

SECOND_US = 1_000_000
HOUR_SECONDS = 3_600
WAITING_MAX = 1_000
"""Entries in journals that are counted; where more wait, the page says so many or more."""
BAR, GAP, TALL = 10, 2, 40
_KINDS = {1: "Ed25519", 4: "Ed25519, with the time", 6: "ML-DSA-44, with the time"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What was read of the log at one moment. ``witnessed`` is the newest checkpoint that enough
    witnesses have cosigned."""

    checkpoint: Checkpoint
    witnessed: Checkpoint | None
    waiting: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRow:
    """One signature under the checkpoint, and whether it holds."""

    name: str
    kind: str
    tone: str
    glyph: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadView:
    """The newest checkpoint. ``trouble`` says why there is none to show."""

    size: str
    root: str
    origin: str
    note: str
    newest: str | None
    newest_at: str
    waiting: str
    signatures: tuple[SignatureRow, ...]
    trouble: str | None
    is_empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessRow:
    """One witness: when it cosigned last, as the kept checkpoint bears it."""

    name: str
    url: str
    tone: str
    glyph: str
    state: str
    at: str | None
    age: str
    trouble: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessesView:
    """Who watches the log. ``behind`` is how many entries the witnessed checkpoint lacks."""

    rows: tuple[WitnessRow, ...]
    quorum: int
    size: str
    behind: str
    tone: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """One entry on a line."""

    index: int
    at: str
    when: str
    what: str
    tone: str
    glyph: str
    who: str
    to: str
    id: str
    href: str | None
    rule: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesView:
    """The newest entries, or those below a place. ``older`` leads on."""

    rows: tuple[EntryRow, ...]
    older: str | None
    is_newest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One hour of the drawing."""

    x: int
    y: float
    height: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthView:
    """Calls recorded in each of the last hours."""

    bars: tuple[Bar, ...]
    width: int
    total: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An alarm, or an erasure."""

    at: str
    when: str
    what: str
    href: str | None
    reason: str


def head_view(
    found: Gathered | str | None, *, keys: Sequence[str], witnesses: Sequence[WitnessSeen]
) -> HeadView:
    """``found`` is a sentence where the log cannot be read, None where there is none yet."""
    if not isinstance(found, Gathered):
        return HeadView(
            size="0",
            root="",
            origin="",
            note="",
            newest=None,
            newest_at="",
            waiting="0",
            signatures=(),
            trouble=found,
            is_empty=found is None,
        )
    checkpoint = found.checkpoint
    newest = decode_entry(found.entries[0].data).at if found.entries else None
    more = "or more" if found.waiting >= WAITING_MAX else ""
    return HeadView(
        size=f"{checkpoint.size:,}",
        root=checkpoint.root.hex(),
        origin=checkpoint.origin,
        note=checkpoint.note.decode(),
        newest=moment(newest) if newest is not None else None,
        newest_at=f"{day_and_minute(newest)[:10]} {clock(newest)} UTC" if newest else "",
        waiting=f"{found.waiting:,} {more}".strip(),
        signatures=_signatures(checkpoint, keys, [key for each in witnesses for key in each.keys]),
        trouble=None,
        is_empty=checkpoint.size == 0,
    )


def _signatures(
    checkpoint: Checkpoint, keys: Sequence[str], theirs: Sequence[str]
) -> tuple[SignatureRow, ...]:
    note = Note.parse(checkpoint.note)
    known = [(Verifier.parse(key), "the log") for key in keys]
    known += [(Verifier.parse(key), "a witness") for key in theirs]
    return tuple(_signature(note, each, known) for each in note.signatures)


def _signature(
    note: Note, signature: Signature, known: Sequence[tuple[Verifier, str]]
) -> SignatureRow:
    for verifier, whose in known:
        if verifier.is_named_by(signature):
            holds = verifier.holds(note.text, signature.value)
            return SignatureRow(
                name=signature.name,
                kind=f"{_KINDS[verifier.kind]}, by {whose}",
                tone="good" if holds else "refused",
                glyph="✓" if holds else "✕",
                state="holds" if holds else "does not hold",
            )
    return SignatureRow(
        name=signature.name,
        kind="by a key that is not known here",
        tone="plain",
        glyph="·",
        state="not checked",
    )


def witnesses_view(
    found: Gathered | str | None, *, witnesses: Sequence[WitnessSeen], quorum: int, now: int
) -> WitnessesView:
    """Who has cosigned the newest checkpoint that was kept with enough cosignatures."""
    size = found.checkpoint.size if isinstance(found, Gathered) else 0
    kept = found.witnessed if isinstance(found, Gathered) else None
    rows = tuple(_witness(each, kept, now=now) for each in witnesses)
    signed = sum(1 for row in rows if row.at is not None)
    behind = size - kept.size if kept is not None else size
    met = kept is not None and signed >= quorum
    return WitnessesView(
        rows=rows,
        quorum=quorum,
        size=f"{kept.size:,}" if kept is not None else "none",
        behind=f"{max(behind, 0):,}",
        tone="good" if met else "failed",
        state=f"{signed} of {len(rows)} cosigned it, {quorum} must",
    )


def _witness(seen: WitnessSeen, kept: Checkpoint | None, *, now: int) -> WitnessRow:
    """A witness may sign with several keys: its newest time counts."""
    try:
        verifiers = tuple(map(Verifier.parse, seen.keys))
        found = kept.cosignatures(verifiers) if kept is not None else ()
        spoiled = False
    except NoteError:
        found, spoiled = (), True
    at = max((each.time for each in found), default=None)
    tone, glyph, state = "plain", "·", "has not cosigned it"
    if spoiled:
        tone, glyph, state = "refused", "✕", "its cosignature does not hold"
    elif at is not None:
        tone, glyph, state = "good", "✓", "cosigned it"
    return WitnessRow(
        name=seen.name,
        url=seen.url,
        tone=tone,
        glyph=glyph,
        state=state,
        at=moment(at * SECOND_US) if at is not None else None,
        age=ago(now - at * SECOND_US) if at is not None else "",
        trouble=seen.trouble,
    )


def ago(us: int) -> str:
    """How long ago, in the unit that fits."""
    seconds = max(us, 0) // SECOND_US
    for unit, length in (("d", 86_400), ("h", HOUR_SECONDS), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def entries_view(entries: Sequence[Entry], *, before: int | None, now: int) -> EntriesView:
    rows = tuple(_entry(entry, now=now) for entry in entries if entry.index is not None)
    last = rows[-1].index if rows else 0
    return EntriesView(
        rows=rows,
        older=f"/log?before={last}" if last > 0 else None,
        is_newest=before is None,
    )


def _entry(entry: Entry, *, now: int) -> EntryRow:
    record = decode_entry(entry.data)
    index = entry.index if entry.index is not None else 0
    day = moment(record.at)[:10]
    when = clock(record.at) if day == moment(now)[:10] else f"{day} {clock(record.at)[:8]}"
    if isinstance(record, ChangeRecord):
        return EntryRow(
            index=index,
            at=moment(record.at),
            when=when,
            what=record.kind,
            tone="change",
            glyph="◆",
            who=record.by,
            to=record.subject,
            id=record.change,
            href=None,
            rule=None,
        )
    return _call(record, index=index, when=when)


def _call(record: CallRecord, *, index: int, when: str) -> EntryRow:
    began = record.event in ("intent", "opened")
    return EntryRow(
        index=index,
        at=moment(record.at),
        when=when,
        what=record.event if began else record.outcome,
        tone="running" if began else record.outcome,
        glyph=IN_FLIGHT if began else GLYPHS.get(record.outcome, IN_FLIGHT),
        who=short_name(record.principal) or "unknown caller",
        to=record.resource or "what it may call",
        id=record.call,
        href=f"/calls/{record.call}",
        rule=record.rule,
    )


def growth_view(points: Sequence[Point]) -> GrowthView | None:
    """None where nothing was recorded in the hours that are drawn."""
    total = sum(point.value for point in points)
    if not total:
        return None
    most = max(point.value for point in points)
    bars = tuple(
        _bar(number, point, scale=TALL / most) for number, point in enumerate(points) if point.value
    )
    return GrowthView(
        bars=bars,
        width=len(points) * (BAR + GAP) - GAP,
        total=f"{total:,.0f}",
        since=day_and_minute(points[0].at),
    )


def _bar(number: int, point: Point, *, scale: float) -> Bar:
    height = round(max(point.value * scale, 1.0), 1)
    return Bar(
        x=number * (BAR + GAP),
        y=round(TALL - height, 1),
        height=height,
        title=f"{point.value:,.0f} calls in the hour from {day_and_minute(point.at)}",
    )


def alarm_rows(alarms: Sequence[Intent]) -> tuple[EventRow, ...]:
    """Calls that were begun and have no outcome, oldest first."""
    return tuple(
        EventRow(
            at=moment(each.at),
            when=day_and_minute(each.at),
            what=each.call,
            href=f"/calls/{each.call}",
            reason="sent on" if each.event == "intent" else "answer begun",
        )
        for each in alarms
    )


def erasure_rows(moments: Sequence[Moment]) -> tuple[EventRow, ...]:
    return tuple(
        EventRow(
            at=moment(each.at),
            when=day_and_minute(each.at),
            what=each.subject,
            href=f"/log/{each.index}" if each.index is not None else None,
            reason=f"{each.text} by {each.by}" if each.by else each.text,
        )
        for each in moments
    )
