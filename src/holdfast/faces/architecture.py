"""The window through which faces see what analyses say of the architecture."""

from dataclasses import dataclass
from typing import Protocol

from holdfast.blueprint.blast import How, Impact
from holdfast.blueprint.proofs import Proof
from holdfast.blueprint.review import Report
from holdfast.blueprint.review.report import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A review of the blueprint in force; ``places`` says where in ``source`` something stands."""

    report: Report
    places: Places
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What can be shown without a solver; ``has_solver`` says whether one is installed."""

    proofs: tuple[Proof, ...]
    has_solver: bool


class ArchitectureView(Protocol):
    """Read-only. Methods block and are used from a thread; what they find is kept."""

    def review(self) -> Reviewed:
        """Every rule, asked of the blueprint in force."""
        ...

    def blast(self, part: str, *, how: How) -> Impact:
        """What falls when a node or a failure domain fails; ``UnknownPartError`` for no part."""
        ...

    def proven(self) -> Proven: ...
