"""The verdict on a document: four phases, all of them told, whatever the earlier ones found.

LINT (rules about the document), STRUCTURAL (its schema or pattern), SEMANTIC (controls) and
RECURSIVE (architectures behind nodes). Only a pattern that does not compile ends a run early.
"""

from collections.abc import Iterator

from holdfast.blueprint.calm.architectures import SCHEMA_CODE, Run
from holdfast.blueprint.calm.decorators import decorator_findings, embedded_decorator_findings
from holdfast.blueprint.calm.faults import Fault
from holdfast.blueprint.calm.findings import Finding, Report, reported
from holdfast.blueprint.calm.gaps import gaps_of
from holdfast.blueprint.calm.library import CORE, Library
from holdfast.blueprint.calm.lint_pattern import lint_pattern
from holdfast.blueprint.calm.lint_timeline import lint_timeline
from holdfast.blueprint.calm.reading import Kind, kind_of_document
from holdfast.blueprint.calm.schemas import SchemaError, Schemas
from holdfast.core import JsonObject, JsonValue

UNKNOWN_SCHEMA = "holdfast-schema-unknown"
NO_TIMELINE_SCHEMA = "holdfast-timeline-without-schema"


class Judge:
    """Judges documents with the schemas and documents of one library. Share it: it keeps what it
    has compiled."""

    def __init__(self, library: Library | None = None) -> None:
        self.library = library or Library()
        self._schemas = Schemas(self.library)
        self._linted: dict[int, tuple[JsonValue, tuple[Finding, ...]]] = {}

    def own(self, document: JsonObject, *, kind: Kind | None = None) -> Report:
        """By its own ``$schema``; an architecture that names none, by the newest release."""
        match kind or kind_of_document(document):
            case "architecture":
                return self._own_architecture(document)
            case "pattern":
                return reported(self._pattern(document))
            case "timeline":
                return self._timeline(document)
            case "decorator":
                return reported((), decorator_findings(document, self._schemas)).strict()

    def architecture(
        self, document: JsonObject, *, pattern: JsonValue = None, core: str = CORE
    ) -> Report:
        """By ``pattern`` or another schema given as such; without one, by ``core``, the schema of
        the newest release."""
        run = Run(schemas=self._schemas, linted=self._lint_of, core=core)
        found = list(run.top(document, pattern=pattern))
        decorators = embedded_decorator_findings(document, self._schemas)
        return reported(found, [*gaps_of(document), *run.ours, *decorators])

    def schema(self, document: JsonValue, url: str) -> Report:
        """By one schema alone; the codes are the keywords that fail."""
        try:
            faults = self._schemas.at(url).faults(document)
        except SchemaError as error:
            return reported([_unknown("/", error)])
        return reported(
            Finding(code=each.keyword, path=each.path or "/", message=each.message)
            for each in faults
        )

    def _lint_of(self, pattern: JsonValue) -> tuple[Finding, ...]:
        """Of one pattern once, for many architectures may be held against it."""
        known = self._linted.get(id(pattern))
        if known is None:
            known = (pattern, tuple(_linted(pattern)))
            self._linted[id(pattern)] = known
        return known[1]

    def _own_architecture(self, document: JsonObject) -> Report:
        declared = document.get("$schema")
        if not isinstance(declared, str) or not declared:
            return self.architecture(document)
        try:
            pattern = self._schemas.document(declared)
        except SchemaError as error:
            judged = self.architecture(document)
            return Report(
                errors=(_unknown("/$schema", error), *judged.errors),
                warnings=judged.warnings,
                ours=judged.ours,
            )
        return self.architecture(document, pattern=pattern)

    def _pattern(self, document: JsonObject) -> Iterator[Finding]:
        yield from _linted(document)
        try:
            self._schemas.compile(document)
        except SchemaError as error:
            yield Finding(code=SCHEMA_CODE, path="/", message=str(error))

    def _timeline(self, document: JsonObject) -> Report:
        found = list(lint_timeline(document))
        declared = document.get("$schema")
        if not isinstance(declared, str) or not declared:
            told = "a timeline must name its schema in `$schema`; the newest is calm-timeline.json"
            return reported([Finding(code=NO_TIMELINE_SCHEMA, path="/", message=told), *found])
        try:
            faults = self._schemas.compile(self._schemas.document(declared)).faults(document)
        except SchemaError as error:
            return reported([_unknown("/$schema", error), *found])
        return reported([*found, *(_structural(each) for each in faults)])


def _structural(fault: Fault) -> Finding:
    return Finding(code=SCHEMA_CODE, path=fault.path or "/", message=fault.message)


def _unknown(path: str, error: SchemaError) -> Finding:
    return Finding(code=UNKNOWN_SCHEMA, path=path, message=str(error))


def _linted(pattern: JsonValue) -> Iterator[Finding]:
    """The reference lints a pattern with every ``$ref`` renamed to ``ref``."""
    for each in lint_pattern(pattern):
        path = each.path.replace("$ref", "ref")
        yield Finding(code=each.code, path=path, message=each.message, level=each.level)
