"""Where a finding stands in the written file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from holdfast.blueprint import Document
from holdfast.blueprint.review.findings import Finding
from holdfast.blueprint.review.places import Steps, steps_to


class Places(Protocol):
    """From a judgement's place to line and column, both from 1; None where they are not known."""

    def __call__(self, at: str, /) -> tuple[int, int] | None: ...


@dataclass(frozen=True, slots=True)
class WrittenPlaces:
    """The places of a document that people wrote."""

    document: Document

    def __call__(self, at: str) -> tuple[int, int] | None:
        steps = steps_to(self.document.data, at)
        if not steps:
            return None
        place = self.document.place(steps, key=isinstance(steps[-1], str))
        return place.line, place.column


@dataclass(frozen=True, slots=True)
class OriginalPlaces:
    """The places of the document that a blueprint was made of: each part's, by its place in the
    blueprint, and inside a part as far as both have the same words."""

    document: Document
    origins: Mapping[str, Steps]

    def __call__(self, at: str) -> tuple[int, int] | None:
        kind, _, rest = at.partition(".")
        name, _, inner = rest.partition(".")
        origin = self.origins.get(f"{kind}.{name}")
        if origin is None or self.document.data is None:
            return None
        place = self.document.place(origin + steps_to(self.document.at(origin), inner))
        return place.line, place.column


def nowhere(_: str) -> tuple[int, int] | None:
    """For systems that were read without places."""
    return None


def place_of(finding: Finding) -> str:
    """What a finding is about, in a word: its place, or the whole system."""
    return finding.judgement.at or finding.judgement.subject or "the system"
