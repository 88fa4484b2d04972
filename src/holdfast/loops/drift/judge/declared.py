"""The declared side: what covers a contact, and what does not agree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from holdfast.blueprint import DATA_CLASSES, EFFECTS, Connects, Node, NodeKind
from holdfast.blueprint.graph import Edge, EdgeKind, System, avoiding, path_between
from holdfast.core import NodeId
from holdfast.loops.drift.judge.resolving import Party
from holdfast.loops.drift.sightings import Contact

MEDIATOR_TYPES = frozenset({"ai:guardrail", "ai:api-gateway", "ai:human-in-the-loop"})
_ENCRYPTED = frozenset({"HTTPS", "TLS", "mTLS", "SFTP"})
_WEB = frozenset({"HTTP", "HTTPS", "WebSocket", "SocketIO", "TLS", "mTLS", "TCP"})
_QUEUES = frozenset({"AMQP", "TLS", "mTLS", "TCP"})
_FAMILIES = {
    "http": _WEB,
    "ws": _WEB,
    "wss": _WEB,
    "grpc": _WEB,
    "connect_rpc": _WEB,
    "jsonrpc": _WEB,
    "db": frozenset({"JDBC", "TLS", "mTLS", "TCP", "LDAP", "HTTP", "HTTPS"}),
    "rabbitmq": _QUEUES,
    "activemq": _QUEUES,
    "servicebus": _QUEUES,
    "ftp": frozenset({"FTP", "SFTP", "TCP"}),
    "sftp": frozenset({"SFTP", "TCP"}),
    "ldap": frozenset({"LDAP", "TLS", "TCP"}),
}
"""Which declared protocols agree with a family that was seen. One that is not here agrees with any:
what is not understood contradicts nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A covered pair met in a way that is not declared. ``fact`` says in which respect."""

    fact: str
    declared: str
    seen: str


class Declared:
    """A system, asked by pairs of nodes."""

    def __init__(self, system: System) -> None:
        self.system = system

    @cached_property
    def _pairs(self) -> dict[tuple[NodeId, NodeId], tuple[Edge, ...]]:
        found: dict[tuple[NodeId, NodeId], tuple[Edge, ...]] = {}
        for edge in self.system.edges:
            key = (edge.source, edge.destination)
            found[key] = (*found.get(key, ()), edge)
        return found

    @cached_property
    def around(self) -> dict[NodeId, tuple[NodeId, ...]]:
        """Each node with everything that contains it, itself first."""
        return {name: (name, *self.system.around(name)) for name in self.system.nodes}

    @cached_property
    def calls(self) -> tuple[Edge, ...]:
        """The declared calls. A person's use of a node leaves no spans and is not judged."""
        nodes = self.system.nodes
        return tuple(
            edge
            for edge in self.system.edges
            if edge.kind is EdgeKind.CALL and nodes[edge.source].kind is not NodeKind.ACTOR
        )

    def covering(self, source: NodeId, target: NodeId) -> tuple[Edge, ...]:
        """The declared edges from ``source`` or what contains it to ``target`` or what contains it."""
        return tuple(
            edge
            for one in self.around[source]
            for other in self.around[target]
            for edge in self._pairs.get((one, other), ())
        )

    def are_one(self, source: NodeId, target: NodeId) -> bool:
        """Whether a contact of both stays inside one of them."""
        return target in self.around[source] or source in self.around[target]

    def is_bypass(self, source: NodeId, target: NodeId) -> bool:
        """Whether every declared way from one to the other passes a guard, gateway or approval."""
        mediators = {name for name in self.mediators if name not in {source, target}}
        if not mediators or path_between(self.system, {source}, {target}) is None:
            return False
        return avoiding(self.system, {source}, {target}, without=mediators) is None

    @cached_property
    def mediators(self) -> frozenset[NodeId]:
        return frozenset(
            name
            for name, node in self.system.nodes.items()
            if node.type in MEDIATOR_TYPES or node.kind is NodeKind.GUARD or node.facts.checks
        )

    def is_privileged(self, name: NodeId) -> bool:
        """Whether much depends on who reaches a node: it changes what cannot be undone, runs code,
        holds sensitive data, or stops others."""
        facts = self.system.nodes[name].facts
        effects = [facts.effect, *(tool.effect for tool in facts.tools or ())]
        classes = [data.data_class for data in facts.data or ()]
        return (
            any(each is not None and EFFECTS.index(each) >= _IRREVERSIBLE for each in effects)
            or any(DATA_CLASSES.index(each) >= _CONFIDENTIAL for each in classes)
            or facts.executes is not None
            or facts.criticality == "critical"
            or any(
                edge.facts.effect is not None and EFFECTS.index(edge.facts.effect) >= _IRREVERSIBLE
                for edge in self.system.entering[name]
            )
        )

    def place_of(self, edge: Edge) -> int:
        """Where the edge's relationship stands in the file."""
        return self._places[edge.id]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {each.id: n for n, each in enumerate(self.system.blueprint.relationships)}


_IRREVERSIBLE = EFFECTS.index("irreversible")
_CONFIDENTIAL = DATA_CLASSES.index("confidential")


def undeclared_ways(
    edge: Edge, callee: Node, contact: Contact, *, party: Party
) -> Iterator[Disagreement]:
    """In which respects a contact is not as the edge declares: protocol, port, tool (class D2)."""
    protocol, allowed = edge.relationship.protocol, _FAMILIES.get(contact.protocol or "")
    if protocol is not None and allowed is not None and protocol not in allowed:
        yield Disagreement(fact="protocol", declared=protocol, seen=str(contact.protocol))
    ports = ports_of(edge, callee)
    if ports and contact.port is not None and party.is_placed and contact.port not in ports:
        yield Disagreement(fact="port", declared=_listed(ports), seen=str(contact.port))
    tools = callee.facts.tools
    if contact.tool is None:
        return
    named = None if tools is None else {tool.name for tool in tools}
    if not edge.relationship.tools.allows(contact.tool) or not (
        named is None or contact.tool in named
    ):
        yield Disagreement(
            fact="tool", declared=_listed(named) if named else "others", seen=contact.tool
        )


def contradictions(
    edge: Edge, callee: Node, contact: Contact, *, party: Party
) -> Iterator[Disagreement]:
    """In which respects a contact contradicts a declared attribute (class D4)."""
    wanted = edge.facts.encrypted
    if wanted is None:
        wanted = edge.relationship.protocol in _ENCRYPTED or None
    if wanted and contact.encrypted is False:
        yield Disagreement(fact="encryption", declared="encrypted", seen="plaintext")
    names = _model_names(callee)
    if contact.model is not None and names and contact.model not in names and party.by != "model":
        yield Disagreement(fact="model", declared=_listed(names), seen=contact.model)
    for tool in callee.facts.tools or ():
        if tool.name == contact.tool and tool.digest and contact.digest not in {None, tool.digest}:
            yield Disagreement(fact="definition", declared=tool.digest, seen=str(contact.digest))


def _model_names(node: Node) -> set[str]:
    if node.kind is not NodeKind.MODEL:
        return set()
    said = [node.facts.model.id if node.facts.model is not None else None]
    said.append(node.upstream.model if node.upstream is not None else None)
    known = {each for each in said if each}
    return known | {node.id} if known else set()


def ports_of(edge: Edge, callee: Node) -> frozenset[int]:
    """The ports that are declared for an edge: its own, else those of the interfaces it names, else
    those of the callee; empty when nobody says any."""
    if edge.facts.port is not None:
        return frozenset({edge.facts.port})
    link = edge.relationship.link
    named = link.destination_interfaces if isinstance(link, Connects) else ()
    faces = [callee.interfaces[name].url for name in named if name in callee.interfaces]
    if not faces:
        faces = [each.url for each in callee.interfaces.values()]
        faces.append(callee.upstream.url if callee.upstream is not None else None)
    return frozenset(port for url in faces if url and (port := _port(url)) is not None)


def _port(url: str) -> int | None:
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None


def _listed(values: Iterable[object] | None) -> str:
    return ", ".join(sorted(str(each) for each in values or ()))
