"""What a proof says."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """``not-proven`` is neither: no answer in the time or the size allowed. Nothing is guessed."""

    PROVED = "proved"
    REFUTED = "refuted"
    NOT_PROVEN = "not-proven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The answer to one question. ``claim`` is the property ``rule`` about ``subject``, in words.
    ``how`` says how it was decided (``z3``, ``graph search``, ``trial of every set``, ``engine``).
    ``example`` shows a refutation, step by step; it was replayed in the evaluator that decides when
    the system runs. ``nodes`` and ``relationships`` are where it lies on the map. ``size`` says how
    much was looked at."""

    rule: str
    subject: str
    claim: str
    outcome: Outcome
    how: str
    what: str = ""
    example: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    relationships: tuple[str, ...] = ()
    size: str = ""


def summed(proofs: Iterable[Proof]) -> Outcome:
    """Refuted when one is; not proven when one is not; else proved."""
    outcomes = {proof.outcome for proof in proofs}
    for outcome in (Outcome.REFUTED, Outcome.NOT_PROVEN):
        if outcome in outcomes:
            return outcome
    return Outcome.PROVED
