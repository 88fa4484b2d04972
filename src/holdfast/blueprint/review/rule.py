"""What a review rule is, and what it says."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Literal, TypeAlias

from holdfast.blueprint import ReviewLimitsForm
from holdfast.blueprint.graph import System
from holdfast.blueprint.review.evidence import Evidence, EvidenceKind
from holdfast.blueprint.review.knowledge.known import Knowledge

RuleSeverity: TypeAlias = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[RuleSeverity, ...] = ("low", "medium", "high", "critical")
TOLD_MAX = 5
"""So many names stand in one sentence, and so many missing facts are named in one judgement."""


class Verdict(StrEnum):
    """A rule's word on one subject. ``undecided`` never counts as ``holds``."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A change of the blueprint that mends a finding: the value to be written at ``path``, keys of
    mappings and positions in lists from the top. ``value`` is JSON-like; None removes what is
    there. ``note`` says what a person must fill in or decide."""

    path: tuple[str | int, ...]
    value: object
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict on one subject: a node, a relationship, a flow, or the system (``""``).

    ``at`` is the place in the blueprint it is about, as ``nodes.agent.facts.bounds``. ``missing``
    says which facts or evidence would decide it; ``way`` lists the nodes of a path that shows it.
    """

    verdict: Verdict
    subject: str
    at: str
    what: str = ""
    missing: tuple[str, ...] = ()
    fix: str = ""
    patches: tuple[Patch, ...] = ()
    way: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a review judges: the system, the evidence at hand, the day."""

    system: System
    evidence: Evidence
    today: date
    limits: ReviewLimitsForm

    @cached_property
    def known(self) -> Knowledge:
        """What follows from the system's facts: found once for all rules of one review."""
        return Knowledge(self.system)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A question to a system.

    ``judge`` yields one judgement for each subject the rule is about; none when nothing in the
    system concerns it. ``needs`` is the evidence that it may use beyond the blueprint. ``sources``
    name checklist items, as ``OWASP LLM06:2025``. ``why`` says in two sentences what goes wrong
    otherwise; ``mend`` what to do in general.
    """

    id: str
    title: str
    severity: RuleSeverity
    why: str
    mend: str
    sources: tuple[str, ...]
    judge: Callable[[Case], Iterable[Judgement]]
    needs: tuple[EvidenceKind, ...] = ()


def holds(subject: str, at: str, *, what: str = "") -> Judgement:
    return Judgement(verdict=Verdict.HOLDS, subject=subject, at=at, what=what)


def broken(
    subject: str,
    at: str,
    *,
    what: str,
    fix: str,
    patches: tuple[Patch, ...] = (),
    way: tuple[str, ...] = (),
) -> Judgement:
    return Judgement(
        verdict=Verdict.BROKEN,
        subject=subject,
        at=at,
        what=what,
        fix=fix,
        patches=patches,
        way=way,
    )


def undecided(subject: str, at: str, *, missing: tuple[str, ...], what: str = "") -> Judgement:
    """``missing`` names facts by their place (``nodes.a.facts.zone``) or evidence by its kind."""
    return Judgement(verdict=Verdict.UNDECIDED, subject=subject, at=at, what=what, missing=missing)
