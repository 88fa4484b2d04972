"""The documents that others may name: CALM's own schemas, shipped, and what the caller maps."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from holdfast.blueprint.calm.errors import CalmReferenceError
from holdfast.blueprint.calm.reading import read_document
from holdfast.core import JsonObject, JsonValue

CALM_BASE = "https://calm.finos.org/"
NEWEST_RELEASE = "1.2"
CORE = f"{CALM_BASE}release/{NEWEST_RELEASE}/meta/core.json"
TIMELINE = f"{CALM_BASE}release/{NEWEST_RELEASE}/meta/calm-timeline.json"
DECORATOR = f"{CALM_BASE}release/{NEWEST_RELEASE}/meta/decorators.json#/defs/decorator"
DOCUMENTS_MAX = 4096
"""Documents that one library reads."""

_META = (
    "calm.json",
    "control-requirement.json",
    "control.json",
    "core.json",
    "evidence.json",
    "flow.json",
    "interface.json",
    "units.json",
)
_TIMELINES = ("calm-timeline.json", "decorators.json", "timeline.json")
_STANDARDS = ("deployment.decorator.standard.json", "kubernetes.decorator.standard.json")


@cache
def shipped() -> Mapping[str, str]:
    """URL of each schema of CALM that is shipped -> its place in the package."""
    plain = ("draft/2025-03", "release/1.0-rc1", "release/1.0-rc2", "release/1.0", "release/1.1")
    places = [f"{version}/meta/{name}" for version in plain for name in _META]
    for version in ("release/1.2", "draft/2026-03"):
        places += [f"{version}/meta/{name}" for name in (*_META, *_TIMELINES)]
    places += [f"draft/2026-03/standards/deployment/{name}" for name in _STANDARDS]
    return MappingProxyType({CALM_BASE + place: place for place in places})


def shipped_text(url: str) -> str:
    """The JSON text of a schema of CALM that is shipped."""
    return _bytes(shipped()[url]).decode()


@cache
def _shipped_document(place: str) -> JsonObject:
    """One shipped schema. Whoever reads it leaves it as it is."""
    return read_document(_bytes(place), name=place)


def _bytes(place: str) -> bytes:
    file = files("holdfast.blueprint.calm").joinpath("schemas", *place.split("/"))
    return file.read_bytes()


Finder = Callable[[str], bytes | None]
"""The text of the document under a URL, or ``None`` where nothing is mapped."""


class Library:
    """Documents by URL: those that ``find`` gives, then CALM's own. Each is read once.

    ``find`` is the only way out of the package; nothing is ever fetched.
    """

    def __init__(self, find: Finder | None = None) -> None:
        self._find = find
        self._documents: dict[str, JsonValue] = {}

    def document(self, url: str) -> JsonValue:
        """``CalmReferenceError`` for an unknown URL, ``CalmDocumentError`` for a bad text."""
        found = self._documents.get(url)
        if found is None:
            found = self._read(url)
            if len(self._documents) >= DOCUMENTS_MAX:
                self._documents.clear()
            self._documents[url] = found
        return found

    def _read(self, url: str) -> JsonObject:
        text = self._find(url) if self._find else None
        if text is not None:
            return read_document(text, name=url)
        place = shipped().get(url)
        if place is None:
            raise CalmReferenceError(url)
        return _shipped_document(place)
