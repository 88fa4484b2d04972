"""MH: whether the blueprint is a whole. ``load`` refuses much of it; what it lets pass is here."""

import re
from collections.abc import Iterable, Iterator

from holdfast.blueprint import Choice, Connects, Flow, Interacts, Options, Relationship
from holdfast.blueprint.graph import Edge, System
from holdfast.blueprint.review.knowledge.dependence import Dependence
from holdfast.blueprint.review.rule import (
    Case,
    Judgement,
    Patch,
    Rule,
    broken,
    holds,
    undecided,
)
from holdfast.core import NodeId, RelationshipId

PLACEHOLDER = re.compile(
    r"\[\[\s*[A-Z_ ]+\s*\]\]|<[A-Z][A-Z_ ]{2,}>"
    r"|(?i:^(to ?-?do|tbd|fix ?-?me|change ?-?me|lorem ipsum\b.*)\.?$)"
)
NAMED = ("stopped_by", "logs_to", "cold_start_needs")
"""Facts of a node that name nodes."""


def _loose(case: Case) -> Iterator[Judgement]:
    """Self-loops, circles of containment and two calls between the same nodes do not load."""
    system = case.system
    linked, open_ = _linked(system)
    for node in system.nodes.values():
        at = f"nodes.{node.id}"
        texts = (node.name, node.description, node.facts.owner, node.facts.purpose)
        left = _placeholder(text for text in texts if text)
        if left is not None:
            yield _unfinished(node.id, at, left)
        elif node.id in linked or len(system.nodes) == 1:
            yield holds(node.id, at)
        elif node.id in open_:
            yield undecided(node.id, at, missing=tuple(open_[node.id]))
        else:
            yield broken(
                node.id,
                at,
                what=f"no relationship names `{node.id}`",
                fix="declare how it stands to the others, or take it out",
            )
    yield from _repeated_uses(system)
    yield from _unfinished_parts(system)


def _linked(system: System) -> tuple[set[NodeId], dict[NodeId, list[str]]]:
    """Nodes that a relationship names, and nodes that only an open decision may bring in."""
    linked: set[NodeId] = set()
    open_: dict[NodeId, set[str]] = {}
    for relationship in system.blueprint.relationships:
        match relationship.link:
            case Connects(source=source, destination=destination):
                linked.update((source, destination))
            case Interacts(actor=first, nodes=nodes):
                linked.update((first, *nodes))
            case Options(choices=choices):
                for name in (name for choice in choices for name in choice.nodes):
                    open_.setdefault(name, set()).add(f"relationships.{relationship.id}")
            case link:
                linked.update((link.container, *link.nodes))
    return linked, {name: sorted(places) for name, places in open_.items()}


def _placeholder(texts: Iterable[str]) -> str | None:
    return next((text for text in texts if PLACEHOLDER.search(text.strip())), None)


def _unfinished(subject: str, at: str, text: str) -> Judgement:
    return broken(
        subject,
        at,
        what=f"`{text}` is a place for something that nobody has written",
        fix="write what belongs there",
    )


def _unfinished_parts(system: System) -> Iterator[Judgement]:
    for relationship in system.blueprint.relationships:
        left = _placeholder((relationship.description,))
        if left is not None:
            yield _unfinished(relationship.id, f"relationships.{relationship.id}", left)
    for flow in system.flows:
        left = _placeholder((flow.name, flow.description, *(s.description for s in flow.steps)))
        if left is not None:
            yield _unfinished(flow.id, f"flows.{flow.id}", left)


def _repeated_uses(system: System) -> Iterator[Judgement]:
    """A person's use of one node, declared twice."""
    first: dict[tuple[NodeId, NodeId], RelationshipId] = {}
    told: set[RelationshipId] = set()
    for edge in system.edges:
        earlier = first.setdefault((edge.source, edge.destination), edge.id)
        if earlier != edge.id and edge.id not in told:
            told.add(edge.id)
            yield broken(
                edge.id,
                f"relationships.{edge.id}",
                what=f"`{earlier}` says already that `{edge.source}` uses `{edge.destination}`",
                fix="keep one of the two",
            )


def _broken_chains(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    for flow in case.system.flows:
        yield _chain(case.system, needs, flow)


def _chain(system: System, needs: Dependence, flow: Flow) -> Judgement:
    """Where the flow stands is a stack of nodes that wait: a step goes on from one of them, and
    those above it have answered. What was handed on asynchronously goes on by itself."""
    at = f"flows.{flow.id}.steps"
    stack: list[frozenset[NodeId]] = []
    free: set[NodeId] = set()
    doubtful: dict[NodeId, str] = {}
    for number, step in enumerate(flow.steps):
        edges = system.edges_of.get(step.over, ())
        starts, ends = _ends(edges, back=step.back)
        if stack and not starts & free and not any(starts & here for here in stack):
            unsure = [place for name, place in doubtful.items() if name in starts]
            if unsure:
                return undecided(flow.id, f"{at}[{number}]", missing=tuple(unsure))
            return _jump(flow, f"{at}[{number}]", number, starts=starts, stands=stack[-1])
        _go_on(stack, starts, ends)
        for edge in () if step.back else edges:
            waits = needs.is_waited_for(edge)
            if waits is False:
                free.update((edge.source, edge.destination))
            elif waits is None:
                place = f"relationships.{edge.id}.facts.strength"
                doubtful.update(dict.fromkeys((edge.source, edge.destination), place))
    return holds(flow.id, at)


def _ends(edges: Iterable[Edge], *, back: bool) -> tuple[frozenset[NodeId], frozenset[NodeId]]:
    sources = frozenset(edge.source for edge in edges)
    destinations = frozenset(edge.destination for edge in edges)
    return (destinations, sources) if back else (sources, destinations)


def _go_on(
    stack: list[frozenset[NodeId]], starts: frozenset[NodeId], ends: frozenset[NodeId]
) -> None:
    while stack and not starts & stack[-1]:
        stack.pop()
    if not stack:
        stack.append(starts)
    for depth, here in enumerate(stack):
        if ends & here:  # an answer, or a call back: the flow stands where it stood
            del stack[depth + 1 :]
            return
    stack.append(ends)


def _jump(
    flow: Flow, at: str, number: int, *, starts: frozenset[NodeId], stands: frozenset[NodeId]
) -> Judgement:
    return broken(
        flow.id,
        at,
        what=f"step {number + 1} of `{flow.id}` starts at {_names(starts)}, which has answered "
        f"already; the flow stands at {_names(stands)}",
        fix="add the step that leads there again, or put the steps in the order they happen",
    )


def _names(nodes: Iterable[NodeId]) -> str:
    return " or ".join(f"`{name}`" for name in sorted(nodes))


def _nameless(case: Case) -> Iterator[Judgement]:
    """Nodes and relationships named in relationships are checked at loading; facts are not."""
    system = case.system
    for node in system.nodes.values():
        for name in NAMED:
            said: list[str] = getattr(node.facts, name) or []
            if said:
                yield _all_known(system, node.id, fact=name, said=said)
    for relationship in system.blueprint.relationships:
        primary = relationship.facts.alternative_to
        if primary is not None:
            yield _stands_in(system, relationship, primary)
        if isinstance(relationship.link, Options):
            yield _decision(case, relationship, relationship.link.choices)


def _all_known(system: System, node: NodeId, *, fact: str, said: list[str]) -> Judgement:
    at = f"nodes.{node}.facts.{fact}"
    unknown = [name for name in said if name not in system.nodes]
    if not unknown:
        return holds(node, at)
    return broken(
        node,
        at,
        what=f"`{fact}` of `{node}` names `{unknown[0]}`, which is no node",
        fix="name a node of this blueprint, or declare that one",
        patches=(
            Patch(
                path=("nodes", str(node), "facts", fact),
                value=[name for name in said if name in system.nodes],
                note="Or declare the node that is meant.",
            ),
        ),
    )


def _stands_in(system: System, relationship: Relationship, primary: str) -> Judgement:
    at = f"relationships.{relationship.id}.facts.alternative_to"
    if RelationshipId(primary) in system.edges_of and primary != relationship.id:
        return holds(relationship.id, at)
    return broken(
        relationship.id,
        at,
        what=f"`{relationship.id}` stands in for `{primary}`, over which nothing passes",
        fix="name the relationship that it stands in for",
    )


def _decision(case: Case, relationship: Relationship, choices: tuple[Choice, ...]) -> Judgement:
    """A choice may name controls, which stand anywhere in the blueprint."""
    blueprint = case.system.blueprint
    known = {
        *blueprint.controls,
        *(name for node in blueprint.nodes.values() for name in node.controls),
        *(name for each in blueprint.relationships for name in each.controls),
        *(name for flow in blueprint.flows for name in flow.controls),
    }
    at = f"relationships.{relationship.id}"
    unknown = [name for choice in choices for name in choice.controls if name not in known]
    if not unknown:
        return holds(relationship.id, at)
    return broken(
        relationship.id,
        at,
        what=f"a choice of `{relationship.id}` names the control `{unknown[0]}`, which is nowhere",
        fix="write the control, or take its name out",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="MH-01",
        title="Every part belongs somewhere and is written to its end",
        severity="low",
        why="A node that nothing names is either forgotten or not there. What a placeholder stands "
        "for, everybody imagines for himself.",
        mend="Connect it or take it out; write what is missing.",
        sources=(
            "FINOS CALM lint architecture-nodes-must-be-referenced",
            "FINOS CALM lint no-placeholder-properties",
        ),
        judge=_loose,
    ),
    Rule(
        id="MH-02",
        title="The steps of a flow follow from each other",
        severity="medium",
        why="Analyses of failure, drift and taint walk flows step by step. Where a flow jumps, they "
        "walk a way that nobody takes.",
        mend="Add the missing step, or mark answers with `back: true`.",
        sources=("FINOS CALM flows: gap in the reference's checks",),
        judge=_broken_chains,
    ),
    Rule(
        id="MH-03",
        title="What is named exists",
        severity="high",
        why="A stop path, a log or a fallback that leads to a name nobody declared is none. Reviews "
        "that believe it say that all is well.",
        mend="Name what is declared, or declare it.",
        sources=("FINOS CALM lint: gap for decisions and patterns",),
        judge=_nameless,
    ),
)
