"""The connections that a blueprint declares, as its network should see them.

Through the gateway: whoever may call a node that Holdfast carries calls to may reach the gateway, and
only the gateway may reach that node. Directly: caller reaches callee.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias
from urllib.parse import urlsplit

from holdfast.blueprint import Connects, Interacts, Node, Relationship
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes.placement import (
    Cluster,
    Inside,
    Nowhere,
    Outside,
    placements,
)
from holdfast.blueprint.kubernetes.ports import (
    NO_PORT,
    PORT_MAX,
    PORT_MIN,
    Ports,
    ports_of,
    union_of,
)
from holdfast.core import NodeId

DNS_PORTS = ports_of("TCP", 53) | ports_of("UDP", 53)
ANY_TCP = ports_of("TCP", PORT_MIN, high=PORT_MAX)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Holdfast itself."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Whoever comes from outside the cluster, by its entrance."""


GATEWAY = Gateway()
ENTRANCE = Entrance()
Party: TypeAlias = NodeId | Gateway | Entrance
"""A node by its id, inside or outside; the gateway; people and others from outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A connection that must be possible. ``because`` are the relationships that declare it."""

    source: Party
    destination: Party
    ports: Ports
    because: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """All connections of a system in its cluster; everything else must not be possible. ``notes``
    say what could not be taken from the blueprint exactly."""

    cluster: Cluster
    places: Mapping[NodeId, Inside | Outside | Nowhere]
    wanted: tuple[Wanted, ...]
    carried: frozenset[tuple[NodeId, NodeId]]
    """Callers and callees between whom the gateway stands."""
    upstreams: Mapping[NodeId, tuple[NodeId, ...]]
    """The nodes that answer for each of those callees."""
    notes: tuple[str, ...]

    @cached_property
    def ports(self) -> Mapping[tuple[Party, Party], Ports]:
        """What is declared between two parties."""
        return {(each.source, each.destination): each.ports for each in self.wanted}

    def inside(self) -> tuple[Inside, ...]:
        return tuple(place for place in self.places.values() if isinstance(place, Inside))

    @property
    def has_gateway(self) -> bool:
        return any(GATEWAY in (each.source, each.destination) for each in self.wanted)

    @property
    def has_entrance(self) -> bool:
        return any(each.source == ENTRANCE for each in self.wanted)


def declaration(system: System, cluster: Cluster) -> Declaration:
    """What the blueprint declares for this cluster."""
    return _Declarer(system, cluster).declared()


class _Declarer:
    def __init__(self, system: System, cluster: Cluster) -> None:
        self._system = system
        self._cluster = cluster
        self._places = placements(system, cluster)
        self._ports: dict[tuple[Party, Party], Ports] = {}
        self._because: dict[tuple[Party, Party], dict[str, None]] = {}
        self._carried: set[tuple[NodeId, NodeId]] = set()
        self._upstreams: dict[NodeId, tuple[NodeId, ...]] = {}
        self._notes: dict[str, None] = {}

    def declared(self) -> Declaration:
        for relationship in self._system.blueprint.relationships:
            match relationship.link:
                case Connects(source=source, destination=destination):
                    self._connects(relationship, source, destination)
                case Interacts(actor=actor, nodes=nodes):
                    self._interacts(relationship, actor, nodes)
                case _:
                    pass
        self._exposed()
        self._people()
        return Declaration(
            cluster=self._cluster,
            places=self._places,
            wanted=tuple(
                Wanted(source=a, destination=b, ports=ports, because=tuple(self._because[a, b]))
                for (a, b), ports in self._ports.items()
            ),
            carried=frozenset(self._carried),
            upstreams=self._upstreams,
            notes=tuple(self._notes),
        )

    def _want(self, source: Party, destination: Party, *, ports: Ports, because: str) -> None:
        key = (source, destination)
        if destination in (source, ENTRANCE):
            return
        self._ports[key] = self._ports.get(key, NO_PORT) | ports
        self._because.setdefault(key, {})[because] = None

    def _connects(self, relationship: Relationship, source: NodeId, destination: NodeId) -> None:
        upstreams = self._system.blueprint.upstreams(self._system.nodes[destination])
        is_tool_here = self._system.nodes[destination].program is not None
        if (upstreams or is_tool_here) and not self._cluster.direct:
            self._through_gateway(relationship, source, destination, upstreams)
            return
        if is_tool_here:
            self._note(f"{destination} is a program that Holdfast starts: nothing connects to it")
            return
        ends = [each.id for each in upstreams] or self._running(destination)
        if not ends:
            self._note(f"{relationship.id}: {destination} runs nowhere of its own")
        for caller in self._callers(source):
            for end in ends:
                self._end(caller, end, relationship)

    def _end(self, caller: Party, end: NodeId, relationship: Relationship) -> None:
        if caller == ENTRANCE and not isinstance(self._places[end], Inside):
            return
        ports = self._ports_of(end, relationship)
        self._want(caller, end, ports=ports, because=relationship.id)

    def _through_gateway(
        self,
        relationship: Relationship,
        source: NodeId,
        destination: NodeId,
        upstreams: tuple[Node, ...],
    ) -> None:
        self._carried.add((source, destination))
        self._upstreams[destination] = tuple(each.id for each in upstreams)
        door = ports_of("TCP", self._cluster.gateway_port)
        for caller in self._callers(source):
            self._want(caller, GATEWAY, ports=door, because=relationship.id)
        for upstream in upstreams:
            ports = self._ports_of(upstream.id, relationship)
            self._want(GATEWAY, upstream.id, ports=ports, because=relationship.id)

    def _callers(self, source: NodeId) -> Iterator[Party]:
        place = self._places[source]
        if isinstance(place, Inside):
            yield source
        elif isinstance(place, Outside) or place.people:
            yield ENTRANCE
        else:
            inner = self._running(source)
            if not inner:
                self._note(f"{source} runs nowhere of its own: nothing connects from it")
            for name in inner:
                yield from self._callers(name)

    def _running(self, node: NodeId) -> list[NodeId]:
        """The node, where it runs itself; else all in it that do."""
        found: dict[NodeId, None] = {}
        seen = {node}
        waiting = [node]
        while waiting:
            here = waiting.pop(0)
            if isinstance(self._places[here], Inside | Outside):
                found[here] = None
                continue
            inner = (*self._system.parts.get(here, ()), *self._system.hosted.get(here, ()))
            waiting += [each for each in inner if each not in seen]
            seen.update(inner)
        return list(found)

    def _interacts(
        self, relationship: Relationship, actor: NodeId, nodes: Iterable[NodeId]
    ) -> None:
        place = self._places[actor]
        if isinstance(place, Inside):
            for name in nodes:
                for end in self._running(name):
                    self._end(actor, end, relationship)
            return
        for name in nodes:
            if self._system.nodes[name].facts.exposed is not True:
                self._note(
                    f"{relationship.id}: nothing is let in from outside to {name}, for its facts do "
                    "not say `exposed: true`"
                )

    def _exposed(self) -> None:
        for name, node in self._system.nodes.items():
            if node.facts.exposed is True and isinstance(self._places[name], Inside):
                because = f"nodes.{name}.facts.exposed"
                self._want(ENTRANCE, name, ports=self._ports_of(name, None), because=because)

    def _people(self) -> None:
        """Where people log in, the gateway must get the keys."""
        if self._cluster.direct:
            return
        for provider in self._system.blueprint.people:
            self._note(
                f"people log in at {provider.issuer}: the gateway must reach it; allow that by a "
                "policy of your own, for it is no node"
            )

    def _ports_of(self, end: NodeId, relationship: Relationship | None) -> Ports:
        if relationship is not None and relationship.facts.port is not None:
            return ports_of("TCP", relationship.facts.port)
        node = self._system.nodes[end]
        if node.upstream is not None:
            return ports_of("TCP", node.upstream.address.port)
        found = union_of(_ports_of_interfaces(node, relationship))
        if not found:
            self._note(
                f"no port of {end} is declared: every TCP port of it counts as declared; write "
                "`facts: {port: ...}` on the relationship, or a `url` with a port on its interface"
            )
        return found or ANY_TCP

    def _note(self, text: str) -> None:
        self._notes[text] = None


def _ports_of_interfaces(node: Node, relationship: Relationship | None) -> Iterator[Ports]:
    named: tuple[str, ...] = ()
    if relationship is not None and isinstance(relationship.link, Connects):
        named = relationship.link.destination_interfaces
    for name, interface in node.interfaces.items():
        if named and name not in named:
            continue
        try:
            port = urlsplit(interface.url or "").port
        except ValueError:
            continue
        if port is not None and PORT_MIN <= port <= PORT_MAX:
            yield ports_of("TCP", port)
