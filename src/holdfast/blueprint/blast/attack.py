"""What an attacker may do next, as ground rules made of a declared system.

Facts: ``controls`` a node (runs code in it); ``holds`` a credential; ``poses`` as a node with its
credential; ``uses`` a link; ``reaches`` a node; ``reads``, ``writes``, ``stops`` a node, or causes
something ``irreversible`` there; ``taints`` a node (what it gives to anybody may be the attacker's)
or has it ``carry`` the attacker's words in a request; ``leaks`` a node's data to the outside;
``inside`` a zone; ``out``: has a way out. After MulVAL (USENIX Security 2005), with taint through
tools and prompts.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from holdfast.blueprint import EFFECTS, Effect, Node, NodeKind, Relationship
from holdfast.blueprint.blast.horn import Fact, Rule
from holdfast.blueprint.graph import Edge, System
from holdfast.core import NodeId

RULING = frozenset({"deploy", "administer", "restore"})
"""Purposes that give control of the destination."""
STOPPING = RULING | {"stop"}
CONTENT = frozenset({None, "call", "delegate", "approve"})
"""Purposes over which content passes."""
_OBEYING = frozenset({NodeKind.AGENT})
_HANDLING = frozenset(
    {
        NodeKind.AGENT,
        NodeKind.SERVICE,
        NodeKind.SYSTEM,
        NodeKind.OTHER,
        NodeKind.CLIENT,
        NodeKind.GUARD,
    }
)
"""What hands on content of a request that it was given."""
_UNMOVED = frozenset({NodeKind.ACTOR, NodeKind.NETWORK})
_READ, _WRITE, _IRREVERSIBLE = (EFFECTS.index(e) for e in ("read", "write", "irreversible"))
_BARRING = frozenset({"input", "sanitise", "provenance", "output"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pathway:
    """One node may call another: as declared (``edge``), or only permitted or seen (None)."""

    source: NodeId
    destination: NodeId
    edge: Edge | None

    @property
    def name(self) -> str:
        if self.edge is None:
            return f"{self.source}->{self.destination}"
        return str(self.edge.id)

    @property
    def key(self) -> str:
        return f"{self.name}:{self.source}->{self.destination}"

    @property
    def purpose(self) -> str | None:
        return self.edge.facts.purpose if self.edge is not None else None


def pathways(
    system: System, pairs: Collection[tuple[NodeId, NodeId]] | None = None
) -> tuple[Pathway, ...]:
    """The declared ways; with ``pairs`` (what is permitted, or was seen) only these, and those of
    them that no relationship declares."""
    declared = [
        Pathway(source=edge.source, destination=edge.destination, edge=edge)
        for edge in system.edges
        if pairs is None or (edge.source, edge.destination) in pairs
    ]
    known = {(way.source, way.destination) for way in declared}
    strange = sorted(pair for pair in pairs or () if pair not in known)
    return (
        *declared,
        *(
            Pathway(source=source, destination=destination, edge=None)
            for source, destination in strange
            if source in system.nodes and destination in system.nodes
        ),
    )


def effect_of(system: System, way: Pathway) -> Effect | None:
    """The gravest thing that may be done over a way; None where nothing says it."""
    if way.edge is not None and way.edge.facts.effect is not None:
        return way.edge.facts.effect
    node = system.nodes[way.destination]
    if node.facts.effect is not None:
        return node.facts.effect
    said: list[Effect] = [tool.effect for tool in node.facts.tools or () if tool.effect is not None]
    if not said:
        said.extend(_carried(way.edge.relationship if way.edge is not None else node))
    if node.facts.executes is not None:
        said.append("exec")
    if said:
        return max(said, key=EFFECTS.index)
    return "none" if node.kind is NodeKind.MODEL else None


def _carried(of: Relationship | Node) -> Iterator[Effect]:
    """What the gateway lets its tools do, where their rules say it."""
    for each in of.tools.rules:
        if each.side_effects is not None:
            yield each.side_effects
        for tool in each.each.values():
            if tool.side_effects is not None:
                yield tool.side_effects


def denies(way: Pathway) -> str:
    return f"deny {way.name}"


def approves(way: Pathway) -> str:
    return f"approve {way.name}"


def revokes(credential: str) -> str:
    return f"revoke {credential}"


def quarantines(node: str) -> str:
    return f"quarantine {node}"


def ground(system: System, ways: Sequence[Pathway], *, guards_hold: bool) -> tuple[Rule, ...]:
    """The rules of a system. With ``guards_hold`` false, guards are taken to miss what they check."""
    return (
        *_of_nodes(system),
        *_of_credentials(system, ways),
        *(rule for way in ways for rule in _of_way(system, way, guards_hold=guards_hold)),
    )


def _of_nodes(system: System) -> Iterator[Rule]:
    for name, node in system.nodes.items():
        yield from _of_control(name, node)
        stop = (quarantines(name),)
        for host in system.hosts.get(name, ()):
            words, about = "{0} runs in {1}", (name, host)
            yield Rule(("controls", name), (("controls", host),), words, about, stop)
        for part in system.parts.get(name, ()):
            stop, about = (quarantines(part),), (name, part)
            if node.upstream is None:
                words = "{0} consists of {1}"
                yield Rule(("controls", part), (("controls", name),), words, about, stop)
            words = "{1} answers for {0}"
            yield Rule(("taints", name), (("taints", part),), words, about, stop)
        yield Rule(("carry", name), (("taints", name),), "{0} handles it", (name,), ())


def _of_control(name: NodeId, node: Node) -> Iterator[Rule]:
    mine, about, stop = (("controls", name),), (name,), (quarantines(name),)
    for verb in ("reads", "writes", "stops", "taints"):
        yield Rule((verb, name), mine, "{0} is the attacker's", about, stop)
    for credential in node.facts.credentials or ():
        held: Fact = ("holds", credential)
        yield Rule(held, mine, "{0} holds {1}", (name, credential), (revokes(credential), *stop))
        about = (name, credential)
        posing: Fact = ("poses", name)
        yield Rule(posing, (held,), "{1} speaks for {0}", about, (revokes(credential),))
    if node.facts.zone is not None:
        yield Rule(("inside", node.facts.zone), mine, "{0} is in that zone", (name,), stop)
    if node.facts.sends_outside or node.facts.egress not in ("none", "proxy"):
        yield Rule(("out", ""), mine, "{0} reaches the internet", (name,), stop)
    read: tuple[Fact, ...] = (("reads", name), ("out", ""))
    yield Rule(("leaks", name), read, "what is read of {0} is carried out", (name,), stop)


def _of_credentials(system: System, ways: Sequence[Pathway]) -> Iterator[Rule]:
    """Whoever holds a credential may use what its holders may, from where he can reach it."""
    for way in ways:
        if not system.nodes[way.source].facts.credentials:
            continue
        zone = system.nodes[way.destination].facts.zone
        where: tuple[Fact, ...] = ()
        if zone is not None and not _open(system, way.destination):
            where = (("inside", zone),)
        yield Rule(
            ("uses", way.key),
            (("poses", way.source), *where),
            "the credential of {0} opens {1}",
            (way.source, way.name),
            (denies(way), quarantines(way.destination)),
        )


def _open(system: System, name: NodeId) -> bool:
    """Whether a node is reached from wherever one holds a credential for it: through the gateway,
    or from the internet."""
    node = system.nodes[name]
    return bool(system.blueprint.upstreams(node)) or node.facts.exposed is True


def _of_way(system: System, way: Pathway, *, guards_hold: bool) -> Iterator[Rule]:
    stop = (denies(way), quarantines(way.source), quarantines(way.destination))
    use: Fact = ("uses", way.key)
    about = (way.source, way.destination, way.name)
    yield Rule(use, (("controls", way.source),), "{0} may call {1} over {2}", about, stop)
    yield Rule(("reaches", way.destination), (use,), "{2} leads to {1}", about, stop)
    yield from _of_use(system, way, use, stop)
    if way.purpose in STOPPING:
        yield Rule(("stops", way.destination), (use,), "{2} may stop {1}", about, stop)
    if way.purpose not in CONTENT:
        return
    source = system.nodes[way.source]
    if source.kind in _OBEYING:
        steered: Fact = ("steers", way.key)
        words = "{0} does over {2} what it is told"
        yield Rule(steered, (("carry", way.source),), words, about, stop)
        yield from _of_use(system, way, steered, stop)
        if _sends_outside(system, way.source) and effect_of(system, way) != "none":
            words = "{0} reads {1} and may send outside"
            yield Rule(("leaks", way.destination), (steered,), words, about, stop)
    yield from _of_content(system, way, stop=stop, guards_hold=guards_hold)


def _of_use(system: System, way: Pathway, use: Fact, stop: tuple[str, ...]) -> Iterator[Rule]:
    """What the use of a way does at its end. What is unknown of an effect counts as a write."""
    end = way.destination
    node = system.nodes[end]
    effect = effect_of(system, way) or "write"
    gravity = EFFECTS.index(effect)
    uses, about, stops = (use,), (way.name, end), (*stop, approves(way))
    if gravity >= _READ:
        yield Rule(("reads", end), uses, "{0} reads {1}", about, stop)
    if gravity >= _WRITE:
        yield Rule(("writes", end), uses, "{0} writes to {1}", about, stops)
        if node.kind not in _UNMOVED and node.kind is not NodeKind.MODEL:
            words = "what {0} wrote to {1} is given to others"
            yield Rule(("taints", end), uses, words, about, stops)
    if gravity >= _IRREVERSIBLE:
        words = "{0} does at {1} what cannot be undone"
        yield Rule(("irreversible", end), uses, words, about, stops)
    if way.purpose in RULING or (effect == "exec" and node.facts.sandboxed is not True):
        yield Rule(("controls", end), uses, "{0} gives control of {1}", about, stops)


def _of_content(
    system: System, way: Pathway, *, stop: tuple[str, ...], guards_hold: bool
) -> Iterator[Rule]:
    source, end = system.nodes[way.source], system.nodes[way.destination]
    about = (way.source, way.destination, way.name)
    back = Rule(
        ("taints", source.id), (("taints", end.id),), "{0} reads what {1} gives", about, stop
    )
    forth = Rule(("carry", end.id), (("carry", source.id),), "{0} hands it to {1}", about, stop)
    if source.kind not in _UNMOVED:
        yield from _past(source, back, guards_hold=guards_hold)
    revalidated = way.edge is not None and way.edge.facts.revalidates is True
    if end.kind in _HANDLING and not revalidated:
        yield from _past(end, forth, guards_hold=guards_hold)


def _past(node: Node, rule: Rule, *, guards_hold: bool) -> Iterator[Rule]:
    """Content gets into ``node``; into a guard only when it can be stopped and fails open."""
    if node.kind is not NodeKind.GUARD or not bars(node) or not guards_hold:
        yield rule
    elif node.facts.fails == "open":
        words = f"{rule.words}: the guard {node.id} is stopped and fails open"
        yield rule._replace(body=(*rule.body, ("stops", node.id)), words=words)


def bars(node: Node) -> bool:
    """Whether a guard is there to hold content back; one that does not say what it checks is."""
    checks = node.facts.checks
    return checks is None or not _BARRING.isdisjoint(checks)


def _sends_outside(system: System, name: NodeId) -> bool:
    facts = system.nodes[name].facts
    if facts.sends_outside or facts.egress == "open":
        return True
    return any(system.nodes[e.destination].facts.sends_outside for e in system.leaving[name])
