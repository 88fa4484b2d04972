"""Reviews of a blueprint on disk: what is read for one, and what its mending writes."""

import contextlib
import gc
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import msgspec

from holdfast import __version__
from holdfast.app.evidence_files import Given, evidence_from
from holdfast.app.review_rules import rules_and_packs
from holdfast.app.revisions import text_at
from holdfast.app.texts import FileError, read_text
from holdfast.blueprint import (
    BYTES_MAX,
    Blueprint,
    BlueprintError,
    load,
    load_large,
    read_yaml,
)
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import (
    Evidence,
    Fix,
    Report,
    ReviewError,
    Settings,
    compared,
    difference,
    fix_of,
    review,
)
from holdfast.blueprint.review.report import (
    OriginalPlaces,
    Places,
    WrittenPlaces,
    html_page,
    machine_form,
    markdown_text,
    nowhere,
    sarif_form,
    terminal_text,
)
from holdfast.core import Progress, untold
from holdfast.world.real import SystemClock

LARGE_FILE_BYTES_MAX = 64 * 1024 * 1024
_HEAD_CHARACTERS = 2_000
"""Where a blueprint in JSON says its format."""


_Origins: TypeAlias = Mapping[str, tuple[str | int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person wants reviewed, and how. ``today`` is None for the day it is."""

    file: Path
    packs: tuple[Path, ...] = ()
    evidence: Given = ()
    only: tuple[str, ...] = ()
    since: str | None = None
    today: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A report with what it was made from."""

    report: Report
    system: System
    text: str
    places: Places
    source: str


def review_file(asked: Asked, *, progress: Progress = untold) -> Reviewed:
    """Read everything, ask every rule. Errors say which file is wrong and how. ``progress`` hears of
    rules."""
    text = read_declared(asked.file)
    blueprint, origins = _declared(text, asked.file)
    system = System(blueprint)
    rules, packs = rules_and_packs(blueprint, asked.file.parent, asked.packs)
    unknown = sorted(set(asked.only) - {rule.id for rule in rules})
    if unknown:
        raise ReviewError(
            f"there is no rule {', '.join(unknown)}", fix="see the rules' page, or leave --rule out"
        )
    settings = Settings(rules=rules, packs=packs, only=asked.only or None)
    evidence = evidence_from(asked.evidence, system)
    today = asked.today or _today()
    with _collector_at_rest():
        report = review(system, evidence, today, settings=settings, progress=progress)
        if asked.since is not None:
            report = _since(report, asked, evidence, today, settings)
    return Reviewed(
        report=report,
        system=system,
        text=text,
        places=_places(text, asked.file, origins),
        source=str(asked.file),
    )


@contextlib.contextmanager
def _collector_at_rest() -> Generator[None]:
    """A review makes many small things and drops none: looking for garbage among them took 4 of 10
    seconds for 10,000 nodes. Loading so many is the same."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_declared(path: Path) -> str:
    """The text of a blueprint; of JSON more than people write."""
    if path.suffix != ".json":
        return read_text(path)
    return read_text(path, LARGE_FILE_BYTES_MAX)


def declared_in(text: str, path: Path) -> Blueprint:
    """The blueprint, for an analysis: nothing of it is started, so no signature is asked for. An
    architecture of CALM is imported."""
    return _declared(text, path)[0]


def _declared(text: str, path: Path) -> tuple[Blueprint, _Origins]:
    """The blueprint; and where its parts come from in a document that it was made of."""
    read = _reader(path.parent)
    if _is_calm(text, path):
        text, origins = _imported(text, path)
        return load(text, source=str(path), read=read, signed=True), origins
    if _is_large(text, path):
        with _collector_at_rest():
            return load_large(text, source=str(path), read=read), {}
    return load(text, source=str(path), read=read, signed=True), {}


def _is_calm(text: str, path: Path) -> bool:
    """A JSON document that is no blueprint: those say `"holdfast": 1`."""
    return path.suffix == ".json" and '"holdfast"' not in text[:_HEAD_CHARACTERS]


def _imported(text: str, path: Path) -> tuple[str, _Origins]:
    from holdfast.blueprint.calm import read_document  # noqa: PLC0415 - only where it is CALM
    from holdfast.blueprint.exchange import import_calm  # noqa: PLC0415

    found = import_calm(read_document(text.encode(), name=str(path)), name=path.stem)
    return found.text, found.origins


def _is_large(text: str, path: Path) -> bool:
    return path.suffix == ".json" and len(text) > BYTES_MAX // 4


def _reader(folder: Path) -> Callable[[str], str]:
    def read(name: str) -> str:
        try:
            return read_text(folder / name)
        except FileError as error:
            raise OSError(error.what) from error

    return read


def _places(text: str, path: Path, origins: _Origins) -> Places:
    if _is_large(text, path):
        return nowhere
    document = read_yaml(text, source=str(path))  # JSON is YAML too
    return OriginalPlaces(document, origins) if origins else WrittenPlaces(document)


def _today() -> date:
    return datetime.fromtimestamp(SystemClock().now() / 1_000_000, UTC).date()


def _since(
    report: Report, asked: Asked, evidence: Evidence, today: date, settings: Settings
) -> Report:
    """Compared with the same review of the file as it was; all is new where it was not there, or
    was no blueprint."""
    assert asked.since is not None
    earlier = text_at(asked.file, asked.since)
    if earlier is None:
        return report
    try:
        blueprint = declared_in(earlier, asked.file)
    except BlueprintError:
        return report
    before = review(System(blueprint), evidence, today, settings=settings)
    return compared(report, before, since=asked.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What the patches of a review's findings make of its file."""

    fix: Fix
    difference: str


def mend(reviewed: Reviewed) -> Mended:
    """The file with every patch of an open finding that fits; nothing is written."""
    path = Path(reviewed.source)
    if _is_calm(reviewed.text, path):
        fix = "import it first: holdfast calm import"
        raise ReviewError(f"{path} is a document of CALM; patches are for blueprints", fix=fix)
    if _is_large(reviewed.text, path):
        raise ReviewError(f"{path} was written by a program", fix="mend what writes it")

    def fault(text: str) -> str | None:
        try:
            declared_in(text, path)
        except BlueprintError as error:
            return error.problems[0].what
        return None

    fix = fix_of(reviewed.text, reviewed.report.broken, source=path.name, fault=fault)
    return Mended(fix=fix, difference=difference(reviewed.text, fix.text, source=path.name))


def write_mended(reviewed: Reviewed, mended: Mended) -> None:
    """Put the mended text in the file's place at once: a crash leaves the old file or the new."""
    path = Path(reviewed.source)
    if read_declared(path) != reviewed.text:
        raise FileError(f"{path} was changed meanwhile", fix="review it again")
    beside = path.with_name(f".{path.name}.mended")
    beside.write_text(mended.fix.text, "utf-8")
    beside.chmod(path.stat().st_mode & 0o777)
    beside.replace(path)


def report_text(reviewed: Reviewed, form: str, *, whole: bool) -> str:
    """The report as text, json, sarif, markdown or html."""
    report, places, source = reviewed.report, reviewed.places, reviewed.source
    match form:
        case "json":
            value = machine_form(report, places, source=source, whole=whole)
            return msgspec.json.encode(value).decode()
        case "sarif":
            value = sarif_form(report, places, source=_uri(source), version=__version__)
            return msgspec.json.format(msgspec.json.encode(value), indent=1).decode()
        case "markdown":
            return markdown_text(report, places, source=source)
        case "html":
            return html_page(report, reviewed.system, places, source=source)
        case _:
            return terminal_text(report, places, source=source, whole=whole)


def _uri(source: str) -> str:
    """The file relative to where the command runs, as code scanning wants it."""
    path = Path(source)
    here = Path.cwd()
    shown = path.absolute().relative_to(here) if path.absolute().is_relative_to(here) else path
    return quote(shown.as_posix())
