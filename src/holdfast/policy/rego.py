"""Existing Rego beside Cedar: its no is final, its yes allows nothing by itself.

A Rego file defines ``deny`` (anything but empty, false and undefined refuses) or ``allow`` (anything
but true refuses) in its package. What reaches beyond the call it is asked about - the network, the
clock, chance, the environment - is refused at load. Evaluation is somebody else's: a port, so that
the engine can neither hold up nor take down the process that asks. Whatever goes wrong refuses.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

import msgspec

from holdfast.blueprint import Blueprint, Node, Problem
from holdfast.core import HoldfastError
from holdfast.policy.annotations import Mode
from holdfast.policy.engine import Asked
from holdfast.policy.facts import context_of
from holdfast.policy.sources import Source
from holdfast.policy.vocabulary import cedar_type, label_types, labels_of

REGO_TIMEOUT_S = 0.05
"""How long the Rego of a bundle may take over one call; then the call is refused."""

MESSAGES_MAX = 3
MESSAGE_LENGTH_MAX = 200

IMPURE = frozenset(
    ("http", "io", "net", "numbers", "opa", "print", "providers", "rand", "time", "trace", "uuid")
)
"""Roots of the built-in functions that reach beyond the call, or (``numbers``) can be without end."""

ENTRIES = ("deny", "allow")

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*)
      | (?P<line>\n)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<other>[0-9.]+|.)""",
    re.VERBOSE | re.DOTALL,
)


class RegoError(HoldfastError):
    """Rego cannot be loaded: the engine is missing or refuses it."""

    code = "policy.rego-unusable"


class RegoEngine(Protocol):
    """Rego, loaded. One question at a time."""

    def ask(self, question: bytes) -> list[object] | str:
        """For each query the values it has (none is undefined), to an input document in JSON; or
        why there is no answer. Takes ``REGO_TIMEOUT_S`` at most."""
        ...


StartRego: TypeAlias = Callable[[Mapping[str, str], tuple[str, ...]], RegoEngine]
"""Loads modules (name to text) for queries; ``RegoError`` when it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegoFile:
    """One file that passed: what it is asked, and whether it is on trial."""

    source: Source
    package: str
    entries: tuple[str, ...]

    @property
    def mode(self) -> Mode:
        return self.source.mode


@dataclass(frozen=True, slots=True)
class RegoAnswer:
    """The policies (``file#rule``) that refuse, and why. ``is_sound`` is false of a failure, which
    says nothing about the next time."""

    policies: tuple[str, ...] = ()
    reason: str = ""
    on_trial: tuple[str, ...] = ()
    is_sound: bool = True


class Rego:
    """All the Rego of a bundle."""

    __slots__ = ("_engine", "_labels", "files")

    def __init__(
        self, files: tuple[RegoFile, ...], engine: RegoEngine, blueprint: Blueprint
    ) -> None:
        self.files = files
        self._engine = engine
        self._labels = label_types(blueprint)

    def judge(self, asked: Asked) -> RegoAnswer:
        """Which files refuse this call."""
        answer = self._engine.ask(msgspec.json.encode(self._input(asked)))
        if isinstance(answer, str):
            return self._failed(answer)
        queries = [(file, entry) for file in self.files for entry in file.entries]
        refusing = [
            (file, entry, _messages(value))
            for (file, entry), value in zip(queries, answer, strict=True)
            if _refuses(entry, value)
        ]
        enforced = [each for each in refusing if each[0].mode == "enforce"]
        trial = [each for each in refusing if each[0].mode == "trial"]
        return RegoAnswer(
            tuple(_name(file, entry) for file, entry, _ in enforced),
            "; ".join(f"forbidden by {_name(file, entry)}{said}" for file, entry, said in enforced),
            tuple(_name(file, entry) for file, entry, _ in trial),
        )

    def _failed(self, why: str) -> RegoAnswer:
        """Whatever is in force refuses."""
        enforced = tuple(file.source.file for file in self.files if file.mode == "enforce")
        trial = tuple(file.source.file for file in self.files if file.mode == "trial")
        reason = f"policy {', '.join(enforced)} failed: {why}"
        return RegoAnswer(enforced, reason, trial, is_sound=False)

    def _input(self, asked: Asked) -> dict[str, object]:
        return {
            "principal": self._node(asked.caller),
            "action": asked.action,
            "resource": self._node(asked.called),
            "context": context_of(asked.facts),
        }

    def _node(self, node: Node) -> dict[str, object]:
        return {
            "id": node.id,
            "kind": cedar_type(node.kind),
            "node_type": node.type,
            "name": node.name,
            "labels": labels_of(node, self._labels),
        }


def _name(file: RegoFile, entry: str) -> str:
    return f"{file.source.file}#{entry}"


def _refuses(entry: str, value: object) -> bool:
    """``value`` is a list of what the rule is; none where it is undefined."""
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    if entry == "allow":
        return not (len(values) == 1 and values[0] is True)
    return any(each is not False and each not in ([], {}, "", None) for each in values)


def _messages(value: object) -> str:
    found: list[str] = []
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    for each in values:
        inner = cast("list[object]", each) if isinstance(each, list) else [each]
        found.extend(one[:MESSAGE_LENGTH_MAX] for one in inner if isinstance(one, str))
    shown = ", ".join("".join(c for c in one if c.isprintable()) for one in found[:MESSAGES_MAX])
    return f" ({shown})" if shown else ""


def load_rego(
    sources: Iterable[Source], start: StartRego | None, blueprint: Blueprint
) -> tuple[Rego | None, list[Problem]]:
    """The Rego of these files, or everything wrong with it."""
    texts = list(sources)
    if not texts:
        return None, []
    problems: list[Problem] = []
    files = [found for each in texts if (found := _read(each, problems)) is not None]
    if not problems and start is None:
        problems.append(_problem(texts[0], 1, "is Rego, which nothing here evaluates", ""))
    if problems or start is None:
        return None, problems
    try:
        modules = {file.source.file: file.source.text for file in files}
        queries = tuple(f"data.{file.package}.{entry}" for file in files for entry in file.entries)
        return Rego(tuple(files), start(modules, queries), blueprint), []
    except RegoError as error:
        return None, [_problem(texts[0], 1, error.what, error.fix)]


def _problem(source: Source, line: int, what: str, fix: str) -> Problem:
    return Problem(file=source.file, line=line, column=1, where="", what=what, fix=fix)


def _read(source: Source, problems: list[Problem]) -> RegoFile | None:
    words = list(_words(source.text))
    faults = [
        _problem(
            source,
            line,
            f"uses `{word}`, which reaches beyond the call or is without bound",
            "policies are pure: decide by input alone",
        )
        for word, line, _, after in words
        if word in IMPURE and after != "."
    ]
    package = _package(source.text)
    if package is None:
        faults.append(_problem(source, 1, "names no package", "begin with: package holdfast"))
    starts = {word for word, _, at_start, _ in words if at_start}
    starts |= {w for (w, _, _, _), (d, _, start, _) in _pairs(words) if d == "default" and start}
    entries = tuple(entry for entry in ENTRIES if entry in starts)
    if not entries:
        fix = "define `deny` (what refuses) or `allow` (all else is refused)"
        faults.append(_problem(source, 1, "defines neither `deny` nor `allow`", fix))
    problems.extend(faults)
    if faults or package is None:
        return None
    return RegoFile(source=source, package=package, entries=entries)


_Word: TypeAlias = tuple[str, int, bool, str]
"""A word outside strings and comments, its line, whether it begins the line, what stands before."""


def _words(text: str) -> Iterator[_Word]:
    line, at_start, before = 1, True, ""
    for match in _TOKEN.finditer(text):
        kind, said = match.lastgroup, match.group()
        if kind == "word":
            yield said, line, at_start, before
        line += said.count("\n")
        if kind == "line":
            at_start = True
        else:
            at_start = False
            before = before if kind == "space" else said


def _pairs(words: list[_Word]) -> Iterator[tuple[_Word, _Word]]:
    yield from zip(words[1:], words, strict=False)


def _package(text: str) -> str | None:
    """Of plain dotted names only: others have a spelling of their own in queries."""
    name = r"[A-Za-z_][A-Za-z0-9_]*"
    found = re.search(rf"^package[ \t]+({name}(?:\.{name})*)[ \t]*(?:#.*)?$", text, re.MULTILINE)
    return found[1] if found else None
