"""Where a finding stands in the written file."""

from dataclasses import dataclass
from typing import Protocol

from holdfast.blueprint import Document
from holdfast.blueprint.review.findings import Finding
from holdfast.blueprint.review.places import steps_to


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


def nowhere(_: str) -> tuple[int, int] | None:
    """For systems that were read without places."""
    return None


def place_of(finding: Finding) -> str:
    """What a finding is about, in a word: its place, or the whole system."""
    return finding.judgement.at or finding.judgement.subject or "the system"
