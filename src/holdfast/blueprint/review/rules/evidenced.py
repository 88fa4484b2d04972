"""OB: what is declared against what was observed, and controls against their evidence."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from holdfast.blueprint import Control, Flow, Requirement
from holdfast.blueprint.graph import Edge, EdgeKind
from holdfast.blueprint.review.documents import UnreadableDocumentError, misfits
from holdfast.blueprint.review.evidence import ControlProof, EvidenceKind, Seen, SeenEdge
from holdfast.blueprint.review.knowledge.dependence import Dependence, flow_fact
from holdfast.blueprint.review.rule import Case, Judgement, Rule, broken, holds, undecided

SAMPLES_MIN = 4.6
"""So many expected calls, and none seen: the chance of that is below 1 %."""
DAYS_MIN = 7.0
"""Where nobody knows how often: for so long."""
ENCRYPTED = frozenset({"HTTPS", "TLS", "mTLS", "SFTP"})


def _never_seen(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    for flow in case.system.flows:
        if needs.importance(flow.id) not in ("critical", None):
            continue
        edges = {edge.id: edge for edge, _ in case.system.steps(flow)}
        calls = [edge for edge in edges.values() if edge.kind is EdgeKind.CALL]
        if calls and not _watches(case):
            missing = (EvidenceKind.TRACES.value, EvidenceKind.CALLS.value)
            yield undecided(flow.id, f"flows.{flow.id}", missing=missing)
        elif calls:
            yield from _silent(case, needs, flow, edges=calls)


def _watches(case: Case) -> tuple[Seen, ...]:
    """What was observed, by whatever means."""
    return tuple(seen for seen in (case.evidence.traces, case.evidence.calls) if seen is not None)


def _seen(case: Case, edge: Edge) -> Iterator[SeenEdge]:
    for watch in _watches(case):
        found = watch.edges.get((edge.source, edge.destination))
        if found is not None:
            yield found


def _silent(
    case: Case, needs: Dependence, flow: Flow, *, edges: Iterable[Edge]
) -> Iterator[Judgement]:
    for edge in edges:
        at = f"relationships.{edge.id}"
        if any(seen.calls for seen in _seen(case, edge)):
            yield holds(edge.id, at)
            continue
        days = _days(case, needs, edge)
        expected = None if (rate := _rate(flow, edge)) is None else rate * 24 * days
        enough = days >= DAYS_MIN if expected is None else expected >= SAMPLES_MIN
        if not enough:
            yield undecided(edge.id, at, missing=(EvidenceKind.TRACES.value,))
        elif needs.importance(flow.id) is None:
            yield undecided(edge.id, at, missing=(flow_fact(flow.id, "criticality"),))
        else:
            yield _absent(flow, edge, days=days)


def _rate(flow: Flow, edge: Edge) -> float | None:
    return edge.facts.calls_per_hour or flow.facts.runs_per_hour


def _days(case: Case, needs: Dependence, edge: Edge) -> float:
    """For how long calls over the edge would have been seen."""
    traces, calls = case.evidence.traces, case.evidence.calls
    found = [0.0]
    if traces is not None and edge.source in traces.instrumented:
        found.append(traces.days)
    if calls is not None and needs.is_carried(edge):
        found.append(calls.days)
    return max(found)


def _absent(flow: Flow, edge: Edge, *, days: float) -> Judgement:
    return broken(
        edge.id,
        f"relationships.{edge.id}",
        what=f"`{edge.source}` was watched for {days:g} days and never called "
        f"`{edge.destination}`, which `{flow.id}` says it does",
        fix="find out which way the flow really takes, and declare that one",
        way=(str(edge.source), str(edge.destination)),
    )


def _contradicted(case: Case) -> Iterator[Judgement]:
    claims = [edge for edge in case.system.edges if _claims(edge)]
    if claims and not _watches(case):
        missing = (EvidenceKind.TRACES.value, EvidenceKind.CALLS.value)
        yield undecided("", "relationships", missing=missing)
        return
    for edge in claims:
        yield _claim(case, edge)


def _claims(edge: Edge) -> tuple[str, ...]:
    """What is said of the edge that can be seen."""
    found: list[str] = []
    if edge.facts.encrypted or (
        edge.facts.encrypted is None and edge.relationship.protocol in ENCRYPTED
    ):
        found.append("encrypted")
    if edge.facts.auth not in (None, "none") or edge.relationship.protocol == "mTLS":
        found.append("authenticated")
    return tuple(found)


def _claim(case: Case, edge: Edge) -> Judgement:
    at, doubts = f"relationships.{edge.id}", False
    for claim in _claims(edge):
        words = [
            seen.encrypted if claim == "encrypted" else seen.authenticated
            for seen in _seen(case, edge)
        ]
        if False in words:
            return broken(
                edge.id,
                at,
                what=f"`{edge.id}` is declared {claim}, and calls were seen that are not",
                fix="make it so, or find out who calls there past what is declared",
                way=(str(edge.source), str(edge.destination)),
            )
        doubts = doubts or True not in words
    if doubts:
        missing = (EvidenceKind.TRACES.value, EvidenceKind.CALLS.value)
        return undecided(edge.id, at, missing=missing)
    return holds(edge.id, at)


def _controls(case: Case) -> Iterator[tuple[str, str, str, Control]]:
    """Every CALM control: the subject, its place, its name."""
    blueprint = case.system.blueprint
    for name, control in blueprint.controls.items():
        yield "", f"controls.{name}", name, control
    parts: list[tuple[str, str, Mapping[str, Control]]] = [
        *((node.id, f"nodes.{node.id}", node.controls) for node in blueprint.nodes.values()),
        *((each.id, f"relationships.{each.id}", each.controls) for each in blueprint.relationships),
        *((flow.id, f"flows.{flow.id}", flow.controls) for flow in blueprint.flows),
    ]
    for subject, at, controls in parts:
        for name, control in controls.items():
            yield subject, f"{at}.controls.{name}", name, control


def _unproven(case: Case) -> Iterator[Judgement]:
    proofs = case.evidence.controls
    found: dict[tuple[str, str], list[ControlProof]] = {}
    for proof in proofs or ():
        found.setdefault((proof.subject, proof.control), []).append(proof)
    for subject, at, name, _ in _controls(case):
        if proofs is None:
            yield undecided(subject, at, missing=(EvidenceKind.CONTROLS.value,))
        else:
            yield _proof(case, subject, at, name=name, proofs=found.get((subject, name), []))


def _proof(
    case: Case, subject: str, at: str, *, name: str, proofs: list[ControlProof]
) -> Judgement:
    if not proofs:
        return broken(
            subject,
            at,
            what=f"nothing shows that the control `{name}` is met",
            fix="gather its evidence, with the day",
        )
    ages = [(_age(case, proof), proof) for proof in proofs if proof.dated is not None]
    fresh = [age for age, proof in ages if age <= _valid(case, proof)]
    if fresh:
        return holds(subject, at)
    if len(ages) < len(proofs):
        return undecided(subject, at, missing=(EvidenceKind.CONTROLS.value,))
    age, proof = min(ages, key=lambda pair: pair[0])
    return broken(
        subject,
        at,
        what=f"the evidence of the control `{name}` is {age} days old; it holds for "
        f"{_valid(case, proof)}",
        fix="gather it anew, best by a machine",
    )


def _age(case: Case, proof: ControlProof) -> int:
    return (case.today - date.fromisoformat((proof.dated or "")[:10])).days


def _valid(case: Case, proof: ControlProof) -> int:
    return proof.valid_days or case.limits.evidence_days


def _misconfigured(case: Case) -> Iterator[Judgement]:
    for subject, at, name, control in _controls(case):
        for requirement in control.requirements:
            yield _configured(case, subject, at, name=name, requirement=requirement)


def _configured(
    case: Case, subject: str, at: str, *, name: str, requirement: Requirement
) -> Judgement:
    documents = case.evidence.documents or {}
    schema = documents.get(requirement.requirement_url)
    config = (
        requirement.config.decode()
        if requirement.config is not None
        else documents.get(requirement.config_url or "")
    )
    if schema is None or config is None:
        return undecided(subject, at, missing=(EvidenceKind.DOCUMENTS.value,))
    try:
        wrong = misfits(_plain(config), schema, documents=documents)
    except UnreadableDocumentError as error:
        return undecided(
            subject, at, missing=(EvidenceKind.DOCUMENTS.value,), what=f"`{name}`: {error}"
        )
    if not wrong:
        return holds(subject, at)
    return broken(
        subject,
        at,
        what=f"the control `{name}` does not fit {requirement.requirement_url}: {wrong[0]}",
        fix="configure it as its requirement says",
    )


def _plain(config: str) -> str:
    """The configuration with its fractions as numbers again; the blueprint keeps them exact."""

    def number(pairs: list[tuple[str, object]]) -> object:
        if len(pairs) == 1 and pairs[0][0] == "float":
            return float(str(pairs[0][1]))
        return dict(pairs)

    return json.dumps(json.loads(config, object_pairs_hook=number))


RULES: tuple[Rule, ...] = (
    Rule(
        id="OB-01",
        title="What a critical flow declares is really used",
        severity="medium",
        why="A declared way that nobody takes means that the real one is not declared, and so not "
        "reviewed, not guarded and not measured.",
        mend="Compare traces with the flow; declare the way that is taken, remove the other.",
        sources=("Murphy, Notkin, Sullivan: Software Reflexion Models (1995)",),
        judge=_never_seen,
        needs=(EvidenceKind.TRACES, EvidenceKind.CALLS),
    ),
    Rule(
        id="OB-04",
        title="Every control has evidence that still holds",
        severity="medium",
        why="A control without evidence is an intention. Evidence of last year says nothing of what "
        "was deployed since.",
        mend="Gather evidence by machine at each release, and date it.",
        sources=("FINOS CALM evidence", "ISO/IEC 42001 9.1"),
        judge=_unproven,
        needs=(EvidenceKind.CONTROLS,),
    ),
    Rule(
        id="OB-05",
        title="Controls are configured as their requirements demand",
        severity="high",
        why="A control that does not meet its own requirement looks like one in every report. What "
        "it was to prevent is not prevented.",
        mend="Validate each configuration against its requirement's schema, in the pipeline.",
        sources=("FINOS CALM control-requirement",),
        judge=_misconfigured,
        needs=(EvidenceKind.DOCUMENTS,),
    ),
    Rule(
        id="OB-06",
        title="Nothing that was seen contradicts what is declared",
        severity="critical",
        why="When plain text is seen where encryption is declared, either the declaration is wrong "
        "or somebody goes around it. Every conclusion from the declaration is then wrong as well.",
        mend="Find out which; close the way around, or mend the declaration and review again.",
        sources=("FINOS CALM #185", "NIST SP 800-207"),
        judge=_contradicted,
        needs=(EvidenceKind.TRACES, EvidenceKind.CALLS),
    ),
)
