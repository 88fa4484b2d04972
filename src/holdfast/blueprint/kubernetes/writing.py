"""Manifests as YAML that people read: comments stand above what they are about; one order, always."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

Written: TypeAlias = Union[str, int, bool, Mapping[str, "Written"], Sequence["Written"], "Because"]
"""What can be written: plain values, and values with the reason for them."""

COMMENT_WIDTH = 96
# Words that every reader of YAML takes for text as they stand.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_MEANING = re.compile(r"(?i)(true|false|yes|no|on|off|y|n|null)")


@dataclass(frozen=True, slots=True)
class Because:
    """A value, and why it is there."""

    value: Written
    reasons: tuple[str, ...]


def documents(found: Sequence[tuple[tuple[str, ...], Mapping[str, Written]]]) -> str:
    """Documents, each with what is said above it."""
    parts = ["\n".join([*_comment(said, 0), *_lines(data, 0)]) for said, data in found]
    return "---\n".join(f"{part}\n" for part in parts)


def _comment(said: Sequence[str], indent: int) -> Iterator[str]:
    pad = " " * indent
    for line in said:
        # What people wrote must not end the comment that it stands in.
        for piece in _wrapped(" ".join(line.split()), COMMENT_WIDTH - indent):
            yield f"{pad}# {piece}"


def _wrapped(line: str, width: int) -> Iterator[str]:
    here = ""
    for word in line.split(" "):
        if here and len(here) + 1 + len(word) > width:
            yield here
            here = word
        else:
            here = f"{here} {word}" if here else word
    yield here


def _lines(value: Written, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entry(_scalar(key), inner, indent)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from _member(inner, indent)
    elif isinstance(value, Because):
        yield from _lines(value.value, indent)
    else:
        yield " " * indent + _scalar(value)


def _entry(key: str, value: Written, indent: int) -> Iterator[str]:
    pad = " " * indent
    if isinstance(value, Because):
        yield from _comment(value.reasons, indent)
        value = value.value
    short = _short(value)
    if short is not None:
        yield f"{pad}{key}: {short}"
    else:
        yield f"{pad}{key}:"
        yield from _lines(value, indent + 2)


def _member(value: Written, indent: int) -> Iterator[str]:
    pad = " " * indent
    if isinstance(value, Because):
        yield from _comment(value.reasons, indent)
        value = value.value
    short = _short(value)
    if short is not None:
        yield f"{pad}- {short}"
        return
    first, *rest = list(_lines(value, indent + 2))
    yield f"{pad}- {first[indent + 2 :]}"
    yield from rest


def _short(value: Written) -> str | None:
    """On one line, where it is a plain value or holds only a few of them."""
    if isinstance(value, Mapping):
        inner = [(_scalar(key), _flat(each)) for key, each in value.items()]
        if any(each is None for _, each in inner) or len(inner) > _SHORT_MAX:
            return None
        line = "{" + ", ".join(f"{key}: {each}" for key, each in inner) + "}"
        return line if len(line) <= _LINE_MAX else None
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_flat(each) for each in value]
        known = [each for each in items if each is not None]
        line = "[" + ", ".join(known) + "]"
        return line if len(known) == len(items) and len(line) <= _LINE_MAX else None
    return None if isinstance(value, Because) else _scalar(value)


_SHORT_MAX = 3
_LINE_MAX = 80


def _flat(value: Written) -> str | None:
    if isinstance(value, str | int | bool):
        return _scalar(value)
    return None


def _scalar(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and not _MEANING.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=True)
