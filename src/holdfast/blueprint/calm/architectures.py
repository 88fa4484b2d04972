"""One architecture and those behind its nodes: the four phases, each told in full."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from holdfast.blueprint.calm.controls import UNREAD_CODE, check_controls
from holdfast.blueprint.calm.errors import CalmDocumentError, CalmReferenceError
from holdfast.blueprint.calm.findings import Finding
from holdfast.blueprint.calm.library import CORE
from holdfast.blueprint.calm.lint_architecture import lint_architecture
from holdfast.blueprint.calm.model import is_modelled
from holdfast.blueprint.calm.options import OptionsError, choices_recorded, with_choices
from holdfast.blueprint.calm.schemas import Schema, SchemaError, Schemas
from holdfast.blueprint.calm.selecting import members
from holdfast.blueprint.calm.values import truthy
from holdfast.core import JsonObject, JsonValue

SCHEMA_CODE = "json-schema"
DETAILS_CODE = "node-details-validation"
UNUSABLE_OPTIONS = "holdfast-options-unusable"
DETAILS_CYCLE = "holdfast-details-cycle"
DETAILS_DEPTH_MAX = 24
"""Architectures behind architectures that are followed."""
DETAILS_MAX = 1000
"""Architectures behind nodes that one run judges."""


@dataclass(slots=True, kw_only=True)
class Run:
    """Judges one architecture. ``ours`` gathers findings of ours that it meets on the way."""

    schemas: Schemas
    linted: Callable[[JsonValue], tuple[Finding, ...]]
    core: str = CORE
    ours: list[Finding] = field(default_factory=list[Finding])
    seen: set[str] = field(default_factory=set[str])
    failed: dict[str, str] = field(default_factory=dict[str, str])

    def top(self, document: JsonObject, *, pattern: JsonValue) -> Iterator[Finding]:
        """The document asked about. Options that cannot be chosen by make the reference break
        off; here that is an error, and the pattern judges as it stands."""
        own = document.get("$id")
        above = (own,) if isinstance(own, str) else ()
        try:
            chosen = _chosen(document, pattern=pattern)
        except OptionsError as error:
            chosen = pattern
            told = f"the options recorded here cannot be applied to the pattern: {error.what}"
            yield Finding(code=UNUSABLE_OPTIONS, path="/relationships", message=told)
        yield from self._phases(document, pattern=pattern, chosen=chosen, above=above)

    def _phases(
        self, document: JsonObject, *, pattern: JsonValue, chosen: JsonValue, above: tuple[str, ...]
    ) -> Iterator[Finding]:
        if pattern is not None:
            yield from self.linted(pattern)
        yield from lint_architecture(document)
        schema = self._schema(chosen)
        if isinstance(schema, Finding):
            yield schema
            return
        for fault in schema.faults(document):
            yield Finding(code=SCHEMA_CODE, path=fault.path or "/", message=fault.message)
        for found in check_controls(document, pattern=pattern, schemas=self.schemas):
            if found.code == UNREAD_CODE:
                self.ours.append(found)
            else:
                yield found
        yield from self._details(document, above=above)

    def _schema(self, chosen: JsonValue) -> Schema | Finding:
        try:
            return self.schemas.at(self.core) if chosen is None else self.schemas.compile(chosen)
        except SchemaError as error:
            return Finding(code=SCHEMA_CODE, path="/", message=str(error))

    def _details(self, document: JsonObject, *, above: tuple[str, ...]) -> Iterator[Finding]:
        if not is_modelled(document):
            return
        for index, node in members(document.get("nodes")):
            details = node.get("details") if isinstance(node, dict) else None
            if not isinstance(details, dict):
                continue
            url = details.get("detailed-architecture")
            prefix = f"/nodes/{index}/details/detailed-architecture"
            if isinstance(url, str) and url:
                yield from self._detail(url, prefix, details=details, above=above)
            elif truthy(url):
                yield Finding(code=DETAILS_CODE, path=prefix, message="this is no URL")

    def _detail(
        self, url: str, prefix: str, *, details: JsonObject, above: tuple[str, ...]
    ) -> Iterator[Finding]:
        if url in above:
            told = f"{url} is described by itself: {' -> '.join([*above, url])}"
            self.ours.append(Finding(code=DETAILS_CYCLE, path=prefix, message=told))
        if url in self.seen and url not in self.failed:
            return
        fault = self._unread(url, depth=len(above))
        if fault:
            yield Finding(code=DETAILS_CODE, path=prefix, message=fault)
            return
        document = self.schemas.library.document(url)
        if isinstance(document, dict):
            mark = len(self.ours)
            found = self._behind(document, url, details=details, above=above)
            self.ours[mark:] = [each.under(prefix) for each in self.ours[mark:]]
            for each in found:
                yield each.under(prefix)

    def _unread(self, url: str, *, depth: int) -> str:
        """Why the architecture under ``url`` cannot be judged, or nothing."""
        if url in self.failed:
            return self.failed[url]
        self.seen.add(url)
        if depth >= DETAILS_DEPTH_MAX or len(self.seen) > DETAILS_MAX:
            return self._fail(url, "too many architectures stand behind one another")
        try:
            self.schemas.library.document(url)
        except (CalmReferenceError, CalmDocumentError) as error:
            return self._fail(url, str(error))
        return ""

    def _fail(self, url: str, why: str) -> str:
        self.failed[url] = f"the architecture {url} cannot be judged: {why}"
        return self.failed[url]

    def _behind(
        self, document: JsonObject, url: str, *, details: JsonObject, above: tuple[str, ...]
    ) -> list[Finding]:
        pattern = self._required(details, document)
        try:
            chosen = _chosen(document, pattern=pattern)
        except OptionsError as error:
            told = f"the architecture {url} cannot be judged: {error.what}"
            return [Finding(code=DETAILS_CODE, path="/", message=told)]
        return list(self._phases(document, pattern=pattern, chosen=chosen, above=(*above, url)))

    def _required(self, details: JsonObject, document: JsonObject) -> JsonValue:
        """The pattern a node asks for, else the document's own schema, else none."""
        for url in (details.get("required-pattern"), document.get("$schema")):
            if isinstance(url, str) and url:
                try:
                    return self.schemas.document(url)
                except SchemaError:
                    continue
        return None


def _chosen(document: JsonObject, *, pattern: JsonValue) -> JsonValue:
    """The pattern with the architecture's choices made; without any, the pattern itself."""
    if pattern is None:
        return None
    choices = choices_recorded(document)
    return with_choices(pattern, choices) if choices else pattern
