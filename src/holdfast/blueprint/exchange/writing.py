"""A blueprint as YAML that people like to read, with comments where they must decide.

Short things stand on one line, the parts of a system each on lines of their own.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.blueprint.exchange.values import Object
from holdfast.blueprint.source import Path, Plain

WIDTH = 100
_INDENT = 2
_OPEN = ("nodes", "relationships", "flows")
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9 _./@+=%()';,&*:-]*")
_PLAIN_INSIDE = re.compile(r"[A-Za-z/][A-Za-z0-9 _./@+=%-]*")
_FOLDS = re.compile(
    "[!-~\u00a1-\u1fff\u2010-\u2027\u2030-\ud7ff]+( [!-~\u00a1-\u1fff\u2010-\u2027\u2030-\ud7ff]+)*"
)
"""Words with single spaces between: folded over lines they are the same text."""
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_ESCAPED = re.compile('[\x00-\x1f"\\\\\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What somebody must decide or should know, at a path of the blueprint."""

    path: Path
    text: str


def yaml_text(form: Object, *, notes: tuple[Note, ...] = ()) -> str:
    """The file's text."""
    return "\n".join([*_Writer(notes).top(form), ""])


class _Writer:
    def __init__(self, notes: tuple[Note, ...]) -> None:
        self._notes: dict[Path, list[str]] = {}
        self._above: set[Path] = set()
        for note in notes:
            self._notes.setdefault(note.path, []).append(note.text)
            self._above.update(note.path[:end] for end in range(len(note.path)))

    def top(self, form: Object) -> Iterator[str]:
        yield "# Made from a CALM document by `holdfast calm import`; `holdfast calm export` gives it"
        yield "# back. What a blueprint has no word for is kept under metadata.calm."
        if self._notes:
            yield "# Comments that begin with `Decide:` say what a person must decide."
        for key, value in form.items():
            if key in (*_OPEN, "metadata"):
                yield ""
            yield from self._entry(key, value, (key,), 0)

    def _entry(self, key: str, value: Plain, path: Path, indent: int) -> Iterator[str]:
        yield from self._comments(path, indent)
        space = " " * indent
        name = scalar(key)
        line = self._line(value, path, WIDTH - indent - len(name) - 2)
        if line is not None:
            yield from self._lined(f"{space}{name}: ", line, value, indent)
            return
        yield f"{space}{name}:"
        yield from self._block(value, path, indent + _INDENT)

    def _lined(self, head: str, line: str, value: Plain, indent: int) -> Iterator[str]:
        """On one line, or as a text folded over several where that loses nothing."""
        folds = isinstance(value, str) and _FOLDS.fullmatch(value) is not None
        if not folds or len(head) + len(line) <= WIDTH:
            yield f"{head}{line}"
            return
        yield f"{head}>-"
        space = " " * (indent + _INDENT)
        width = WIDTH - len(space)
        lines = textwrap.wrap(str(value), width, break_long_words=False, break_on_hyphens=False)
        yield from (f"{space}{text}" for text in lines)

    def _block(self, value: Plain, path: Path, indent: int) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from self._entry(key, item, (*path, key), indent)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._item(item, (*path, index), indent)

    def _item(self, value: Plain, path: Path, indent: int) -> Iterator[str]:
        yield from self._comments(path, indent)
        space = " " * indent
        line = self._line(value, path, WIDTH - indent - 2)
        if line is not None:
            yield f"{space}- {line}"
            return
        inside = list(self._block(value, path, indent + 2))
        first = next(
            number for number, text in enumerate(inside) if not text.lstrip().startswith("#")
        )
        yield from inside[:first]
        yield f"{space}- {inside[first][indent + 2 :]}"
        yield from inside[first + 1 :]

    def _comments(self, path: Path, indent: int) -> Iterator[str]:
        for text in self._notes.get(path, ()):
            clean = " ".join(text.split())
            lines = textwrap.wrap(f"Decide: {clean}", WIDTH - indent - 2, break_long_words=False)
            yield from (f"{' ' * indent}# {line}" for line in lines)

    def _line(self, value: Plain, path: Path, width: int) -> str | None:
        """The value on one line; None where it does not fit or parts should stand apart."""
        if not isinstance(value, dict | list) or not value:
            return inline(value, inside=False)
        apart = len(path) == 1 and path[0] in _OPEN
        part = len(path) == 2 and path[0] in ("nodes", "flows")
        if apart or part or path in self._above:
            return None
        found = inline(value, inside=False)
        return found if len(found) <= width else None


def inline(value: Plain, *, inside: bool) -> str:
    """The value on one line, in YAML's flow style."""
    if isinstance(value, dict):
        pairs = (
            f"{scalar(key, inside=True)}: {inline(item, inside=True)}"
            for key, item in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(item, inside=True) for item in value) + "]"
    return scalar(value, inside=inside)


def scalar(value: bool | float | str | None, *, inside: bool = False) -> str:
    """A single value; text is quoted where YAML would read something else in it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return value if _is_plain(value, inside=inside) else _quoted(value)


def _is_plain(text: str, *, inside: bool) -> bool:
    if text.lower() in _WORDS or text[-1:] in (" ", ":") or ": " in text:
        return False
    return (_PLAIN_INSIDE if inside else _PLAIN).fullmatch(text) is not None


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    letter = found.group()
    if letter in '"\\':
        return f"\\{letter}"
    return {"\n": "\\n", "\t": "\\t"}.get(letter, f"\\u{ord(letter):04x}")
