"""What a check of infrastructure found: one judgement for each rule and each thing it is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.blueprint.review import Verdict
from holdfast.core import NodeId

RuleId: TypeAlias = Literal[
    "IAC-01", "IAC-02", "IAC-03", "IAC-04", "IAC-05", "IAC-06", "IAC-07", "IAC-08"
]
RULES: Mapping[RuleId, tuple[str, str]] = {
    "IAC-01": ("high", "Modules and their versions are approved"),
    "IAC-02": ("medium", "Resources come from modules"),
    "IAC-03": ("high", "What holds data lies where its data may"),
    "IAC-04": ("high", "Only exposed nodes are open to the internet"),
    "IAC-05": ("high", "What must be encrypted at rest is"),
    "IAC-06": ("medium", "Every resource belongs to a declared node"),
    "IAC-07": ("medium", "Every node of our own is realised"),
    "IAC-08": ("critical", "Nothing that keeps data is destroyed"),
}
"""Severity and title of each rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfraFinding:
    """``at`` is the address in the plan, the object in the manifests, or `nodes.NAME`. ``missing``
    says what would decide it."""

    rule: RuleId
    verdict: Verdict
    at: str
    node: NodeId | None
    what: str = ""
    fix: str = ""
    missing: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        return RULES[self.rule][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class InfraReport:
    """All judgements. ``not_judged`` counts resources (or objects) by the types that nothing is known
    of; ``bound`` says which node each address realises."""

    findings: tuple[InfraFinding, ...]
    not_judged: Mapping[str, int]
    bound: Mapping[str, NodeId]

    def of(self, verdict: Verdict) -> tuple[InfraFinding, ...]:
        return tuple(each for each in self.findings if each.verdict is verdict)


def holds(rule: RuleId, at: str, node: NodeId | None = None) -> InfraFinding:
    return InfraFinding(rule=rule, verdict=Verdict.HOLDS, at=at, node=node)


def broken(
    rule: RuleId, at: str, *, what: str, fix: str, node: NodeId | None = None
) -> InfraFinding:
    return InfraFinding(rule=rule, verdict=Verdict.BROKEN, at=at, node=node, what=what, fix=fix)


def undecided(
    rule: RuleId, at: str, *, missing: Iterable[str], what: str, node: NodeId | None = None
) -> InfraFinding:
    return InfraFinding(
        rule=rule, verdict=Verdict.UNDECIDED, at=at, node=node, what=what, missing=tuple(missing)
    )
