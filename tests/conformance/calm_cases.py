"""The judged CALM documents: what the reference says of each, and what we say.

The data and where it is from stand in ``calm/data`` and ``calm/SOURCES.md``. Shared by the tests
and by ``tools/calm_conformance.py``, which prints the table.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from holdfast.blueprint.calm import Finding, Judge, Library, Report, read_document, read_value

DATA = Path(__file__).parent / "calm" / "data"
Told = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """One document, what to hold it against, and the reference's findings."""

    name: str
    file: Path
    kind: str
    against: str
    is_valid: bool
    crashed: bool
    """The reference gave no verdict: it broke off. Ours must be clear and negative."""
    errors: Told
    warnings: Told
    override: dict[str, str] = field(default_factory=dict)


@cache
def _index() -> dict[str, Any]:
    return json.loads((DATA / "index.json").read_text("utf-8"))


@cache
def _mapped() -> dict[str, str]:
    parts = json.loads((DATA / "url-map.json").read_text("utf-8"))
    return parts["documents"]


@cache
def cases() -> tuple[Case, ...]:
    return tuple(
        Case(
            name=each["id"],
            file=DATA / each["file"],
            kind=each["kind"],
            against=each["against"],
            is_valid=each["should_validate"],
            crashed="reference_crash" in each,
            errors=_told(each["errors"]),
            warnings=_told(each["warnings"]),
            override=each.get("url_map_override", {}),
        )
        for each in _index()["fixtures"]
    )


def _told(listed: list[dict[str, str]]) -> Told:
    return Counter((each.get("code") or each["keyword"], each["path"]) for each in listed)


@cache
def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def library(override: dict[str, str], *folders: Path) -> Library:
    """The map of the data, with one case's changes, and files beside the document."""

    def find(url: str) -> bytes | None:
        place = override.get(url) or _mapped().get(url)
        if place is not None:
            return _bytes(DATA / place)
        if "://" in url:
            return None
        beside = (folder / url for folder in folders)
        found = next((path for path in beside if path.is_file()), None)
        return None if found is None else _bytes(found)

    return Library(find)


_judges: dict[tuple[object, ...], Judge] = {}


def _judge(case: Case, *folders: Path) -> Judge:
    """One for all cases of a folder, so that each schema is compiled once for them."""
    key = (*folders, *sorted(case.override.items()))
    if key not in _judges:
        _judges[key] = Judge(library(case.override, *folders))
    return _judges[key]


def judged(case: Case) -> Report:
    word, _, rest = case.against.partition(":")
    value = read_value(_bytes(case.file), name=case.name)
    own = _judge(case, case.file.parent)
    if word == "json-schema":
        return own.schema(value, rest)
    document = read_document(_bytes(case.file), name=case.name)
    if word == "pattern-file":
        pattern = read_document(_bytes(DATA / rest), name=rest)
        return _judge(case, (DATA / rest).parent).architecture(document, pattern=pattern)
    if word == "core-1.2":
        return own.architecture(document)
    return own.own(document)


def found(findings: tuple[Finding, ...]) -> Told:
    return Counter((each.code, each.path) for each in findings)


def agrees(case: Case, report: Report) -> bool:
    """Verdict, errors and warnings, each with its place; after a crash, that we say no."""
    if case.crashed:
        return not report.is_valid
    return (
        report.is_valid == case.is_valid
        and found(report.errors) == case.errors
        and found(report.warnings) == case.warnings
    )


def generated_cases() -> Iterator[tuple[str, Path, Path, bool, dict[str, str]]]:
    """Pattern, its file, the expected architecture, whether first choices are taken, the map."""
    overrides = {case.file: case.override for case in cases()}
    for each in _index()["generate"]:
        file = DATA / each["file"]
        expected = DATA / each["expected"]
        yield each["pattern"], file, expected, bool(each["choices"]), overrides.get(file, {})


def compared_cases() -> Iterator[tuple[str, Any, Any, Any, bool]]:
    """Name, both documents, the expected report, whether they are patterns."""
    folder = DATA / "expected" / "diff"
    for before, after in (("calm-1", "calm-2"), ("calm-2", "calm-3")):
        pair = (_calm(before), _calm(after))
        expected = json.loads((folder / f"{before}-vs-{after}.json").read_text("utf-8"))
        yield f"{before} to {after}", *pair, expected, False
    for kind in ("architectures", "patterns"):
        file = json.loads((folder / f"diff-test-{kind}.json").read_text("utf-8"))
        documents = json.loads((DATA / file["input"]).read_text("utf-8"))
        for name, expected in file["results"].items():
            yield name, documents[file["base"]], documents[name], expected, kind == "patterns"


def _calm(name: str) -> Any:
    return json.loads((DATA / "upstream/calm/architecture" / f"{name}.json").read_text("utf-8"))
