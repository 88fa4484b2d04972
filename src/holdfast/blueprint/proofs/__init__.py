"""Proofs about a declared system: shown for all cases, or refuted by one that was replayed.

Promises: ``survives`` (any k failures), ``guarded`` (no way past the guards), and what the network
enforces against what is declared, both ways. "Proved" means no case is left out within what the
proof names; "refuted" comes with a case that the evaluator confirms; everything else is "not proven",
with the size and the limit. Needs z3 (the extra ``analysis``), but for ``guarded``.
"""

from holdfast.blueprint.proofs.guarding import guarded, replayed, sinks, sources
from holdfast.blueprint.proofs.network import (
    Connection,
    Enforced,
    Pairs,
    declared_within_enforced,
    enforced_within_declared,
)
from holdfast.blueprint.proofs.proof import Outcome, Proof, summed
from holdfast.blueprint.proofs.survival import survives

__all__ = [
    "Connection",
    "Enforced",
    "Outcome",
    "Pairs",
    "Proof",
    "declared_within_enforced",
    "enforced_within_declared",
    "guarded",
    "replayed",
    "sinks",
    "sources",
    "summed",
    "survives",
]
