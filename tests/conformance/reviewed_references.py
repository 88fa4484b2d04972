"""Every valid architecture among the judged CALM documents, imported and reviewed by all rules.

Shared by the tests and by ``tools/generate_reviews_of_references.py``, which writes the table.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from calm_cases import DATA, cases

from holdfast.blueprint import load
from holdfast.blueprint.exchange import import_calm
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import Evidence, Report, Settings, built_in_rules, review

PUBLISHED = "upstream/"
TODAY = date(2026, 6, 1)


@dataclass(frozen=True)
class Reviewed:
    """One architecture with its review."""

    name: str
    system: System
    report: Report

    @property
    def is_published(self) -> bool:
        """Somebody drew it as an example; the others were written here, each for a single rule of
        CALM's."""
        return self.name.startswith(PUBLISHED)


@cache
def references() -> tuple[Reviewed, ...]:
    """By name; nothing but the document is known of any."""
    files = {case.file for case in cases() if case.kind == "architecture" and case.is_valid}
    return tuple(_reviewed(str(file.relative_to(DATA))) for file in sorted(files))


def _reviewed(name: str) -> Reviewed:
    imported = import_calm(json.loads((DATA / name).read_text("utf-8")), name="system")
    system = System(load(imported.text, source=name, read=lambda _: "", signed=True))
    settings = Settings(rules=built_in_rules())
    return Reviewed(name, system, review(system, Evidence(), TODAY, settings=settings))


def counts() -> Iterator[tuple[str, ...]]:
    """Rows of the table: the published architectures, then the others together."""
    yield from (_row(_shown(each), (each,)) for each in references() if each.is_published)
    others = tuple(each for each in references() if not each.is_published)
    yield _row(f"{len(others)} written for single rules of CALM", others)


def broken() -> Iterator[tuple[str, ...]]:
    """What is broken in the published ones, and how to mend it."""
    for each in (each for each in references() if each.is_published):
        for finding in each.report.broken:
            told = finding.judgement
            yield _shown(each), finding.rule.id, told.what, told.fix


def _shown(each: Reviewed) -> str:
    return f"`{each.name.removeprefix(PUBLISHED)}`"


def _row(name: str, reviewed: tuple[Reviewed, ...]) -> tuple[str, ...]:
    numbers = (
        sum(len(each.system.nodes) for each in reviewed),
        sum(len(each.system.blueprint.relationships) for each in reviewed),
        sum(len(each.report.broken) for each in reviewed),
        sum(len(each.report.undecided) for each in reviewed),
        sum(each.report.held for each in reviewed),
    )
    return (name, *map(str, numbers))
