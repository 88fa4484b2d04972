"""JSON documents by their URLs, held against JSON Schemas among them: offline, whatever they say."""

import json
from collections.abc import Mapping
from typing import cast

import jsonschema_rs

from holdfast.core import JsonObject

MISFITS_MAX = 8
"""So many misfits of one document are told."""


class UnreadableDocumentError(ValueError):
    """A document is no JSON, or a schema among them is none or refers to one that is not there."""


def misfits(document: str, schema: str, *, documents: Mapping[str, str]) -> tuple[str, ...]:
    """How ``document`` does not fit ``schema``, in words. References are looked up in
    ``documents`` and nowhere else."""

    def found(url: str) -> JsonObject:
        text = documents.get(url) or documents.get(url.rstrip("#"))
        if text is None:
            raise LookupError(url)
        return read(text)

    try:
        validator = jsonschema_rs.validator_for(read(schema), retriever=found)
    except (ValueError, LookupError, jsonschema_rs.ReferencingError) as error:
        raise UnreadableDocumentError(f"its schema cannot be used: {error}") from error
    errors = validator.iter_errors(read(document))
    return tuple(
        f"{error.message} (at /{'/'.join(str(step) for step in error.instance_path)})"
        for error, _ in zip(errors, range(MISFITS_MAX), strict=False)
    )


def read(text: str) -> JsonObject:
    """The document as plain data; ``UnreadableDocumentError`` when it is no JSON object."""
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise UnreadableDocumentError(f"a document is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise UnreadableDocumentError("a document is no JSON object")
    return cast("JsonObject", found)
