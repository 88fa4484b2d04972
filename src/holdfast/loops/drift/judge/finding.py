"""What drift finds, by class, and how sure it is."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, TypeAlias

from holdfast.blueprint import WaiverForm
from holdfast.core import NodeId, RelationshipId
from holdfast.loops.drift.sightings import Proof

REPORT_FROM = 0.5
ALERT_FROM = 0.9
PREFIX = "DRIFT-"
"""Before a class in a waiver's ``rule``: ``DRIFT-D1``, or ``DRIFT-*`` for all."""

WEIGHTS: Mapping[Proof, float] = MappingProxyType(
    {
        Proof.AUTHENTICATED: 0.98,
        Proof.PAIRED: 0.95,
        Proof.GATEWAY: 0.95,
        Proof.FLOW: 0.9,
        Proof.ONE_SIDED: 0.7,
        Proof.CONFIGURED: 0.4,
    }
)
"""How far each kind of evidence can convince, however much there is of it."""
SATURATION = 2.0
"""After how many sightings of one kind its word is 63 % of what it can be."""
SURE: frozenset[Proof] = frozenset({Proof.AUTHENTICATED, Proof.GATEWAY})

Level: TypeAlias = Literal["alert", "report", "note"]


class Kind(StrEnum):
    """Divergences D (seen, not declared), absences A (declared, not seen); Murphy, Notkin and
    Sullivan's reflexion model (1995), refined."""

    UNDECLARED_EDGE = "D1"
    UNDECLARED_WAY = "D2"
    STRANGER = "D3"
    CONTRADICTION = "D4"
    BYPASS = "D5"
    ORDER = "D6"
    BLIND = "A0"
    STALE_EDGE = "A1"
    STALE_NODE = "A2"
    DEAD_GRANT = "A3"


TITLES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.UNDECLARED_EDGE: "calls between declared nodes that no relationship declares",
        Kind.UNDECLARED_WAY: "declared pairs, met over an undeclared protocol, port or tool",
        Kind.STRANGER: "parties that no node declares",
        Kind.CONTRADICTION: "what was seen contradicts a declared attribute",
        Kind.BYPASS: "calls around a guard, gateway or approval",
        Kind.ORDER: "traces that do not follow their flow",
        Kind.BLIND: "relationships that cannot be judged: not enough would have been seen",
        Kind.STALE_EDGE: "relationships that are no longer used",
        Kind.STALE_NODE: "nodes that nothing reaches any more",
        Kind.DEAD_GRANT: "tools and interfaces that are granted and not used",
    }
)

Samples: TypeAlias = dict[tuple[Proof, float], int]
"""Sightings by kind of evidence and by how surely both parties were resolved."""


def confidence(samples: Mapping[tuple[Proof, float], int]) -> float:
    """1 - product over kinds of evidence s of (1 - w_s q_s (1 - exp(-n_s / n0))).

    Sightings of one kind whose parties were resolved with different quality are no independent
    evidence: of those, the best word counts, where lesser qualities are joined by the surer ones.
    """
    doubt = 1.0
    for proof in Proof:
        levels = sorted(((q, n) for (kind, q), n in samples.items() if kind is proof), reverse=True)
        best, together = 0.0, 0
        for quality, count in levels:
            together += count
            best = max(best, quality * (1.0 - math.exp(-together / SATURATION)))
        doubt *= 1.0 - WEIGHTS[proof] * best
    return 1.0 - doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference between what is declared and what was seen.

    ``source`` and ``target`` are nodes, or the names that strangers go by; ``target`` is empty for
    what is about one node or a flow. ``fact`` says in which respect, with ``declared`` and ``seen``.
    ``relationship`` is the declared one it is about. ``n`` sightings stand for ``calls`` calls.
    ``bound`` is, of what was never seen, the share of calls that it could have at most.
    """

    kind: Kind
    source: str
    target: str = ""
    what: str
    level: Level
    confidence: float = 0.0
    n: int = 0
    calls: float = 0.0
    first: int = 0
    last: int = 0
    fact: str = ""
    declared: str = ""
    seen: str = ""
    relationship: RelationshipId | None = None
    flow: str = ""
    strangers: tuple[str, ...] = ()
    """Whole identities of the strangers in it, for whoever binds them to nodes."""
    privileged: bool = False
    bound: float | None = None
    proofs: tuple[Proof, ...] = ()
    waiver: WaiverForm | None = None
    way: tuple[NodeId, ...] = field(default=())

    @property
    def at(self) -> str:
        """What a waiver names: ``source->target``, with the respect where there is one."""
        place = f"{self.source}->{self.target}" if self.target else self.source or self.flow
        return f"{place}:{self.seen}"[:200] if self.seen else place[:200]

    @property
    def rule(self) -> str:
        return f"{PREFIX}{self.kind}"


def level_of(sure: float, *, is_urgent: bool) -> Level:
    """``is_urgent``: one sighting is enough, because it is authenticated and the target privileged."""
    if is_urgent or sure >= ALERT_FROM:
        return "alert"
    return "report" if sure >= REPORT_FROM else "note"


def counts_of(findings: Iterable[Finding]) -> dict[Kind, int]:
    """How many of each class, leaving out waived ones and those too unsure to report."""
    found = dict.fromkeys(Kind, 0)
    for finding in findings:
        if finding.waiver is None and finding.level != "note":
            found[finding.kind] += 1
    return found
