"""Reviews of a blueprint: what an experienced architect would ask of it.

Promises: every rule gives a verdict of three values on every subject that concerns it, and what
cannot be decided says which fact or evidence is missing. A review changes nothing and asks nobody.
"""

from holdfast.blueprint.review.catalogue import built_in_rules, in_order
from holdfast.blueprint.review.engine import Settings, compared, review
from holdfast.blueprint.review.errors import EvidenceError, PackError, PatchError, ReviewError
from holdfast.blueprint.review.evidence import (
    Change,
    Component,
    ControlProof,
    Evidence,
    EvidenceKind,
    Seen,
    SeenEdge,
    Workload,
    Workloads,
)
from holdfast.blueprint.review.findings import Finding, Report, RuleResult
from holdfast.blueprint.review.fixing.patching import patched
from holdfast.blueprint.review.fixing.proposing import Fix, LeftOut, difference, fix_of
from holdfast.blueprint.review.packs import Pack, read_pack
from holdfast.blueprint.review.places import settled_steps, steps_to
from holdfast.blueprint.review.rule import (
    SEVERITIES,
    Case,
    Judgement,
    Patch,
    Rule,
    RuleSeverity,
    Verdict,
    broken,
    holds,
    undecided,
)

__all__ = [
    "SEVERITIES",
    "Case",
    "Change",
    "Component",
    "ControlProof",
    "Evidence",
    "EvidenceError",
    "EvidenceKind",
    "Finding",
    "Fix",
    "Judgement",
    "LeftOut",
    "Pack",
    "PackError",
    "Patch",
    "PatchError",
    "Report",
    "ReviewError",
    "Rule",
    "RuleResult",
    "RuleSeverity",
    "Seen",
    "SeenEdge",
    "Settings",
    "Verdict",
    "Workload",
    "Workloads",
    "broken",
    "built_in_rules",
    "compared",
    "difference",
    "fix_of",
    "holds",
    "in_order",
    "patched",
    "read_pack",
    "review",
    "settled_steps",
    "steps_to",
    "undecided",
]
