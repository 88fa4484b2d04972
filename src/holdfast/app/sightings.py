"""Sightings from where they lie: trace files of four formats, a data directory's records and counts.

Files are read piece by piece, so that their size is no matter; time is what the spans say it is.
"""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from holdfast.app import wiring
from holdfast.app.datadir import DataDir
from holdfast.app.texts import FileError
from holdfast.audit import CallRecord, LogReader, NoLogError, decode_entry
from holdfast.blueprint import Blueprint
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import Seen
from holdfast.core import Instant, Progress, untold
from holdfast.loops.drift import (
    NEZHA_HEAD,
    NO_BINDINGS,
    Bindings,
    Gathering,
    Period,
    Question,
    Records,
    SightingStore,
    Span,
    Tally,
    TracesError,
    compare,
    observe_trace,
    read_jaeger,
    read_nezha,
    read_otlp_json,
    read_otlp_wire,
    seen_of,
)
from holdfast.world.real import SystemClock

PIECE_BYTES_MAX = 256 * 1024 * 1024
"""One line, one message or one document of a trace file."""
FILES_MAX = 5_000
RECORDS_PIECE = 1_000
RECORDS_MAX = 2_000_000
"""Of a log, the newest records that are looked at."""
SUFFIXES = (".csv", ".json", ".jsonl", ".ndjson", ".binpb", ".pb", ".proto")
_LENGTH_BYTES = 4
_SPANS_NAMED = (b'"resourceSpans"', b'"resource_spans"', b'"data"')
"""What a document of traces holds even where it is empty."""


@dataclass(slots=True)
class Sighted:
    """What was gathered: the counts, and by week how people decided on calls that waited for them."""

    tally: Tally = field(default_factory=Tally)
    approvals: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    spans: int = 0
    records: int = 0


def sight_traces(
    paths: Sequence[Path], into: Sighted, *, sampling: float = 1.0, progress: Progress = untold
) -> None:
    """Count what trace files show; ``TracesError`` or ``FileError`` names the one that cannot be
    read. Folders are read with all below them. ``progress`` hears of spans."""
    gathering = Gathering()
    newest = 0
    for path in _files(paths):
        for spans in _pieces(path, sampling):
            into.spans += len(spans)
            progress(into.spans, 0)
            newest = max(newest, max((span.end for span in spans), default=0))
            for trace in gathering.add(spans, newest):
                observe_trace(trace, into.tally)
    for trace in gathering.rest():
        observe_trace(trace, into.tally)


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inner = (each for each in sorted(path.rglob("*")) if each.is_file())
            found += [each for each in inner if _suffix(each) in SUFFIXES]
        else:
            found.append(path)
    if len(found) > FILES_MAX:
        raise FileError(f"{len(found)} trace files are more than {FILES_MAX}", fix="name fewer")
    if paths and not found:
        raise FileError(
            f"there are no traces in {paths[0]}",
            fix=f"name files that end in {', '.join(SUFFIXES)}",
        )
    return found


def _suffix(path: Path) -> str:
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def _pieces(path: Path, p: float) -> Iterator[list[Span]]:
    try:
        with path.open("rb") as raw:
            stream = cast("BinaryIO", gzip.open(raw)) if path.suffix == ".gz" else raw  # noqa: SIM115 - closes with raw
            yield from _decoded(stream, _suffix(path), p=p)
    except (OSError, EOFError, zlib.error) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise FileError(f"{path} cannot be read: {why}", fix="check the file") from error
    except TracesError as error:
        raise TracesError(f"{path}: {error.what}", fix=error.fix) from error


def _decoded(stream: BinaryIO, suffix: str, *, p: float) -> Iterator[list[Span]]:
    if suffix == ".csv":
        with io.TextIOWrapper(stream, "utf-8", newline="") as text:
            yield from _tables(text, p=p)
    elif suffix in {".binpb", ".pb", ".proto"}:
        yield from _messages(stream, p=p)
    else:
        yield from _documents(stream, p=p)


def _tables(text: io.TextIOWrapper, *, p: float) -> Iterator[list[Span]]:
    head = text.readline()
    if not head.lstrip("\ufeff").startswith(NEZHA_HEAD[0]):
        raise TracesError("a table of traces begins with its columns", fix=",".join(NEZHA_HEAD))
    while lines := text.readlines(8 * 1024 * 1024):
        yield read_nezha([head, *lines], p=p)


def _messages(stream: BinaryIO, *, p: float) -> Iterator[list[Span]]:
    """The collector's file exporter writes each message's length before it, in 4 bytes; other
    programs write one message and nothing else."""
    head = stream.read(_LENGTH_BYTES)
    size = int.from_bytes(head, "big")
    if not head or head[0] == 0x0A:  # a message begins with its field 1
        yield read_otlp_wire(head + _bounded(stream), p=p)
        return
    while head:
        if size > PIECE_BYTES_MAX:
            raise TracesError(
                f"a message of {size} bytes is too long",
                fix="name a message of OTLP, or a file of the collector's file exporter",
            )
        yield read_otlp_wire(stream.read(size), p=p)
        head = stream.read(_LENGTH_BYTES)
        size = int.from_bytes(head, "big")


def _bounded(stream: BinaryIO) -> bytes:
    data = stream.read(PIECE_BYTES_MAX + 1)
    if len(data) > PIECE_BYTES_MAX:
        raise TracesError(f"one document of more than {PIECE_BYTES_MAX} bytes", fix="split it")
    return data


def _documents(stream: BinaryIO, *, p: float) -> Iterator[list[Span]]:
    """One document a line, or one over several lines."""
    first = stream.readline(PIECE_BYTES_MAX)
    if not _is_whole(first):
        yield _read_json(first + _bounded(stream), p=p)
        return
    while first:
        if first.strip():
            yield _read_json(first, p=p)
        first = stream.readline(PIECE_BYTES_MAX)


def _is_whole(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False  # whoever reads it says what is wrong with it
    return True


def _read_json(data: bytes, *, p: float) -> list[Span]:
    if b'"traceID"' in data and b'"resourceSpans"' not in data:
        return read_jaeger(data, p=p)
    spans = read_otlp_json(data, p=p)
    if not spans and not any(name in data for name in _SPANS_NAMED):
        raise TracesError(
            "this is JSON, and no traces", fix="name files of OTLP or of Jaeger, by their suffix"
        )
    return spans


def sight_data(
    data: DataDir,
    blueprint: Blueprint,
    into: Sighted,
    *,
    since: Instant,
    progress: Progress = untold,
) -> None:
    """Count what the gateway recorded since then, and add the counts of traces it was sent."""
    with closing(wiring.open_store(data)) as store:
        into.tally.merge(SightingStore(store).read().since(since))
        try:
            reader = wiring.open_reader(data, store=store)
            sight_records(reader, blueprint, into, since=since, progress=progress)
        except NoLogError:
            return


def sight_records(
    reader: LogReader,
    blueprint: Blueprint,
    into: Sighted,
    *,
    since: Instant,
    progress: Progress = untold,
) -> None:
    """Count the calls in the log, from the newest back. ``progress`` hears of them."""
    records = Records(blueprint, into.tally)
    for record in _newest(reader):
        if record.at < since:
            break
        into.records += 1
        progress(into.records, 0)
        records.take(record)
    into.approvals.update(records.approvals)


def _newest(reader: LogReader) -> Iterator[CallRecord]:
    before: int | None = None
    for _ in range(RECORDS_MAX // RECORDS_PIECE):
        entries = reader.recent(RECORDS_PIECE, before=before)
        if not entries:
            return
        for entry in entries:
            record = decode_entry(entry.data)
            if isinstance(record, CallRecord):
                yield record
        before = entries[-1].index


def seen_in_traces(paths: Sequence[Path], system: System) -> Seen:
    """Trace files as evidence for reviews."""
    sighted = Sighted()
    sight_traces(paths, sighted)
    return _seen(sighted.tally, system)


def seen_in_calls(folders: Iterable[Path], system: System) -> Seen:
    """The gateway's records, by their data directories, as evidence for reviews."""
    sighted = Sighted()
    for folder in folders:
        data = DataDir(folder)
        data.require()
        with closing(wiring.open_store(data)) as store:
            reader = wiring.open_reader(data, store=store)
            sight_records(reader, system.blueprint, sighted, since=Instant(0))
    return _seen(sighted.tally, system)


def _seen(tally: Tally, system: System, bindings: Bindings = NO_BINDINGS) -> Seen:
    start, now = tally.span() or (SystemClock().now(), SystemClock().now())
    period = Period(start=start, now=now, window_us=max(1, now - start))
    today = day_of(now)
    return seen_of(
        compare(
            tally,
            Question(blueprint=system.blueprint, period=period, today=today, bindings=bindings),
        )
    )


def day_of(at: int) -> date:
    """The day, in UTC."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).date()
