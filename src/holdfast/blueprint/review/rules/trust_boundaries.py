"""TB: what lies between zones, between parties, between the inside and the internet."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.graph import Edge, EdgeKind
from holdfast.blueprint.review.encryption import is_encrypted, stays_on_machine
from holdfast.blueprint.review.evidence import EvidenceKind
from holdfast.blueprint.review.judging import gravest
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.blueprint.review.knowledge.known import (
    CONFIDENTIAL,
    GATEWAY,
    HUMAN,
    PEOPLE,
    Knowledge,
    is_sensitive,
    is_store,
    rank,
)
from holdfast.blueprint.review.rule import (
    TOLD_MAX,
    Case,
    Judgement,
    Patch,
    Rule,
    broken,
    holds,
    undecided,
)

FRONT = re.compile(r"(^|-)(api-)?(gateway|waf|ingress|load-?balancer|reverse-proxy|cdn)(-|$)")
"""Names of what is made to be reached from outside, where no type says it."""
RUNNING = frozenset(set(NodeKind) - PEOPLE - {NodeKind.NETWORK, NodeKind.SYSTEM})


def crosses(known: Knowledge, edge: Edge) -> bool | None:
    """Whether the ends are in two zones, or are run by two parties."""
    here, there = known.zones[edge.source], known.zones[edge.destination]
    if here is not None and there is not None:
        return here != there
    nodes = known.system.nodes
    ours, theirs = nodes[edge.source].facts.trust, nodes[edge.destination].facts.trust
    return True if ours is not None and theirs is not None and ours != theirs else None


def _encryption(case: Case) -> Iterator[Judgement]:
    for edges in case.system.edges_of.values():
        found = [each for edge in edges if (each := _encrypted(case, edge)) is not None]
        if found:
            yield gravest(found)


def _encrypted(case: Case, edge: Edge) -> Judgement | None:
    known, at = case.known, f"relationships.{edge.id}.protocol"
    encrypted, crossing = is_encrypted(case, edge), crosses(known, edge)
    carries = rank(edge.facts.carries)
    sensitive = None if carries is None else carries >= CONFIDENTIAL
    if edge.kind is EdgeKind.USE and encrypted is crossing is carries is None:
        return None  # how a person reaches a screen is seldom drawn; nothing says that it matters
    if encrypted is True or (crossing is False and sensitive is False):
        return holds(edge.id, at)
    if crossing is False and edge.facts.encrypted is None and stays_on_machine(case, edge):
        return holds(edge.id, at, what="it does not leave the machine")
    if encrypted is False and (crossing or sensitive):
        return _plain(edge, at, crossing=bool(crossing))
    missing = (
        *((edge_fact(edge, "encrypted"),) if encrypted is None else ()),
        *(() if crossing is not None or sensitive else _zones_missing(known, edge)),
        *((edge_fact(edge, "carries"),) if sensitive is None and not crossing else ()),
    )
    return undecided(edge.id, at, missing=missing)


def _zones_missing(known: Knowledge, edge: Edge) -> tuple[str, ...]:
    ends = (edge.source, edge.destination)
    return tuple(fact_of(name, "zone") for name in ends if known.zones[name] is None)


def _plain(edge: Edge, at: str, *, crossing: bool) -> Judgement:
    reason = "crosses a trust boundary" if crossing else f"carries {edge.facts.carries} data"
    if edge.facts.encrypted is None and edge.relationship.protocol == "HTTP":
        path, value = ("relationships", str(edge.id), "protocol"), "HTTPS"
    else:
        path, value = ("relationships", str(edge.id), "facts", "encrypted"), True
    return broken(
        edge.id,
        at,
        what=f"what passes from `{edge.source}` to `{edge.destination}` is not encrypted, and it "
        f"{reason}",
        fix="speak TLS on it (mTLS between services), and say so here",
        patches=(Patch(path=path, value=value, note="Once the destination serves TLS."),),
        way=(edge.source, edge.destination),
    )


def _from_outside(case: Case) -> Iterator[Judgement]:
    for edges in case.system.edges_of.values():
        found = [each for edge in edges if (each := _reached(case, edge)) is not None]
        if found:
            yield gravest(found)


def _reached(case: Case, edge: Edge) -> Judgement | None:
    source = case.system.nodes[edge.source]
    node = case.system.nodes[edge.destination]
    is_person = source.kind in PEOPLE and source.type != HUMAN and node.kind not in PEOPLE
    if not is_person or (source.facts.trust == "owned" and source.kind is NodeKind.ACTOR):
        return None
    if node.facts.trust in ("partner", "third-party", "untrusted"):
        return None  # what stands before another party's own service is that party's to say
    at = f"relationships.{edge.id}"
    in_front = node.type == GATEWAY or node.kind is NodeKind.GUARD or FRONT.search(node.id)
    if in_front or FRONT.search(node.type) or case.known.is_carried(edge):
        return holds(edge.id, at)
    zone = case.known.zones[node.id]
    together = zone is not None and zone == case.known.zones[source.id]
    if node.facts.exposed is False or together:
        return holds(edge.id, at)
    if source.facts.trust == "owned" and node.facts.exposed is not True:
        return undecided(edge.id, at, missing=(fact_of(node.id, "exposed"),))
    if source.facts.trust is None:
        missing = [fact_of(source.id, "trust")]
        if node.facts.exposed is None:
            missing.append(fact_of(node.id, "exposed"))
        return undecided(edge.id, at, missing=tuple(missing))
    return broken(
        edge.id,
        at,
        what=f"`{source.id}` comes from outside and reaches `{node.id}` with nothing in front of it",
        fix=f"put a gateway (node type {GATEWAY}) between them that asks who calls and bounds what "
        "passes",
        way=(source.id, node.id),
    )


def _stores_across(case: Case) -> Iterator[Judgement]:
    known = case.known
    for node in case.system.nodes.values():
        if not is_store(node):
            continue
        callers = [edge for edge in case.system.entering[node.id] if _uses(edge)]
        for edge in callers:
            yield _of_its_service(known, edge, node, alone=len(callers) == 1)


def _uses(edge: Edge) -> bool:
    return edge.kind is EdgeKind.CALL and edge.facts.purpose in (None, "call", "delegate")


def _of_its_service(known: Knowledge, edge: Edge, node: Node, *, alone: bool) -> Judgement:
    at = f"relationships.{edge.id}"
    wholes = known.system.wholes
    together = set(wholes.get(node.id, ())) & set(wholes.get(edge.source, ()))
    caller = known.system.nodes[edge.source].kind
    # A store with one caller is that service's own, in whichever zone its data is kept.
    own = alone and caller in (NodeKind.SERVICE, NodeKind.TOOL)
    if together or own or known.is_carried(edge):
        return holds(edge.id, at)
    zones = (known.zones[edge.source], known.zones[node.id])
    if None in zones:
        return undecided(edge.id, at, missing=_zones_missing(known, edge))
    if zones[0] == zones[1]:
        return holds(edge.id, at)
    return broken(
        edge.id,
        at,
        what=f"`{edge.source}` in zone {zones[0]} reaches into the store `{node.id}` of zone "
        f"{zones[1]} itself",
        fix=f"let a service in zone {zones[1]} answer for `{node.id}`, and call that",
        way=(edge.source, node.id),
    )


@dataclass(frozen=True, slots=True)
class _Zone:
    """The parts of a zone that the internet reaches, and those that it may reach for all that is
    known."""

    exposed: list[Node] = field(default_factory=list[Node])
    unsure: list[Node] = field(default_factory=list[Node])


def _neighbours(case: Case) -> Iterator[Judgement]:
    known = case.known
    zones: dict[str | None, _Zone] = defaultdict(_Zone)
    for name, node in case.system.nodes.items():
        if node.kind in RUNNING and node.facts.exposed is not False:
            zone = zones[known.zones[name]]
            (zone.exposed if node.facts.exposed else zone.unsure).append(node)
    nowhere = [*zones[None].exposed, *zones[None].unsure]
    nowhere = [node for node in nowhere if node.facts.trust in (None, "owned")]
    for node in case.system.nodes.values():
        if is_store(node) and is_sensitive(node) is not False:
            name = known.zones[node.id]
            yield _neighboured(node, name, zones[name], nowhere)


def _neighboured(node: Node, name: str | None, zone: _Zone, nowhere: list[Node]) -> Judgement:
    at = fact_of(node.id, "zone")
    if name is None:
        lacking = [at] if is_sensitive(node) else [fact_of(node.id, "data"), at]
        return undecided(node.id, at, missing=tuple(lacking))
    some = islice(nowhere, TOLD_MAX)
    unsure = [fact_of(each.id, "exposed") for each in islice(zone.unsure, TOLD_MAX)]
    unsure += [fact_of(each.id, "zone") for each in some]
    exposed = zone.exposed
    if is_sensitive(node) is None and (exposed or unsure):
        return undecided(node.id, at, missing=(fact_of(node.id, "data"),))
    if not exposed:
        missing = tuple(unsure[:TOLD_MAX])
        return undecided(node.id, at, missing=missing) if missing else holds(node.id, at)
    names = ", ".join(f"`{each.id}`" for each in exposed[:TOLD_MAX])
    return broken(
        node.id,
        at,
        what=f"the sensitive store `{node.id}` shares zone {name} with what the internet reaches: "
        f"{names}",
        fix=f"move `{node.id}` to a zone of its own that only its service may enter",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="TB-01",
        title="What crosses a boundary or is confidential is encrypted on the way",
        severity="high",
        why="Prompts, answers and credentials on a plain wire are read and changed by whoever is "
        "on it. Between zones, that is somebody else's machine.",
        mend="Use TLS, and mTLS between services, for every call between zones or parties and for "
        "confidential data everywhere.",
        sources=(
            "Threagile unencrypted-communication",
            "Azure AI landing zone AI.65",
            "NIST SP 800-207",
        ),
        judge=_encryption,
        needs=(EvidenceKind.TRACES, EvidenceKind.CALLS),
    ),
    Rule(
        id="TB-02",
        title="Who comes from outside comes through a gateway",
        severity="high",
        why="A part that strangers reach directly must withstand floods, forged requests and "
        "stolen keys by itself. Few services, agents and models do.",
        mend="Put a gateway in front of whatever people and programs from outside may reach.",
        sources=(
            "Threagile unguarded-access-from-internet",
            "Threagile missing-waf",
            "NIST SP 800-207",
        ),
        judge=_from_outside,
    ),
    Rule(
        id="TB-03",
        title="A store is reached across zones through its service only",
        severity="high",
        why="Whoever reaches a store itself passes by every check that its service makes: of "
        "tenant, of rights, of amount. One caller taken over is then all of the data.",
        mend="Let one service near the store answer for it, and let other zones call that.",
        sources=(
            "Threagile unguarded-direct-datastore-access",
            "OWASP LLM08:2025 Vector and Embedding Weaknesses",
        ),
        judge=_stores_across,
    ),
    Rule(
        id="TB-04",
        title="Sensitive stores share no zone with what the internet reaches",
        severity="medium",
        why="Within a zone parts reach each other freely. Whoever takes over the exposed one stands "
        "before the store without a further wall.",
        mend="Keep sensitive stores in a zone where nothing is exposed.",
        sources=("Threagile missing-network-segmentation",),
        judge=_neighbours,
    ),
)
