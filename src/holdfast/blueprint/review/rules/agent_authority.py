"""AG: what agents may do, in whose name, and who says yes."""

from collections import deque
from collections.abc import Iterator, Mapping

from holdfast.blueprint import DATA_CLASSES, EFFECTS, Node, NodeKind
from holdfast.blueprint.graph import Edge, EdgeKind
from holdfast.blueprint.review.knowledge.content import PASSING, Known
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.blueprint.review.knowledge.effects import NONE, is_irreversible
from holdfast.blueprint.review.knowledge.known import (
    MEMORY,
    NOT_ACTED_ON,
    TEMPLATE,
    Knowledge,
    held,
    is_store,
    rank,
)
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

INTERNAL = DATA_CLASSES.index("internal")
_ITS_OWN = frozenset({MEMORY, TEMPLATE, "ai:observability", "ai:eval-monitor"})
"""Types that an agent uses for itself, whoever sent it."""

Led = Mapping[NodeId, Edge | None]
Privilege = tuple[int, int, list[str]]
Privileges = Mapping[NodeId, Privilege]


def _irreversible(case: Case) -> Iterator[Judgement]:
    known = case.known
    if not known.agents:
        return
    certain, possible = _led(known, certain=True), _led(known, certain=False)
    for node in case.system.nodes.values():
        calls = [step.edge for step in known.currents.back[node.id]]
        grave = [(edge, _cannot_be_undone(known, edge, node)) for edge in calls]
        led = [(edge, effect) for edge, effect in grave if effect is not False]
        led = [(edge, effect) for edge, effect in led if edge.source in possible]
        if led:
            yield _done(known, node, led, certain)
        elif any(effect for _, effect in grave):
            yield holds(node.id, fact_of(node.id, "effect"))


def _cannot_be_undone(known: Knowledge, edge: Edge, node: Node) -> Known:
    found = is_irreversible(edge, node, carried=known.is_carried(edge))
    # Any part could be one that does what cannot be undone; only of tools is it worth asking.
    return found if found is not None or node.kind is NodeKind.TOOL else False


def _led(known: Knowledge, *, certain: bool) -> Led:
    """Every node to which agents' calls lead without a person's yes, with the edge before it."""
    led: dict[NodeId, Edge | None] = dict.fromkeys(agent.id for agent in known.agents)
    waiting = deque(led)
    while waiting:
        for onto, _, edge in known.currents.onto[waiting.popleft()]:
            if onto in led or onto in known.approving:
                continue
            waits = known.waits(edge)[0]
            if waits is False or (waits is None and not certain):
                led[onto] = edge
                waiting.append(onto)
    return led


def _done(known: Knowledge, node: Node, led: list[tuple[Edge, Known]], certain: Led) -> Judgement:
    at = fact_of(node.id, "effect")
    if node.id in known.approving:
        return holds(node.id, at)
    unsure: list[str] = []
    for edge, effect in led:
        waits, policies = known.waits(edge)
        if waits:
            continue
        if effect and waits is False and edge.source in certain:
            return _unasked(node, edge, certain)
        unsure += [at] if effect is None else []
        # A policy asks for approvals here; whether of every such call, its text does not show.
        unsure += [f"policies.{name}" for name in policies]
        unsure += ["policies"] if effect and not policies else []
    if not unsure:
        return holds(node.id, at)
    return undecided(node.id, at, missing=tuple(dict.fromkeys(unsure)))


def _unasked(node: Node, edge: Edge, certain: Led) -> Judgement:
    way = [node.id, edge.source]
    while (before := certain[way[-1]]) is not None:
        way.append(before.source)
    way.reverse()
    return broken(
        node.id,
        fact_of(node.id, "effect"),
        what=f"`{way[0]}` can do by `{node.id}` what cannot be undone, and no person is asked",
        fix='let a person say yes first: a policy `@require_approval("owners") permit (principal, '
        f'action, resource == ...::"{node.id}");` where Holdfast carries the call, or an '
        "ai:human-in-the-loop between them",
        way=tuple(way),
    )


def _names(case: Case) -> Iterator[Judgement]:
    known = case.known
    for agent in known.agents:
        for edge in case.system.leaving[agent.id] if agent.id in known.served else ():
            node = case.system.nodes[edge.destination]
            own = node.type in _ITS_OWN or node.kind in NOT_ACTED_ON
            if not own and edge.facts.purpose in PASSING:
                yield _in_whose_name(known, agent, edge, node)


def _in_whose_name(known: Knowledge, agent: Node, edge: Edge, node: Node) -> Judgement:
    at = edge_fact(edge, "acts_as")
    most = held(node)
    public = is_store(node) and most is not None and most < INTERNAL
    mandated = known.is_carried(edge) and edge.relationship.demands.mandate
    acts_as = edge.facts.acts_as or agent.facts.acts_as
    if mandated or edge.facts.auth == "mandate" or acts_as == "caller" or public:
        return holds(edge.id, at)
    if acts_as is None and edge.facts.auth != "key":
        return undecided(edge.id, at, missing=(fact_of(agent.id, "acts_as"),))
    patch = Patch(
        path=("relationships", str(edge.id), "controls", "identity"),
        value={"mandate": True},
        note="Callers then need a mandate that covers the call.",
    )
    return broken(
        edge.id,
        at,
        what=f"whatever user sends `{agent.id}`, `{node.id}` is called with the agent's own "
        "credential: each user can do what the agent may",
        fix="hand the user's authority on: a mandate, or a token exchanged for this user and call",
        patches=(patch,) if known.is_carried(edge) else (),
        way=(agent.id, node.id),
    )


def _delegations(case: Case) -> Iterator[Judgement]:
    nodes = case.system.nodes
    privilege = {agent.id: _privilege(case.known, agent.id) for agent in case.known.agents}
    for edge in case.system.edges:
        ends = (nodes[edge.source].kind, nodes[edge.destination].kind)
        is_call = edge.kind is EdgeKind.CALL and edge.facts.purpose in PASSING
        if is_call and ends == (NodeKind.AGENT, NodeKind.AGENT):
            yield _climbs(case.known, edge, privilege)


def _climbs(known: Knowledge, edge: Edge, privilege: Privileges) -> Judgement:
    at = edge_fact(edge, "revalidates")
    mandated = known.is_carried(edge) and edge.relationship.demands.mandate
    callee = known.system.nodes[edge.destination]
    by_caller = edge.facts.auth == "mandate" or callee.facts.acts_as == "caller"
    low, high, unsure = privilege[edge.source]
    low_there, high_there, unsure_there = privilege[edge.destination]
    cleared = _is_cleared_higher(known, edge)
    no_higher = high_there <= low and not cleared
    if mandated or by_caller or edge.facts.revalidates or no_higher:
        return holds(edge.id, at)
    if edge.facts.revalidates is False and (low_there > high or cleared):
        more = f"its gravest effect is {EFFECTS[low_there]}, not {EFFECTS[high]}"
        return broken(
            edge.id,
            at,
            what=f"`{edge.destination}` may do more than `{edge.source}`, which calls it: "
            f"{'it is cleared for more' if cleared else more}; and it judges nothing anew",
            fix="let the callee ask what its caller may do: a mandate that narrows on the way, or a "
            "decision of its own",
            way=(edge.source, edge.destination),
        )
    missing = [at] if edge.facts.revalidates is None else []
    if not (low_there > high or cleared):
        missing += [*unsure, *unsure_there]
    return undecided(edge.id, at, missing=tuple(dict.fromkeys(missing)) or (at,))


def _is_cleared_higher(known: Knowledge, edge: Edge) -> bool:
    ends = (known.system.nodes[name].facts for name in (edge.source, edge.destination))
    here, there = (rank(facts.clearance) for facts in ends)
    return here is not None and there is not None and there > here


def _privilege(known: Knowledge, agent: NodeId) -> Privilege:
    """The least and the most that an agent's own calls can do, and what would tell."""
    low = high = NONE
    unsure: list[str] = []
    for edge in known.system.leaving[agent]:
        if known.system.nodes[edge.destination].kind is NodeKind.AGENT:
            continue
        least, most = known.span(edge)
        low, high = max(low, least), max(high, most)
        if least != most:
            unsure.append(edge_fact(edge, "effect"))
    return low, high, unsure


RULES: tuple[Rule, ...] = (
    Rule(
        id="AG-01",
        title="A person says yes before an agent does what cannot be undone",
        severity="critical",
        why="An agent that is misled, or simply wrong, acts in a second. A payment, a deletion, a "
        "message that has left cannot be taken back.",
        mend="Put an approval before every irreversible call, on every way to it.",
        sources=(
            "OWASP LLM06:2025 Excessive Agency",
            "OWASP ASI02:2026 Tool Misuse and Exploitation",
            "OWASP ASI09:2026 Human-Agent Trust Exploitation",
            "MITRE ATLAS AML.M0029",
            "FINOS AIGF AIR-SEC-024",
            "EU AI Act Art. 14",
        ),
        judge=_irreversible,
    ),
    Rule(
        id="AG-03",
        title="What a user asks for is done in the user's name",
        severity="high",
        why="An agent with a standing credential is a confused deputy: any user reaches through it "
        "what only the agent may. The record then names the agent, not the person.",
        mend="Hand the user's authority on, narrowed to the call, with a mandate or token exchange.",
        sources=(
            "OWASP ASI03:2026 Identity and Privilege Abuse",
            "CoSAI riskAgenticDelegationConfusedDeputy",
            "Threagile missing-identity-propagation",
        ),
        judge=_names,
    ),
    Rule(
        id="AG-07",
        title="No agent borrows a mightier one without being asked anew",
        severity="high",
        why="A lesser agent that may simply ask a mightier one has all of its rights. Whoever "
        "injects the lesser one has them too.",
        mend="Let the callee judge the caller's authority, by a mandate that only narrows.",
        sources=("OWASP ASI03:2026 Identity and Privilege Abuse", "FINOS AIGF AIR-OP-028"),
        judge=_delegations,
    ),
)
