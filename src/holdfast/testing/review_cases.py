"""Cases of a review rule as people write them: a blueprint, evidence, what the rule must say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import msgspec

from holdfast.blueprint import Plain, read_yaml
from holdfast.blueprint.review import (
    Change,
    Component,
    ControlProof,
    Evidence,
    Seen,
    SeenEdge,
    Workload,
    Workloads,
)
from holdfast.core import HoldfastError, NodeId

TODAY = date(2026, 6, 1)
"""The day on which a case is judged that names none."""


class RuleCasesError(HoldfastError):
    """A file of cases cannot be read."""

    code = "testing.rule-cases-invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCase:
    """One blueprint and what the rule must say of it. ``expect`` has every subject it judges, with
    its verdicts sorted; ``missing`` what undecided ones must ask for; ``mended`` demands that the
    rule's own patches leave nothing broken."""

    name: str
    blueprint: dict[str, Plain]
    evidence: Evidence
    today: date
    expect: Mapping[str, tuple[str, ...]]
    missing: Mapping[str, tuple[str, ...]]
    mended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCases:
    """All cases of one rule; ``never_undecided`` is the reason why none is undecided."""

    rule: str
    cases: tuple[RuleCase, ...]
    never_undecided: str = ""
    source: str = ""


class _SeenWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    edges: list[SeenEdge] = []
    strangers: tuple[str, ...] = ()
    instrumented: frozenset[NodeId] = frozenset()
    days: float = 0.0
    approvals_per_hour: dict[NodeId, float] = {}

    def seen(self) -> Seen:
        return Seen(
            edges={(edge.source, edge.destination): edge for edge in self.edges},
            strangers=self.strangers,
            instrumented=self.instrumented,
            days=self.days,
            approvals_per_hour=self.approvals_per_hour,
        )


class _WorkloadsWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    by_node: dict[NodeId, Workload] = {}
    permitted: frozenset[tuple[NodeId, NodeId]] = frozenset()


class _EvidenceWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    traces: _SeenWords | None = None
    workloads: _WorkloadsWords | None = None
    calls: _SeenWords | None = None
    controls: tuple[ControlProof, ...] | None = None
    components: tuple[Component, ...] | None = None
    changes: tuple[Change, ...] | None = None
    documents: dict[str, str] | None = None

    def evidence(self) -> Evidence:
        workloads = self.workloads
        return Evidence(
            traces=self.traces.seen() if self.traces else None,
            workloads=Workloads(by_node=workloads.by_node, permitted=workloads.permitted)
            if workloads
            else None,
            calls=self.calls.seen() if self.calls else None,
            controls=self.controls,
            components=self.components,
            changes=self.changes,
            documents=self.documents,
        )


class _CaseWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    blueprint: dict[str, object] | str
    expect: dict[str, str | list[str]]
    evidence: _EvidenceWords = _EvidenceWords()
    today: date = TODAY
    missing: dict[str, list[str]] = {}
    mended: bool = False


class _CasesWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: str
    cases: list[_CaseWords]
    never_undecided: str = ""


def read_cases(text: str, *, source: str) -> RuleCases:
    """The cases in a YAML file; ``RuleCasesError`` when it is no such file."""
    document = read_yaml(text, source=source)
    if document.problems:
        raise RuleCasesError(f"{source}: {document.problems[0]}")
    try:
        words = msgspec.convert(document.data, _CasesWords)
    except msgspec.ValidationError as error:
        raise RuleCasesError(f"{source}: {error}") from error
    data = document.data
    assert isinstance(data, dict)
    written = data["cases"]
    assert isinstance(written, list)
    cases = tuple(
        _case(each, plain, source) for each, plain in zip(words.cases, written, strict=True)
    )
    return RuleCases(
        rule=words.rule, cases=cases, never_undecided=words.never_undecided, source=source
    )


def _case(words: _CaseWords, written: Plain, source: str) -> RuleCase:
    assert isinstance(written, dict)
    blueprint = written["blueprint"]
    if isinstance(blueprint, str):
        blueprint = read_yaml(blueprint, source=source).data
    if not isinstance(blueprint, dict):
        raise RuleCasesError(f"{source}: {words.name}: its blueprint is no mapping")
    return RuleCase(
        name=words.name,
        blueprint=filled(blueprint),
        evidence=words.evidence.evidence(),
        today=words.today,
        expect={
            subject: tuple(sorted([verdict] if isinstance(verdict, str) else verdict))
            for subject, verdict in words.expect.items()
        },
        missing={subject: tuple(sorted(names)) for subject, names in words.missing.items()},
        mended=words.mended,
    )


def filled(blueprint: Mapping[str, Plain]) -> dict[str, Plain]:
    """With what every blueprint must have but rules do not look at: format, names, descriptions."""
    whole: dict[str, Plain] = {"holdfast": 1, "name": "Case", **blueprint}
    nodes, flows = whole.get("nodes"), whole.get("flows")
    if isinstance(nodes, dict):
        whole["nodes"] = {name: _described(node) for name, node in nodes.items()}
    if isinstance(flows, list):
        whole["flows"] = [_flow(flow) for flow in flows]
    return whole


def _described(part: Plain) -> Plain:
    return {"description": "d", **part} if isinstance(part, dict) else part


def _flow(flow: Plain) -> Plain:
    if not isinstance(flow, dict):
        return flow
    whole: dict[str, Plain] = {"name": "A flow", "description": "d", **flow}
    steps = flow.get("steps")
    if isinstance(steps, list):
        whole["steps"] = [_described(step) for step in steps]
    return whole
