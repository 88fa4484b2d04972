"""JSON Schema 2020-12 as the reference applies it: compiled whole, every error told, offline.

A schema compiles where it and all it reaches are legal by their own ``$schema`` and every
reference leads somewhere. Formats are asserted. Errors stand where the reference's validator puts
them: at each failing keyword, in every branch of a failing ``oneOf`` or ``anyOf``, and at the
keyword itself.
"""

from itertools import islice

import jsonschema_rs

from holdfast.blueprint.calm.errors import CalmDocumentError, CalmError, CalmReferenceError
from holdfast.blueprint.calm.faults import Fault, faults_of
from holdfast.blueprint.calm.lenient import DIALECT, lenient
from holdfast.blueprint.calm.library import Library
from holdfast.blueprint.calm.reaching import UncompilableError, reached
from holdfast.core import JsonValue

_STANDARD = ("https://json-schema.org/", "http://json-schema.org/")
_KNOWN_STANDARD = "https://json-schema.org/draft/2020-12/"
BACKTRACKS_MAX = 1_000_000
"""Steps back that one regular expression may take on one text; past them it does not match."""
ERRORS_TOLD_MAX = 20_000
"""Errors of one schema on one document that are told."""


class SchemaError(CalmError):
    """A schema that does not compile. Never leaves this package: it becomes a finding."""

    code = "calm.schema"


class Schema:
    """A compiled schema. Immutable; share it."""

    __slots__ = ("_validator",)

    def __init__(self, validator: jsonschema_rs.Draft202012Validator) -> None:
        self._validator = validator

    def faults(self, instance: JsonValue) -> list[Fault]:
        if self._validator.is_valid(instance):
            return []
        errors = self._validator.iter_errors(instance)
        return faults_of(islice(errors, ERRORS_TOLD_MAX))


class Schemas:
    """Schemas by their document, each compiled once. The documents come from ``library``."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._compiled: dict[int, tuple[JsonValue, Schema]] = {}
        self._pointers: dict[str, JsonValue] = {}
        self._ready: dict[int, tuple[JsonValue, JsonValue]] = {}
        self._legal: dict[int, JsonValue] = {}
        self._judging: set[int] = set()

    def at(self, url: str) -> Schema:
        """The schema under ``url``, which may point into a document."""
        if "#" not in url:
            return self.compile(self.document(url))
        return self.compile(self._pointers.setdefault(url, {"$ref": url}))

    def document(self, url: str) -> JsonValue:
        """A document by the URL that a schema names; ``SchemaError`` where none is known."""
        if url.startswith(_STANDARD):
            raise SchemaError(f"{url} is a dialect of JSON Schema that is not supported")
        try:
            return self.library.document(url)
        except (CalmReferenceError, CalmDocumentError) as error:
            raise SchemaError(f"{error.what}", fix=error.fix) from error

    def compile(self, schema: JsonValue) -> Schema:
        """``SchemaError`` says why ``schema`` cannot judge anything."""
        known = self._compiled.get(id(schema))
        if known is not None:
            return known[1]
        self._check_legal(schema)
        compiled = Schema(self._built(schema, self._resources(schema)))
        self._compiled[id(schema)] = (schema, compiled)
        return compiled

    def _resources(self, schema: JsonValue) -> list[tuple[str, JsonValue]]:
        """Every document that ``schema`` reaches, each legal by its own dialect."""
        found: list[tuple[str, JsonValue]] = []
        try:
            for url, document in reached(schema, self._external):
                self._check_part(url, document)
                found.append((url, self._lenient(document)))
        except UncompilableError as error:
            raise SchemaError(error.what) from error
        return found

    def _lenient(self, document: JsonValue) -> JsonValue:
        known = self._ready.get(id(document))
        if known is None:
            known = self._ready[id(document)] = (document, lenient(document))
        return known[1]

    def _check_part(self, url: str, document: JsonValue) -> None:
        try:
            self._check_legal(document)
        except SchemaError as error:
            raise SchemaError(f"{url}: {error.what}") from error

    def _external(self, url: str) -> JsonValue:
        """A document that a reference names; what the validator has itself needs no reading."""
        return None if url.startswith(_KNOWN_STANDARD) else self.document(url)

    def _check_legal(self, schema: JsonValue) -> None:
        """By its own ``$schema``; a schema that judges itself is judged by nobody else."""
        if id(schema) in self._legal or id(schema) in self._judging:
            return
        self._judging.add(id(schema))
        try:
            faults = self._dialect(schema).faults(schema)
        finally:
            self._judging.discard(id(schema))
        if faults:
            told = "; ".join(f"{fault.path or '/'}: {fault.message}" for fault in faults[:3])
            raise SchemaError(f"the schema is no legal one: {told}")
        self._legal[id(schema)] = schema

    def _dialect(self, schema: JsonValue) -> Schema:
        declared = schema.get("$schema", DIALECT) if isinstance(schema, dict) else DIALECT
        if not isinstance(declared, str):
            raise SchemaError("`$schema` must be a text")
        if declared.rstrip("#") in ("", DIALECT):
            return self._plain()
        return self.compile(self.document(declared.removesuffix("#")))

    def _plain(self) -> Schema:
        known = self._compiled.get(0)
        if known is None:
            known = (None, Schema(self._built({"$ref": DIALECT}, [])))
            self._compiled[0] = known
        return known[1]

    def _built(
        self, schema: JsonValue, resources: list[tuple[str, JsonValue]]
    ) -> jsonschema_rs.Draft202012Validator:
        if not isinstance(schema, dict | bool):
            raise SchemaError("a schema is an object or a boolean")
        try:
            return jsonschema_rs.Draft202012Validator(
                lenient(schema),
                registry=jsonschema_rs.Registry(resources, retriever=_unreached),
                validate_formats=True,
                pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS_MAX),
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            what = str(error).partition("\n")[0][:300]
            raise SchemaError(f"the schema does not compile: {what}") from error


def _unreached(url: str) -> bool:  # noqa: ARG001 - the validator asks for it by this name
    """The validator also asks for what nothing reaches; whatever it says is never used."""
    return True
