"""CALM documents on disk: the file asked about, the map of URLs, and what lies beside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from holdfast.app.texts import FileError
from holdfast.blueprint.calm import (
    CALM_BASE,
    DOCUMENT_BYTES_MAX,
    CalmDocumentError,
    CalmError,
    Difference,
    Finding,
    Generated,
    Judge,
    Kind,
    Library,
    Moment,
    Report,
    Step,
    choices_for,
    compare,
    compare_patterns,
    generate,
    kind_of_document,
    moments_of,
    questions,
    read_document,
    read_value,
    step_between,
    steps_between,
)
from holdfast.blueprint.exchange import requirement
from holdfast.core import JsonObject, JsonValue

URLS_MAX = 20_000
"""Entries of one map."""
UNREADABLE = "holdfast-document-unreadable"
_SUFFIX = ".json"
_MAP_PARTS = ("schemas", "documents")


class UrlMapError(CalmError):
    """The map of URLs is not understood."""

    code = "calm.url-map"

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path}: {what}",
            fix='write {"URL": "FILE", ...}, or that under "schemas" and "documents"',
        )


class AgainstError(CalmError):
    """``--against`` is not understood."""

    code = "calm.against"


@dataclass(frozen=True, slots=True)
class Documents:
    """Finds documents by URL: those mapped, then what Holdfast's own controls demand, then files
    beside. Relative references are looked for in each of ``folders``; only files called ``*.json``
    are read, and none by an absolute path."""

    mapped: Mapping[str, Path] = field(default_factory=dict[str, Path])
    folders: tuple[Path, ...] = ()

    def find(self, url: str) -> bytes | None:
        known = self.mapped.get(url)
        if known is not None:
            return _bytes(known)
        own = requirement(url)
        if own is not None:
            return own
        name = url.partition("#")[0]
        if urlsplit(name).scheme or name.startswith(("/", "\\")) or not name.endswith(_SUFFIX):
            return None
        beside = (folder / name for folder in self.folders)
        found = next((path for path in beside if path.is_file()), None)
        return None if found is None else _bytes(found)


def documents(url_map: Path | None, *beside: Path) -> Documents:
    """For work on the files ``beside``, with the map in ``url_map``, relative to which its files
    are."""
    folders = tuple(dict.fromkeys(path.parent for path in beside))
    return Documents(mapped_files(url_map) if url_map else {}, folders)


def mapped_files(path: Path) -> dict[str, Path]:
    """What a map of URLs says: which file stands for which."""
    try:
        read = read_document(_bytes(path), name="the map")
    except CalmDocumentError as error:
        raise UrlMapError(path, error.what) from error
    if any(isinstance(read.get(part), dict) for part in _MAP_PARTS):
        parts = [read.get(part) for part in _MAP_PARTS]
    else:
        parts = [read]
    mapped: dict[str, Path] = {}
    for part in parts:
        for url, place in (part if isinstance(part, dict) else {}).items():
            if not isinstance(place, str):
                raise UrlMapError(path, f"{url} is not mapped to the name of a file")
            mapped[url] = path.parent / place
    if len(mapped) > URLS_MAX:
        raise UrlMapError(path, f"{len(mapped)} URLs are more than {URLS_MAX}")
    return mapped


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(DOCUMENT_BYTES_MAX + 1)
    except OSError as error:
        raise FileError(
            f"{path} cannot be read: {error.strerror}", fix="check the path and its permissions"
        ) from error


def read_file(path: Path) -> JsonObject:
    """The document in a file; ``FileError`` or ``CalmDocumentError``."""
    return read_document(_bytes(path), name=str(path))


def validate_file(
    path: Path, *, against: str | None, url_map: Path | None, kind: Kind | None
) -> Report:
    """The verdict on the document in ``path``: by its own schema, or as ``against`` says."""
    text = _bytes(path)
    try:
        value = read_value(text, name=str(path))
        return _judged(value, path, against=against, url_map=url_map, kind=kind)
    except CalmDocumentError as error:
        return Report(
            errors=(Finding(code=UNREADABLE, path="/", message=error.what),),
            warnings=(),
            ours=(),
        )


def _judged(
    value: JsonValue, path: Path, *, against: str | None, url_map: Path | None, kind: Kind | None
) -> Report:
    word, _, rest = (against or "own").partition(":")
    if word == "schema" and rest:
        return Judge(Library(documents(url_map, path).find)).schema(value, _absolute(rest))
    document = _document(value, path)
    if word == "pattern" and rest:
        held = Path(rest)
        judge = Judge(Library(documents(url_map, held, path).find))
        return judge.architecture(document, pattern=read_file(held))
    judge = Judge(Library(documents(url_map, path).find))
    if against is None:
        return judge.own(document, kind=kind)
    if word.startswith("core-") and not rest:
        return judge.architecture(document, core=_core(word.removeprefix("core-")))
    raise AgainstError(
        f"{against} names nothing to judge by",
        fix="use core-1.2, pattern:FILE or schema:URL",
    )


def _document(value: JsonValue, path: Path) -> JsonObject:
    if not isinstance(value, dict):
        raise CalmDocumentError(f"{path} holds no JSON object")
    return value


def _absolute(url: str) -> str:
    """CALM's own schemas may be named from their version on."""
    is_own = url.startswith(("release/", "draft/"))
    return CALM_BASE + url if is_own else url


def _core(version: str) -> str:
    place = version.replace("draft-", "draft/") if "draft-" in version else f"release/{version}"
    return f"{CALM_BASE}{place}/meta/core.json"


def generate_file(
    path: Path, *, options: Mapping[str, list[str]], first_otherwise: bool, url_map: Path | None
) -> Generated:
    """The architecture that the pattern in ``path`` stands for, its options chosen."""
    pattern = read_file(path)
    choices = None
    if options or questions(pattern):
        choices = choices_for(pattern, options, first_otherwise=first_otherwise)
    return generate(pattern, Library(documents(url_map, path).find), choices=choices)


def write_document(path: Path, document: JsonObject) -> None:
    """Indented JSON. A crash may leave a file that is cut short: run the command again."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(
            f"{path} cannot be written: {error.strerror}", fix="check the path and its permissions"
        ) from error


def compare_files(before: Path, after: Path) -> Difference:
    """Two architectures, or two patterns."""
    old, new = read_file(before), read_file(after)
    kinds = kind_of_document(old), kind_of_document(new)
    if kinds == ("architecture", "architecture"):
        return compare(old, new)
    if kinds == ("pattern", "pattern"):
        return compare_patterns(old, new)
    raise CalmDocumentError(
        f"{before} is {_a(kinds[0])} and {after} is {_a(kinds[1])}",
        fix="compare two architectures or two patterns; moments with `holdfast calm timeline`",
    )


def _a(kind: Kind) -> str:
    return f"an {kind}" if kind == "architecture" else f"a {kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A timeline's moments, and the steps between them that were asked for."""

    moments: tuple[Moment, ...]
    steps: tuple[Step, ...]

    def as_json(self) -> JsonObject:
        return {
            "moments": [
                {
                    "unique-id": each.unique_id,
                    "name": each.name,
                    "valid-from": each.valid_from,
                    "current": each.is_current,
                    "adrs": list(each.records),
                }
                for each in self.moments
            ],
            "diffs": [
                {"from": each.before, "to": each.after, "diff": each.difference.as_json}
                for each in self.steps
            ],
        }


def timeline_of_file(
    path: Path, *, before: str | None, after: str | None, url_map: Path | None
) -> Told:
    """Every two neighbours, or the two moments named."""
    timeline = read_file(path)
    library = Library(documents(url_map, path).find)
    if before is not None and after is not None:
        steps = (step_between(timeline, library, before=before, after=after),)
    else:
        steps = tuple(steps_between(timeline, library))
    return Told(moments=moments_of(timeline), steps=steps)
