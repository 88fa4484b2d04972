"""The written file as plain data, with the place of every key and value.

Read from PyYAML's event stream rather than through its constructors: events know whether a word
was quoted, so ``on``, ``no`` and ``1:30`` stay the text they are (YAML 1.2's core schema, a subset);
depth, size and alias expansion are bounded as they arrive; and duplicate keys are seen.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from holdfast.blueprint.errors import Problem
from holdfast.core import JsonError, read_json

Path: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = bool | int | float | str | list["Plain"] | dict[str, "Plain"] | None

BYTES_MAX = 1_000_000
DEPTH_MAX = 48
VALUES_MAX = 50_000
"""Counted after aliases are expanded, so that nested aliases cannot multiply without end."""

LARGE_BYTES_MAX = 64 * 1024 * 1024
"""Of JSON that an analysis reads: a system that programs wrote down."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_STRING_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, both from 1."""

    line: int
    column: int


_START = Place(1, 1)


@dataclass(slots=True, kw_only=True)
class Document:
    """Plain data; where each key and each value stands; what could not be read."""

    data: Plain = None
    keys: dict[Path, Place] = field(default_factory=dict[Path, Place])
    values: dict[Path, Place] = field(default_factory=dict[Path, Place])
    problems: list[Problem] = field(default_factory=list[Problem])

    def place(self, path: Path, *, key: bool = False) -> Place:
        """The place of the value (or its key) at ``path``, or of the nearest thing around it."""
        while path:
            if key and path in self.keys:
                return self.keys[path]
            if path in self.values:
                return self.values[path]
            path, key = path[:-1], True
        return self.values.get((), _START)

    def at(self, path: Path) -> Plain:
        """The value at ``path``; None when there is none."""
        value = self.data
        for step in path:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value


@dataclass(slots=True)
class _Scalar:
    value: bool | int | float | str | None
    place: Place
    size: int = 1


@dataclass(slots=True)
class _Sequence:
    items: list["_Tree"]
    place: Place
    size: int = 1


@dataclass(slots=True)
class _Mapping:
    items: dict[str, tuple[Place, "_Tree"]]
    place: Place
    size: int = 1


_Tree: TypeAlias = _Scalar | _Sequence | _Mapping


class _UnreadableError(Exception):
    """Reading must stop here."""

    def __init__(self, place: Place, what: str, fix: str) -> None:
        super().__init__(what)
        self.place, self.what, self.fix = place, what, fix


def read_yaml(text: str, *, source: str) -> Document:
    """The document in ``text``, or its problems: syntax, duplicate keys, tags, bounds exceeded."""
    document = Document()
    try:
        _Composer(_bounded(text), source, document).compose()
    except _UnreadableError as error:
        _report(document, source, error)
    except UnicodeEncodeError:
        _report(document, source, _UnreadableError(_START, "the file is not UTF-8 text", _RESAVE))
    except yaml.MarkedYAMLError as error:
        _report(document, source, _syntax_error(error))
    except yaml.YAMLError as error:
        what = str(error).splitlines()[0]
        _report(document, source, _UnreadableError(_START, f"cannot be read: {what}", _RESAVE))
    return document


def read_large_json(text: str, *, source: str) -> Document:
    """A document of JSON that is too large for people: read fast, without the places of its parts."""
    document = Document()
    try:
        document.data = read_json(_large(text), depth_max=DEPTH_MAX)
    except _UnreadableError as error:
        _report(document, source, error)
    except (JsonError, UnicodeEncodeError) as error:
        _report(document, source, _UnreadableError(_START, f"is not JSON: {error}", _RESAVE))
    return document


def _large(text: str) -> bytes:
    data = text.encode()
    if len(data) > LARGE_BYTES_MAX:
        what = f"the file is larger than {LARGE_BYTES_MAX} bytes"
        raise _UnreadableError(_START, what, "review its parts apart")
    return data


def _bounded(text: str) -> str:
    if len(text) > BYTES_MAX or len(text.encode()) > BYTES_MAX:
        raise _UnreadableError(
            _START, f"the file is larger than {BYTES_MAX} bytes", "split or shorten it"
        )
    return text


_RESAVE = "save it as UTF-8 text without control characters"


def dotted(path: Path) -> str:
    """``nodes.desk.controls``, ``relationships[0].id``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _report(document: Document, source: str, error: _UnreadableError, path: Path = ()) -> None:
    place = error.place
    document.problems.append(
        Problem(
            file=source,
            line=place.line,
            column=place.column,
            where=dotted(path),
            what=error.what,
            fix=error.fix,
        )
    )


_SYNTAX_FIXES = (
    ("tab", "indent with spaces, not tabs"),
    ("cannot start any token", "put the text in quotes; indent with spaces, not tabs"),
    ("mapping values are not allowed", "put text that contains `: ` in quotes; check the indent"),
    ("quoted scalar", "close the quotation mark"),
    ("',' or ']'", "close the bracket `[`, or put a comma between the items"),
    ("',' or '}'", "close the brace `{`, or put a comma between the entries"),
    ("undefined alias", "define it before with &name, or write the value out"),
    ("block sequence entries", "start a list on a new line under its key"),
    ("block collection", "give every entry of one list or mapping the same indent"),
    ("block mapping", "give every key of one mapping the same indent"),
)


def _syntax_error(error: yaml.MarkedYAMLError) -> _UnreadableError:
    mark = error.context_mark or error.problem_mark
    place = Place(mark.line + 1, mark.column + 1) if mark is not None else _START
    said = f"{error.context or ''} {error.problem or ''}".strip()
    fix = next((fix for word, fix in _SYNTAX_FIXES if word in said), "check indent and quotes here")
    return _UnreadableError(place, f"is not YAML: {said}", fix)


class _Composer:
    """Events into a tree (aliases shared), then the tree into a document (aliases expanded)."""

    def __init__(self, text: str, source: str, document: Document) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._source = source
        self._document = document
        self._anchors: dict[str, _Tree] = {}
        self._count = 0

    def compose(self) -> None:
        tree: _Tree | None = None
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if tree is not None:
                raise _UnreadableError(
                    _place(event), "has a second document (`---`)", "keep one document per file"
                )
            tree = self._tree(next(self._events), ())
        if tree is None:
            raise _UnreadableError(_START, "the file is empty", "start from `holdfast init`")
        self._document.data = self._plain(tree, ())

    def _tree(self, event: yaml.Event, path: Path) -> _Tree:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if len(path) > DEPTH_MAX:
            raise _UnreadableError(
                _place(event), f"is nested deeper than {DEPTH_MAX} levels", "flatten it"
            )
        tree: _Tree
        if isinstance(event, yaml.ScalarEvent):
            tree = self._scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            tree = self._sequence(event, path)
        else:
            assert isinstance(event, yaml.MappingStartEvent)
            tree = self._mapping(event, path)
        self._count += 1
        self._bound(self._count, event)
        self._bound(tree.size, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = tree
        return tree

    def _bound(self, size: int, event: yaml.Event) -> None:
        if size > VALUES_MAX:
            raise _UnreadableError(
                _place(event), f"holds more than {VALUES_MAX} values", "split or shorten it"
            )

    def _alias(self, event: yaml.AliasEvent) -> _Tree:
        tree = self._anchors.get(event.anchor or "")
        if tree is None:
            raise _UnreadableError(
                _place(event),
                f"`*{event.anchor}` names nothing defined before it",
                f"define it before with &{event.anchor}, or write the value out",
            )
        return tree

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> _Scalar:
        plain, quoted = event.implicit
        if not plain and not quoted and event.tag != _STRING_TAG:
            self._problem(event, path, f"the tag `{event.tag}` is not read here", "remove the tag")
        value = _resolve(event.value) if plain and event.tag is None else event.value
        return _Scalar(value, _place(event))

    def _sequence(self, event: yaml.SequenceStartEvent, path: Path) -> _Sequence:
        found = _Sequence([], _place(event))
        while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
            item = self._tree(inner, (*path, len(found.items)))
            found.items.append(item)
            found.size += item.size
        return found

    def _mapping(self, event: yaml.MappingStartEvent, path: Path) -> _Mapping:
        found = _Mapping({}, _place(event))
        while not isinstance(inner := next(self._events), yaml.MappingEndEvent):
            if not isinstance(inner, yaml.ScalarEvent):
                raise _UnreadableError(_place(inner), "is not a usable key", "use a word as key")
            key, place = inner.value, _place(inner)
            value = self._tree(next(self._events), (*path, key))
            found.size += value.size
            if key == "<<" and inner.implicit[0]:
                self._problem(inner, path, "merge keys (`<<`) are not read", "write the fields out")
            elif key in found.items:
                line = found.items[key][0].line
                self._problem(
                    inner,
                    (*path, key),
                    f"`{key}` stands here twice (first on line {line})",
                    "keep one of them",
                )
            else:
                found.items[key] = (place, value)
        return found

    def _problem(self, event: yaml.Event, path: Path, what: str, fix: str) -> None:
        _report(self._document, self._source, _UnreadableError(_place(event), what, fix), path)

    def _plain(self, tree: _Tree, path: Path) -> Plain:
        self._document.values[path] = tree.place
        if isinstance(tree, _Scalar):
            return tree.value
        if isinstance(tree, _Sequence):
            return [self._plain(item, (*path, i)) for i, item in enumerate(tree.items)]
        plain: dict[str, Plain] = {}
        for key, (place, value) in tree.items.items():
            inner = (*path, key)
            plain[key] = self._plain(value, inner)
            self._document.keys[inner] = place
        return plain


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark is not None else _START


def _resolve(word: str) -> bool | float | str | None:
    if word in _WORDS:
        return _WORDS[word]
    if _INT.fullmatch(word):
        return int(word)
    if _FLOAT.fullmatch(word) and math.isfinite(number := float(word)):
        return number
    return word
