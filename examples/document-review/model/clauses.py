"""Contract clauses made from a seed, and the checklist that they are reviewed against.

Pure: the same `random.Random` gives the same clauses. A clause breaks at most one checklist item,
and knows which, so that it serves as training data, as a test case and as a sample in a demo.

A clause is *held out* when one of its numbers is withheld from training (`n % 11 == 9`) or when
its core sentence falls in a withheld tenth of all core sentences. Training never sees such a one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from core_sentences import MAKERS, Core

CLAUSE_TYPES: Final = (
    "confidentiality",
    "liability",
    "termination",
    "payment",
    "data-protection",
    "governing-law",
    "intellectual-property",
    "assignment",
    "warranty",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One rule that a clause of `clause_type` must keep."""

    id: str
    clause_type: str
    rule: str
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A clause and the right answers about it.

    `item` is the id of the broken checklist item, or None; `reason` says how it is broken.
    """

    clause_type: str
    text: str
    summary: str
    item: str | None
    reason: str
    held_out: bool


def _item(item_id: str, clause_type: str, severity: str, rule: str) -> ChecklistItem:
    return ChecklistItem(id=item_id, clause_type=clause_type, rule=rule, severity=severity)


CHECKLIST: Final[tuple[ChecklistItem, ...]] = (
    _item("CONF-1", "confidentiality", "medium", "Confidentiality must last at least 3 years"),
    _item("LIAB-1", "liability", "high", "Liability must be capped"),
    _item("LIAB-2", "liability", "medium", "The liability cap must be at least 12 months of fees"),
    _item("TERM-1", "termination", "medium", "Notice of termination must be at least 30 days"),
    _item("PAY-1", "payment", "low", "Payment terms must be at least 30 days"),
    _item("PAY-2", "payment", "medium", "Late payment interest must not exceed 8% a year"),
    _item("DATA-1", "data-protection", "high", "Data breaches must be notified within 72 hours"),
    _item("DATA-2", "data-protection", "high", "Sub-processors must need written consent"),
    _item("LAW-1", "governing-law", "low", "The governing law must be on the approved list"),
    _item("IP-1", "intellectual-property", "high", "The paying party must own the deliverables"),
    _item("ASG-1", "assignment", "medium", "Assignment must need written consent"),
    _item("WAR-1", "warranty", "low", "The warranty must last at least 12 months"),
)
CHECKLIST_BY_ID: Final = {item.id: item for item in CHECKLIST}

_PARTIES: Final = (
    ("Customer", "Supplier"), ("Client", "Provider"), ("Buyer", "Seller"),
    ("Licensee", "Licensor"), ("Company", "Contractor"), ("Hospital", "Vendor"),
    ("Council", "Operator"), ("Bank", "Processor"),
)  # fmt: skip
_NEUTRAL: Final = (
    "This clause survives the end of the contract.",
    "The headings are for convenience only.",
    "The parties have read and understood this provision.",
    "This applies to every order placed under the agreement.",
    "Notices are sent to the address on the first page.",
    "Any change to this clause must be agreed in writing.",
    "The schedule forms part of this provision.",
    "Words in the singular include the plural.",
)


def _is_held_out(core: Core) -> bool:
    """True when training must not see this core sentence (module docstring)."""
    if any(number % 11 == 9 for number in core.numbers):
        return True
    return hashlib.sha256(core.text.encode()).digest()[0] < 26


def _dressed(rng: Random, core: str) -> str:
    """The core sentence with, by chance, a clause number and neutral sentences around it."""
    neutral: Sequence[str] = rng.sample(_NEUTRAL, rng.choice((0, 0, 0, 1, 1, 2)))
    split = rng.randint(0, len(neutral)) if rng.random() < 0.3 else 0
    text = " ".join((*neutral[:split], core, *neutral[split:]))
    if rng.random() < 0.25:
        text = f"{rng.randint(1, 30)}.{rng.randint(1, 9)} {text}"
    return text


def make_clause(rng: Random, *, clause_type: str | None = None) -> Clause:
    """One clause of the given type, or of any type."""
    kind = clause_type or rng.choice(CLAUSE_TYPES)
    core = MAKERS[kind](rng, *rng.choice(_PARTIES))
    return Clause(
        clause_type=kind,
        text=_dressed(rng, core.text),
        summary=core.summary,
        item=core.item,
        reason=core.reason,
        held_out=_is_held_out(core),
    )


def clauses(rng: Random, *, held_out: bool) -> Iterator[Clause]:
    """Clauses without end, all of them held out or none of them."""
    while True:
        clause = make_clause(rng)
        if clause.held_out == held_out:
            yield clause


def sample_clauses(count: int, *, seed: int = 7) -> list[Clause]:
    """`count` held-out clauses for tests and demos; the same seed gives the same clauses."""
    source = clauses(Random(seed), held_out=True)
    return [next(source) for _ in range(count)]
