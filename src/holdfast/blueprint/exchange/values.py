"""Values of JSON: when two are the same, and which of them YAML holds exactly."""

import json
import math
from typing import TypeAlias

from holdfast.blueprint.fields import NAME_MAX, TEXT_MAX
from holdfast.blueprint.source import Plain

Object: TypeAlias = dict[str, Plain]

DEPTH_WRITTEN_MAX = 20
"""Deeper values are kept as text, so that a blueprint stays within its own bound on depth."""
INTEGER_WRITTEN_MAX = 10**18 - 1
"""The largest whole number that a blueprint reads as a number."""
KEY_WRITTEN_MAX = 500
"""Longer keys are more than YAML takes as a simple one."""

_AS_TEXT = "json"


def same(one: Plain, other: Plain) -> bool:
    """Whether both are the same JSON; ``1``, ``1.0`` and ``true`` are three values."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def says_nothing(value: Plain) -> bool:
    """Whether it is missing or empty."""
    return value is None or value in ({}, [])


def pack(value: Plain) -> Plain:
    """``value`` as a blueprint can hold it: itself, or ``{"json": its text}``."""
    wrapped = isinstance(value, dict) and value.keys() == {_AS_TEXT}
    return value if is_writable(value) and not wrapped else {_AS_TEXT: json.dumps(value)}


def unpack(value: Plain) -> Plain:
    """What ``pack`` was given; anything else as it is."""
    if isinstance(value, dict) and value.keys() == {_AS_TEXT}:
        text = value[_AS_TEXT]
        try:
            found: Plain = json.loads(text) if isinstance(text, str) else value
        except ValueError:
            return value
        return found
    return value


def is_writable(value: Plain, *, depth: int = DEPTH_WRITTEN_MAX) -> bool:
    """Whether a blueprint holds it exactly as it is."""
    match value:
        case bool() | None:
            return True
        case int():
            return -INTEGER_WRITTEN_MAX <= value <= INTEGER_WRITTEN_MAX
        case float():
            return math.isfinite(value)
        case str():
            return _is_text(value)
        case list():
            return depth > 0 and all(is_writable(item, depth=depth - 1) for item in value)
        case dict():
            return depth > 0 and all(
                len(key) <= KEY_WRITTEN_MAX and _is_text(key) and is_writable(item, depth=depth - 1)
                for key, item in value.items()
            )


def _is_text(text: str) -> bool:
    """Whether it is Unicode: JSON can also name halves of surrogate pairs."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def fit_text(value: Plain, *, length: int = TEXT_MAX) -> str | None:
    """The text, where it is one that a form takes."""
    if isinstance(value, str) and 1 <= len(value) <= length and _is_text(value):
        return value
    return None


def fit_name(value: Plain) -> str | None:
    return fit_text(value, length=NAME_MAX)


def cut_text(value: Plain, *, length: int, default: str) -> str:
    """As much of the text as a form takes."""
    if isinstance(value, str) and _is_text(value) and value:
        return value[:length]
    return default


def fit_metadata(value: Plain) -> bool:
    """Whether metadata of a blueprint may be this."""
    listed = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return (value is None or isinstance(value, dict) or listed) and is_writable(value)


def objects(value: Plain) -> list[Object]:
    """The objects of a list; nothing where it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: Plain) -> list[str] | None:
    """The list, where it is one of texts only."""
    if not isinstance(value, list):
        return None
    found = [item for item in value if isinstance(item, str)]
    return found if len(found) == len(value) else None
