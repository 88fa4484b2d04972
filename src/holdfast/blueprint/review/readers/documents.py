"""A file of one JSON document, of a list of them, or of one a line."""

from holdfast.blueprint.review.errors import EvidenceError
from holdfast.core import JsonError, JsonObject, JsonValue, read_json

ROWS_MAX = 200_000
"""Pieces of evidence in one file."""


def read_rows(text: str, *, source: str) -> list[JsonObject]:
    """The documents, each an object."""
    try:
        whole = _list(read_json(text.encode()))
    except JsonError:
        whole = [_line(line, number, source) for number, line in _lines(text)]
    if len(whole) > ROWS_MAX:
        raise EvidenceError(f"{source} has more than {ROWS_MAX} documents", fix="split it")
    rows: list[JsonObject] = []
    for row in whole:
        if not isinstance(row, dict):
            raise EvidenceError(f"{source}: evidence is JSON objects, not {type(row).__name__}")
        rows.append(row)
    return rows


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]


def _lines(text: str) -> list[tuple[int, str]]:
    return [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]


def _line(line: str, number: int, source: str) -> JsonValue:
    try:
        return read_json(line.encode())
    except JsonError as error:
        raise EvidenceError(
            f"{source}:{number}: {error.what}", fix="write one JSON document, or one a line"
        ) from error
