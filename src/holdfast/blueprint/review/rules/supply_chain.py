"""SC: where models, artefacts and what runs come from."""

import re
from collections.abc import Iterator

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.graph import Edge, System
from holdfast.blueprint.review.evidence import Change, EvidenceKind
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of, models_of
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

FIXED = re.compile(
    r"""@sha256:[0-9a-f]{12,} | \b[0-9a-f]{40}\b   # a digest, a commit
    | (19|20)\d\d-?[01]\d-?[0-3]\d                 # a day: 2024-08-06, 20240806
    | -\d{3,4}$                                    # a numbered snapshot: gemini-1.5-pro-002
    | [:@-]v?\d+\.\d+\.\d+\b                       # a full version: reviewer-1.4.2
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Names that stand for one version for ever, by the customs of those who publish models."""
FLOATING = re.compile(
    r"(^|[-:/@_.])(latest|newest|current|stable|default|auto|preview|main|master|nightly)$",
    re.IGNORECASE,
)
ALIASES = re.compile(
    r"^([\w.-]+/)?(gpt-|chatgpt|o[1-9]\b|claude-|gemini-|mistral-(large|medium|small)|command-)",
    re.IGNORECASE,
)
"""Families whose undated names are moved to new versions by their providers."""

CHANGING = frozenset({"write", "irreversible", "exec"})


def _floating(case: Case) -> Iterator[Judgement]:
    for node in models_of(case.system):
        at = fact_of(node.id, "model")
        seen = sorted(_models_seen(case, node.id))
        match _pinned(node):
            case True:
                yield holds(node.id, at)
            case None if len(seen) > 1:
                yield broken(
                    node.id,
                    at,
                    what=f"`{node.id}` answered as {', '.join(seen)}: its name moved",
                    fix="name one version, or give the digest of its weights",
                )
            case None:
                missing = (fact_of(node.id, "model.pinned"), fact_of(node.id, "model.digest"))
                yield undecided(node.id, at, missing=missing)
            case _:
                yield _alias(node, at)


def _pinned(node: Node) -> bool | None:
    model = node.facts.model
    if model is not None and model.digest is not None:
        return True
    if model is not None and model.pinned is not None:
        return model.pinned
    names = [name for name in (_model_name(node),) if name]
    if any(FLOATING.search(name) for name in names):
        return False
    if any(FIXED.search(name) for name in names):
        return True
    return False if any(ALIASES.match(name) for name in names) else None


def _model_name(node: Node) -> str | None:
    if node.facts.model is not None and node.facts.model.id is not None:
        return node.facts.model.id
    return None if node.upstream is None else node.upstream.model


def _models_seen(case: Case, name: NodeId) -> set[str]:
    found: set[str] = set()
    for seen in (case.evidence.traces, case.evidence.calls):
        for edge in case.system.entering[name] if seen is not None else ():
            there = seen.edges.get((edge.source, name)) if seen is not None else None
            found |= there.models if there is not None else frozenset()
    return found


def _alias(node: Node, at: str) -> Judgement:
    name = _model_name(node)
    return broken(
        node.id,
        at,
        what=f"`{name}` is a name that its provider moves to other versions",
        fix="name one version with its date, or the digest of the weights",
    )


def _third_parties(case: Case) -> Iterator[Judgement]:
    covered = {edge.destination for edge in case.system.edges if _has_substitute(case.system, edge)}
    for name, node in case.system.nodes.items():
        if node.kind is NodeKind.ACTOR or node.facts.trust not in ("third-party", None):
            continue
        if node.facts.trust is None:
            if node.upstream is not None and not _is_near(node.upstream.address.host):
                yield undecided(name, fact_of(name, "trust"), missing=(fact_of(name, "trust"),))
            continue
        yield _third_party(node, replaceable=name in covered)


def _has_substitute(system: System, edge: Edge) -> bool:
    if edge.relationship.fallback is not None:
        return True
    return any(other.facts.alternative_to == edge.id for other in system.leaving[edge.source])


def _is_near(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith(("127.", "10.", "192.168."))


def _third_party(node: Node, *, replaceable: bool) -> Judgement:
    facts, at = node.facts, fact_of(node.id, "trust")
    lacking: list[str] = []
    if facts.owner is None:
        lacking.append("owner")
    if facts.contract is None:
        lacking.append("contract")
    if facts.exit_plan is None and not replaceable:
        lacking.append("exit_plan")
    if not lacking:
        return holds(node.id, at)
    words = {"owner": "an owner", "contract": "a contract", "exit_plan": "an exit or a fallback"}
    return broken(
        node.id,
        at,
        what=f"nothing names {' or '.join(words[name] for name in lacking)} for `{node.id}`",
        fix="name who answers for it, where the contract is, and what is done when it goes",
        patches=tuple(
            Patch(
                path=("nodes", str(node.id), "facts", name),
                value=f"[[ {name.upper()} ]]",
                note=f"Write {words[name]} of `{node.id}`.",
            )
            for name in lacking
        ),
    )


def _deployed(case: Case) -> Iterator[Judgement]:
    for edge in case.system.edges:
        if edge.facts.purpose == "deploy":
            yield _deploys(case, edge)
    for change in case.evidence.changes or ():
        name = NodeId(change.subject)
        if change.by_pipeline is False and name in case.system.nodes:
            yield broken(
                name,
                f"nodes.{name}",
                what=f"`{name}` was changed by hand on {change.day}",
                fix="make changes by the pipeline only, and take away the rights to make others",
            )


def _deploys(case: Case, edge: Edge) -> Judgement:
    at = edge_fact(edge, "effect")
    effect = edge.facts.effect
    if effect is None:
        return undecided(edge.id, at, missing=(at,))
    if effect in CHANGING:
        ends = (edge.source, edge.destination)
        zones = [case.system.nodes[name].facts.zone for name in ends]
        if None in zones:
            missing = tuple(
                fact_of(name, "zone")
                for name, zone in zip(ends, zones, strict=True)
                if zone is None
            )
            return undecided(edge.id, at, missing=missing)
        if zones[0] != zones[1]:
            return broken(
                edge.id,
                at,
                what=f"`{edge.source}` in zone {zones[0]} may write to `{edge.destination}` in "
                f"zone {zones[1]}: whoever takes the pipeline has production",
                fix="let production fetch what it runs (a controller inside its zone), and take "
                "the pipeline's right to write away",
            )
    return _reviewed(case, edge)


def _reviewed(case: Case, edge: Edge) -> Judgement:
    at = f"relationships.{edge.id}"
    ends = {edge.source, edge.destination}
    approved = (
        other.facts.purpose == "approve" and ends & {other.source, other.destination}
        for name in ends
        for other in (*case.system.entering[name], *case.system.leaving[name])
    )
    if any(approved):
        return holds(edge.id, at)
    changes = [change for change in case.evidence.changes or () if change.subject in ends]
    unseen = [change for change in changes if change.reviewed is False]
    if unseen:
        return broken(edge.id, at, what=_unseen(edge, unseen), fix="demand a second person's yes")
    if changes and all(change.reviewed for change in changes):
        return holds(edge.id, at)
    return undecided(edge.id, at, missing=(EvidenceKind.CHANGES.value,))


def _unseen(edge: Edge, changes: list[Change]) -> str:
    last = max(change.day for change in changes)
    return f"nobody reviewed what reached `{edge.destination}` ({len(changes)}, last on {last})"


RULES: tuple[Rule, ...] = (
    Rule(
        id="SC-01",
        title="A model is named by a version that stays",
        severity="medium",
        why="A name such as `latest` is another model tomorrow: what was tested is not what "
        "answers. Quality, refusals and prices change without any change of yours.",
        mend="Name the dated version, or the digest of the weights, and change it by a release.",
        sources=("FINOS AIGF v2 AIR-OP-005", "FINOS AIGF v2 mi-10"),
        judge=_floating,
        needs=(EvidenceKind.TRACES, EvidenceKind.CALLS),
    ),
    Rule(
        id="SC-04",
        title="A third party has an owner, a contract and a way out",
        severity="medium",
        why="When a provider changes its terms, its prices or its model, somebody must act, and know "
        "what was agreed. Without a way out the provider's bad day is yours.",
        mend="Name the owner and the contract, and either a fallback or what is done when it goes.",
        sources=("FINOS AIGF v2 mi-7", "FINOS AIGF v2 AIR-OP-007"),
        judge=_third_parties,
    ),
    Rule(
        id="SC-05",
        title="Production fetches what it runs, and what it fetches was reviewed",
        severity="high",
        why="A pipeline that may write to production is the widest door into it. A way around the "
        "review lets one stolen account ship code.",
        mend="Let a controller inside production fetch releases, and demand a review for each.",
        sources=(
            "Threagile push-instead-of-pull-deployment",
            "Threagile unchecked-deployment",
        ),
        judge=_deployed,
        needs=(EvidenceKind.CHANGES,),
    ),
)
