"""The objects in files of manifests: several documents a file, lists taken apart.

YAML goes through the blueprint's own reader, document by document; JSON through the strict one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from holdfast.blueprint import Plain, Problem, read_yaml
from holdfast.blueprint.kubernetes.shapes import Plainly, items, mapping, text
from holdfast.core import JsonError, read_json

FILES_MAX = 5_000
OBJECTS_MAX = 50_000
JSON_BYTES_MAX = 64 * 1024 * 1024
JSON_DEPTH_MAX = 64
NESTED_LISTS_MAX = 4

# The marker of a document may stand nowhere else at the start of a line, not even in block text
# (YAML 1.2.2, 9.1.2 and c-forbidden), so cutting there never cuts a document in two.
_MARKER = re.compile(r"^---(?=[ \t\r]|$)[^\n]*$", re.MULTILINE)
_SAYS_SOMETHING = re.compile(r"^(?!\.\.\.\s*$)[ \t]*[^#\s%]", re.MULTILINE)


_KIND = re.compile(r"""["']?kind["']?[ \t]*:""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One object of the cluster, as written, and where."""

    kind: str
    group: str
    name: str
    namespace: str | None
    data: Plainly
    file: str
    line: int

    @property
    def title(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"

    def problem(self, where: str, what: str, *, fix: str) -> Problem:
        return Problem(
            file=self.file,
            line=self.line,
            column=1,
            where=f"{self.title}: {where}" if where else self.title,
            what=what,
            fix=fix,
        )


def items_of(texts: Mapping[str, str], problems: list[Problem]) -> Iterator[Item]:
    """Every object of the files, by name of file; what cannot be read is added to ``problems``."""
    found = (
        item
        for file, written in texts.items()
        for data, line in _documents(written, file, problems)
        for item in _unfolded(data, file=file, line=line, depth=0)
    )
    yield from islice(found, OBJECTS_MAX)
    beyond = next(found, None)
    if beyond is not None:
        problems.append(_too_many(beyond.file))


def hold_no_objects(texts: Mapping[str, str]) -> bool:
    """Whether the files say something, and nothing in them is what a cluster keeps: another file was
    meant. An empty list of `kubectl get` is one, and says its kind."""
    said = [written for written in texts.values() if _SAYS_SOMETHING.search(written)]
    return bool(said) and not any(_KIND.search(written) for written in said)


def _too_many(file: str) -> Problem:
    return Problem(
        file=file,
        line=1,
        column=1,
        where="",
        what=f"there are more than {OBJECTS_MAX} objects",
        fix="name fewer files, or one namespace at a time",
    )


def _documents(written: str, file: str, problems: list[Problem]) -> Iterator[tuple[Plain, int]]:
    if file.endswith(".json") or written.lstrip()[:1] in ("{", "["):
        yield from _json(written, file, problems)
        return
    for part, before in _parts(written):
        if not _SAYS_SOMETHING.search(part):
            continue
        document = read_yaml(part, source=file)
        problems.extend(_moved(problem, before) for problem in document.problems)
        if document.data is not None and not document.problems:
            yield document.data, document.place(()).line + before


def _json(written: str, file: str, problems: list[Problem]) -> Iterator[tuple[Plain, int]]:
    if len(written) > JSON_BYTES_MAX:
        what, fix = f"is larger than {JSON_BYTES_MAX} bytes", "name one namespace at a time"
        problems.append(Problem(file=file, line=1, column=1, where="", what=what, fix=fix))
        return
    try:
        yield read_json(written.encode(), depth_max=JSON_DEPTH_MAX), 1
    except JsonError as error:
        fix = "write it as `kubectl get ... -o json` does"
        problems.append(Problem(file=file, line=1, column=1, where="", what=error.what, fix=fix))


def _parts(written: str) -> Iterator[tuple[str, int]]:
    """Each document's text, and how many lines stand before it."""
    start = 0
    lines = 0
    for found in (*_MARKER.finditer(written), None):
        end = len(written) if found is None else found.start()
        part = written[start:end]
        yield part, lines
        if found is not None:
            # What stands on the marker's own line belongs to the document that begins there.
            lines += part.count("\n")
            start = found.start() + 3


def _moved(problem: Problem, lines: int) -> Problem:
    return Problem(
        file=problem.file,
        line=problem.line + lines,
        column=problem.column,
        where=problem.where,
        what=problem.what,
        fix=problem.fix,
        severity=problem.severity,
    )


def _unfolded(data: Plain, *, file: str, line: int, depth: int) -> Iterator[Item]:
    if isinstance(data, list):
        for each in data:
            yield from _unfolded(each, file=file, line=line, depth=depth + 1)
        return
    if not isinstance(data, Mapping) or depth > NESTED_LISTS_MAX:
        return
    kind = text(data, "kind")
    if kind is None:
        return
    if kind == "List" or (kind.endswith("List") and "items" in data):
        member = None if kind == "List" else kind.removesuffix("List")
        for each in items(data, "items"):
            # The members of a `PodList` may leave out what they are.
            whole = {"kind": member, **each} if member and isinstance(each, dict) else each
            yield from _unfolded(whole, file=file, line=line, depth=depth + 1)
        return
    yield _item(data, kind, file=file, line=line)


def _item(data: Plainly, kind: str, *, file: str, line: int) -> Item:
    about = mapping(data, "metadata")
    version = text(data, "apiVersion") or ""
    return Item(
        kind=kind,
        group=version.partition("/")[0] if "/" in version else "",
        name=text(about, "name") or text(about, "generateName") or "",
        namespace=text(about, "namespace"),
        data=data,
        file=file,
        line=line,
    )
