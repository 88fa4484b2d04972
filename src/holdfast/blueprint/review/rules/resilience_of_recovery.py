"""RS: what stands in the way of coming back."""

from collections.abc import Iterator, Mapping
from datetime import date

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.graph import System, cycles
from holdfast.blueprint.review.evidence import ControlProof, EvidenceKind
from holdfast.blueprint.review.knowledge.dependence import Dependence, edge_fact, fact_of
from holdfast.blueprint.review.rule import Case, Judgement, Rule, broken, holds, undecided
from holdfast.core import NodeId

RESTORE_CONTROLS = ("restore", "backup", "disaster-recovery", "recovery")
"""Words in the names of controls whose evidence is a restore."""


def _recoveries(case: Case) -> Iterator[Judgement]:
    subjects = _recovering(case.system)
    if not subjects:
        return
    needs = case.system.derived(Dependence)
    sure = _waited(case.system, needs, unsure=False)
    told: set[NodeId] = set()
    for circle in cycles(sure):
        hop = _closing(case.system, set(circle))
        if hop is not None:
            told.update(circle)
            yield _stuck(sure, circle, hop)
    if needs.unsure:
        for circle in cycles(_waited(case.system, needs, unsure=True)):
            if not told & set(circle) and _closing(case.system, set(circle)) is not None:
                told.update(circle)
                yield _perhaps_stuck(needs, circle, subjects=subjects)
    for name in subjects:
        if name not in told:
            yield holds(name, f"nodes.{name}")


def _recovering(system: System) -> tuple[NodeId, ...]:
    """The nodes of which something is said about how they come up."""
    found: dict[NodeId, None] = {
        name: None for name, node in system.nodes.items() if node.facts.cold_start_needs
    }
    for edge in system.edges:
        if edge.facts.purpose == "restore":
            found[edge.destination] = None
    return tuple(found)


def _waited(system: System, needs: Dependence, *, unsure: bool) -> dict[NodeId, list[NodeId]]:
    """What must be up for each node to come up: what it runs on, calls, needs to start, and who
    restores it."""
    found: dict[NodeId, list[NodeId]] = {}
    for name, node in system.nodes.items():
        cold = (NodeId(other) for other in node.facts.cold_start_needs or ())
        edges = (*needs.hard[name], *(needs.unsure.get(name, ()) if unsure else ()))
        found[name] = [
            *system.hosts.get(name, ()),
            *(edge.destination for edge in edges),
            *(other for other in cold if other in system.nodes),
        ]
    for edge in system.edges:
        if edge.facts.purpose == "restore":
            found[edge.destination].append(edge.source)
    return found


def _closing(system: System, circle: set[NodeId]) -> tuple[NodeId, NodeId] | None:
    """A step within the circle that is about coming up, from who waits to whom; calls that go round
    are another rule's matter (RS-06)."""
    for name in sorted(circle):
        for other in system.nodes[name].facts.cold_start_needs or ():
            if other in circle:
                return name, NodeId(other)
        for edge in system.entering[name]:
            if edge.facts.purpose == "restore" and edge.source in circle:
                return name, edge.source
    return None


def _stuck(
    waits: Mapping[NodeId, list[NodeId]], circle: tuple[NodeId, ...], hop: tuple[NodeId, NodeId]
) -> Judgement:
    way = (str(hop[0]), *_way(waits, set(circle), hop))
    return broken(
        hop[0],
        f"nodes.{hop[0]}",
        what=f"`{hop[0]}` comes up only by `{hop[1]}`, which waits for it: {' -> '.join(way)}",
        fix="give recovery a way that needs nothing of what it recovers: its own credentials, "
        "images and configuration",
        way=way,
    )


def _way(
    waits: Mapping[NodeId, list[NodeId]], inside: set[NodeId], hop: tuple[NodeId, NodeId]
) -> tuple[str, ...]:
    """A shortest way from the second node of ``hop`` to the first, within the circle."""
    came: dict[NodeId, NodeId | None] = {hop[1]: None}
    waiting = [hop[1]]
    for here in waiting:
        if here == hop[0]:
            break
        for name in waits[here]:
            if name in inside and name not in came:
                came[name] = here
                waiting.append(name)
    way: list[NodeId] = [hop[0]]
    while (before := came[way[-1]]) is not None:
        way.append(before)
    return tuple(str(name) for name in reversed(way))


def _perhaps_stuck(
    needs: Dependence, circle: tuple[NodeId, ...], *, subjects: tuple[NodeId, ...]
) -> Judgement:
    inside = set(circle)
    start = next(name for name in subjects if name in inside)
    missing = tuple(
        edge_fact(edge, "strength")
        for name in sorted(circle)
        for edge in needs.unsure.get(name, ())
        if edge.destination in inside
    )
    return undecided(start, f"nodes.{start}", missing=missing)


def _restores(case: Case) -> Iterator[Judgement]:
    for node in case.system.nodes.values():
        if node.facts.stateful is False or case.system.parts.get(node.id):
            continue
        if node.facts.stateful or node.kind is NodeKind.STORE:
            yield _restore(case, node)


def _restore(case: Case, node: Node) -> Judgement:
    at = fact_of(node.id, "restore_tested")
    days = [*_proven(case, node.id)]
    if node.facts.restore_tested is not None:
        days.append(date.fromisoformat(node.facts.restore_tested))
    past = [day for day in days if day <= case.today]
    if days and not past:
        return broken(
            node.id,
            at,
            what=f"the restore of `{node.id}` is dated {min(days)}, which has not come yet",
            fix="write the day on which a backup was last restored",
        )
    if past:
        return _age(case, node, max(past))
    missing = [at, EvidenceKind.CONTROLS.value]
    if node.facts.stateful is None:
        missing.append(fact_of(node.id, "stateful"))
    return undecided(node.id, at, missing=tuple(missing))


def _age(case: Case, node: Node, last: date) -> Judgement:
    at, age, most = fact_of(node.id, "restore_tested"), (case.today - last).days, case.limits
    if age <= most.evidence_days:
        return holds(node.id, at)
    return broken(
        node.id,
        at,
        what=f"no backup of `{node.id}` was restored for {age} days; {most.evidence_days} are "
        "allowed",
        fix="restore a backup beside the running one, compare, and write the day",
    )


def _proven(case: Case, name: NodeId) -> Iterator[date]:
    for proof in case.evidence.controls or ():
        if proof.subject == name and proof.dated is not None and _is_restore(proof):
            yield date.fromisoformat(proof.dated[:10])


def _is_restore(proof: ControlProof) -> bool:
    return any(word in proof.control.lower() for word in RESTORE_CONTROLS)


RULES: tuple[Rule, ...] = (
    Rule(
        id="RS-11",
        title="Recovery needs nothing of what it recovers",
        severity="high",
        why="Whatever restores the system must work while the system does not. If it logs in, "
        "fetches or asks through what is down, nobody comes in.",
        mend="Keep credentials, images and configuration of recovery apart, and try it from cold.",
        sources=("Meta Maelstrom (OSDI 2018)", "AWS Builders' Library: static stability"),
        judge=_recoveries,
    ),
    Rule(
        id="RS-13",
        title="What holds data has been restored from its backup lately",
        severity="medium",
        why="A backup that was never restored is a hope. Formats, keys and the people who know how "
        "change in the meantime.",
        mend="Restore into an empty place at least once a year, compare, and write the day.",
        sources=("Azure APRL DisasterRecovery", "AWS Well-Architected REL09"),
        judge=_restores,
        needs=(EvidenceKind.CONTROLS,),
    ),
)
