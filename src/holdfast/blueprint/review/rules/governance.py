"""GV: who answers, for what purpose, under which decisions."""

from collections.abc import Iterator
from datetime import date

from holdfast.blueprint import Flow, FlowFacts, Node, NodeKind
from holdfast.blueprint.graph import System
from holdfast.blueprint.review.evidence import Change, EvidenceKind
from holdfast.blueprint.review.knowledge.dependence import fact_of, is_described
from holdfast.blueprint.review.rule import (
    Case,
    Judgement,
    Patch,
    Rule,
    broken,
    holds,
    undecided,
)
from holdfast.core import NodeId

AI = frozenset({NodeKind.MODEL, NodeKind.AGENT})
HUMAN = "ai:human-in-the-loop"
OVERSEEING = frozenset({"approve", "stop"})
DECISIVE = frozenset(
    {
        "zone", "trust-zone", "network", "privilege", "privileges", "permission", "permissions",
        "role", "scope", "scopes", "data-class", "classification",
    }
)  # fmt: skip
"""Kinds of change that need a written decision."""
OWNER_PLACE = "[[ OWNER ]]"


def _unowned(case: Case) -> Iterator[Judgement]:
    """An owner of the system answers for all of it that has none nearer."""
    above = case.system.blueprint.facts.owner
    for node in case.system.nodes.values():
        if node.kind is not NodeKind.ACTOR:
            yield _node_owner(case.system, node, above=above)
    for flow in case.system.flows:
        yield _flow_owner(flow, above=above)


def _node_owner(system: System, node: Node, *, above: str | None) -> Judgement:
    at = fact_of(node.id, "owner")
    around = (system.nodes[name].facts.owner for name in system.around(node.id))
    if node.facts.owner or above or any(around):
        return holds(node.id, at)
    if not is_described(node):
        return undecided(node.id, at, missing=(at,))
    return _nobody(str(node.id), at, path=("nodes", str(node.id), "facts", "owner"))


def _flow_owner(flow: Flow, *, above: str | None) -> Judgement:
    at = f"flows.{flow.id}.facts.owner"
    if flow.facts.owner or above:
        return holds(flow.id, at)
    if not flow.facts.model_fields_set:
        return undecided(flow.id, at, missing=(at,))
    return _nobody(flow.id, at, path=("flows", flow.id, "facts", "owner"))


def _nobody(subject: str, at: str, *, path: tuple[str, ...]) -> Judgement:
    return broken(
        subject,
        at,
        what=f"nobody answers for `{subject}`",
        fix="name a person or a team that can be called",
        patches=(Patch(path=path, value=OWNER_PLACE, note="Write who answers for it."),),
    )


def _undecided_changes(case: Case) -> Iterator[Judgement]:
    if case.evidence.changes is None:
        yield undecided("", "", missing=(EvidenceKind.CHANGES.value,))
        return
    known = _subjects(case.system)
    for change in case.evidence.changes:
        if _kind(change) in DECISIVE:
            yield _change(case, change, known)


def _kind(change: Change) -> str:
    return change.kind.lower().replace("_", "-").replace(" ", "-")


def _subjects(system: System) -> dict[str, str]:
    """Where each subject of a change stands."""
    return {
        **{str(name): f"nodes.{name}" for name in system.nodes},
        **{str(r.id): f"relationships.{r.id}" for r in system.blueprint.relationships},
        **{flow.id: f"flows.{flow.id}" for flow in system.flows},
    }


def _change(case: Case, change: Change, known: dict[str, str]) -> Judgement:
    subject = change.subject if change.subject in known else ""
    at = known.get(change.subject, "")
    if change.adr is None:
        return broken(
            subject,
            at,
            what=f"the {change.kind} of `{change.subject}` changed on {change.day}, and no "
            "decision says why",
            fix="write an architecture decision record and list it under `adrs`",
        )
    if change.adr not in case.system.blueprint.adrs:
        return broken(
            subject,
            at,
            what=f"the change of `{change.subject}` on {change.day} names {change.adr}, which "
            "`adrs` does not list",
            fix="list the decision where readers of the blueprint find it",
            patches=(Patch(path=("adrs",), value=[*case.system.blueprint.adrs, change.adr]),),
        )
    return holds(subject, at)


def _expired(case: Case) -> Iterator[Judgement]:
    for index, waiver in enumerate(case.system.blueprint.review.waivers or ()):
        at = f"review.waivers[{index}]"
        last = date.fromisoformat(waiver.expires)
        if last >= case.today:
            yield holds("", at)
            continue
        yield broken(
            "",
            at,
            what=f"{waiver.owner} accepted {waiver.rule}{_where(waiver.at)} until {last}; that is "
            f"{(case.today - last).days} days ago",
            fix="mend what was accepted, or accept it anew with a reason that holds today",
        )


def _where(at: str | None) -> str:
    return "" if at is None else f" at `{at}`"


def _purposeless(case: Case) -> Iterator[Judgement]:
    system = case.system
    if not any(node.kind in AI for node in system.nodes.values()):
        return
    facts = system.blueprint.facts
    parts: list[tuple[str, str, FlowFacts, tuple[NodeId, ...]]] = [
        ("", "facts", facts, tuple(system.nodes)),
        *(
            (flow.id, f"flows.{flow.id}.facts", flow.facts, system.members(flow))
            for flow in system.flows
            if any(system.nodes[name].kind in AI for name in system.members(flow))
        ),
    ]
    overseen = _overseen(case)
    for subject, at, own, members in parts:
        is_overseen = _has_human(overseen, members)
        yield _purpose(system, subject, at, own=own, is_overseen=is_overseen)


def _overseen(case: Case) -> tuple[frozenset[NodeId], frozenset[NodeId]]:
    """Nodes that somebody surely oversees, and nodes that somebody may. A policy that makes calls
    wait for a person's yes is oversight of both ends."""
    system = case.system
    sure: set[NodeId] = set()
    maybe: set[NodeId] = set()
    for edge in system.edges:
        ends = (edge.source, edge.destination)
        for person, other in (ends, ends[::-1]):
            node = system.nodes[person]
            if node.kind is not NodeKind.ACTOR:
                continue
            is_sure = node.type == HUMAN or edge.facts.purpose in OVERSEEING
            (sure if is_sure else maybe).update((person, other))
        fits = [approval.fits(edge) for approval in case.known.approvals]
        if any(each is not False for each in fits):
            (sure if True in fits else maybe).update(ends)
    for name, node in system.nodes.items():
        if node.facts.stopped_by or node.facts.reviewers:
            sure.add(name)
    return frozenset(sure), frozenset(maybe)


def _has_human(
    overseen: tuple[frozenset[NodeId], frozenset[NodeId]], members: tuple[NodeId, ...]
) -> bool | None:
    """None: people touch it, and nobody says whether to oversee it."""
    sure, maybe = overseen
    if not sure.isdisjoint(members):
        return True
    return False if maybe.isdisjoint(members) else None


def _purpose(
    system: System, subject: str, at: str, *, own: FlowFacts, is_overseen: bool | None
) -> Judgement:
    above = system.blueprint.facts
    tier = own.risk_tier or above.risk_tier
    lacking = [
        name
        for name, said in (("purpose", own.purpose or above.purpose), ("risk_tier", tier))
        if said is None
    ]
    if tier == "unacceptable":
        return broken(
            subject,
            f"{at}.risk_tier",
            what="its practice is prohibited (EU AI Act, Article 5)",
            fix="do not run it; if the tier is wrong, have it judged anew and say by whom",
        )
    if lacking and not own.model_fields_set and not above.model_fields_set:
        missing = tuple(f"{at}.{name}" for name in lacking)
        return undecided(subject, at if subject else "", missing=missing)
    if lacking:
        return _unsaid(subject, at, lacking)
    return _oversight(subject, at, is_overseen) if tier == "high" else holds(subject, at)


def _unsaid(subject: str, at: str, lacking: list[str]) -> Judgement:
    words = {"purpose": "what it is meant for", "risk_tier": "its risk tier"}
    return broken(
        subject,
        at,
        what=f"nobody says {' and '.join(words[name] for name in lacking)}",
        fix="write the intended purpose, and the tier that follows from it",
    )


def _oversight(subject: str, at: str, is_overseen: bool | None) -> Judgement:
    if is_overseen:
        return holds(subject, at)
    if is_overseen is None:
        return undecided(subject, at, missing=("relationships",))
    return broken(
        subject,
        f"{at}.risk_tier",
        what="its risk is high, and no person can approve or stop what it does",
        fix="add a node of type ai:human-in-the-loop, or a relationship whose purpose is to "
        "approve or to stop",
    )


def _versions(case: Case) -> Iterator[Judgement]:
    declared = [node for node in case.system.nodes.values() if node.facts.release is not None]
    if declared and case.evidence.changes is None:
        yield undecided("", "nodes", missing=(EvidenceKind.CHANGES.value,))
        return
    latest: dict[str, Change] = {}
    for change in case.evidence.changes or ():
        last = latest.get(change.subject)
        if change.release is not None and (last is None or change.day >= last.day):
            latest[change.subject] = change
    for node in declared:
        yield _version(node, latest.get(node.id))


def _version(node: Node, last: Change | None) -> Judgement:
    at = fact_of(node.id, "release")
    if last is None:
        return undecided(node.id, at, missing=(EvidenceKind.CHANGES.value,))
    if last.release == node.facts.release:
        return holds(node.id, at)
    return broken(
        node.id,
        at,
        what=f"{node.facts.release} of `{node.id}` is declared; {last.release} was deployed on "
        f"{last.day}",
        fix="declare what runs, in the same change that deploys it, or deploy what is declared",
        patches=(
            Patch(
                path=("nodes", str(node.id), "facts", "release"),
                value=last.release,
                note="Once somebody has reviewed what was deployed.",
            ),
        ),
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="GV-01",
        title="Somebody answers for every part and every flow",
        severity="medium",
        why="What nobody answers for is not patched, not paid for and not switched off. In an "
        "incident the first hour goes into finding out whose it is.",
        mend="Name an owner for the system, and nearer ones where others answer.",
        sources=("NIST AI RMF GOVERN 2.1", "KubeLinter required-label-owner"),
        judge=_unowned,
    ),
    Rule(
        id="GV-02",
        title="Changes of trust are decided in writing",
        severity="medium",
        why="A zone that was widened, or a right that was given, stays long after its reason is "
        "forgotten. Without the reason nobody dares to take it back.",
        mend="Write a decision record for each change of zone, privilege or data class, and list "
        "it under `adrs`.",
        sources=("FINOS CALM adrs and timeline",),
        judge=_undecided_changes,
        needs=(EvidenceKind.CHANGES,),
    ),
    Rule(
        id="GV-03",
        title="No accepted finding is past its day",
        severity="high",
        why="A waiver is a loan with a date. Past the date nobody has accepted the risk any more, "
        "and it is still there.",
        mend="Mend the finding, or have it accepted anew by somebody who may.",
        sources=("ISO/IEC 27001 6.1.3", "NIST AI RMF MANAGE 1.4"),
        judge=_expired,
    ),
    Rule(
        id="GV-04",
        title="The purpose and the risk are said, and high risk is overseen",
        severity="high",
        why="Which duties hold depends on what the system is for. Where its risk is high, a person "
        "must be able to step in.",
        mend="Write purpose and risk tier; where it is high, declare who approves or stops what.",
        sources=("EU AI Act Art. 6, 9 and 14", "NIST AI RMF MAP 1.1"),
        judge=_purposeless,
    ),
    Rule(
        id="GV-06",
        title="What is deployed is what is declared",
        severity="medium",
        why="A review of version 3 says nothing of version 4. Whoever reads the blueprint decides "
        "by what it says.",
        mend="Change the declared release in the same change that deploys it.",
        sources=("FINOS CALM timeline and deployment decorator",),
        judge=_versions,
        needs=(EvidenceKind.CHANGES,),
    ),
)
