"""Reviews of a blueprint: what an experienced architect would ask of it.

Promises: every rule gives a verdict of three values on every subject that concerns it, and what
cannot be decided says which fact or evidence is missing. A review changes nothing and asks nobody.
"""

from holdfast.blueprint.review.evidence import Evidence, EvidenceKind
from holdfast.blueprint.review.rule import Case, Judgement, Patch, Rule, Verdict

__all__ = ["Case", "Evidence", "EvidenceKind", "Judgement", "Patch", "Rule", "Verdict"]
