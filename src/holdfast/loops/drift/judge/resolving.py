"""Which node an identity is. The first claim that names one decides, with a quality.

What no claim resolves stays a stranger under its own identity: never dropped, and never merged with
something that is called alike. Equal names are equal to the letter.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from holdfast.blueprint import Blueprint, Node, NodeKind
from holdfast.blueprint.graph import System
from holdfast.core import NodeId
from holdfast.identity import principals
from holdfast.loops.drift.judge.bindings import NO_BINDINGS, Bindings
from holdfast.loops.drift.sightings import Identity, claims_of, name_of

QUALITY: Mapping[str, float] = MappingProxyType(
    {
        "node": 1.0,
        "spiffe": 1.0,
        "k8s": 0.95,
        "service": 0.9,
        "agent-id": 0.9,
        "address": 0.8,
        "db": 0.8,
        "queue": 0.8,
        "store": 0.8,
        "model": 0.8,
        "tool": 0.8,
        "agent-name": 0.7,
        "ip": 0.3,
    }
)
"""How sure each kind of claim is (1.0: bound by hand, or proven by the platform)."""
_PORTS = {"http": 80, "https": 443}
_SELF_SAID = frozenset({"node", "spiffe", "k8s", "service"})
_AGENT_CLAIMS = ("agent-id=", "agent-name=")
_PLACED = frozenset({"node", "spiffe", "k8s", "service", "address"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who an identity is. ``node`` None: a stranger. ``by`` is the claim that decided; ``other`` a
    node that a second sure claim names instead; ``counts`` False for what is excluded by rule, and
    where it is not clear which of several declared parties behind one address it was."""

    name: str
    node: NodeId | None
    quality: float
    by: str = ""
    other: NodeId | None = None
    counts: bool = True
    is_clear: bool = True

    @property
    def is_placed(self) -> bool:
        """Whether it is known by where it runs, so that the port seen is its own."""
        return self.by in _PLACED


class Resolver:
    """Resolves identities of one blueprint; remembers what it has resolved."""

    def __init__(self, system: System, bindings: Bindings = NO_BINDINGS) -> None:
        self._system = system
        self._blueprint = system.blueprint
        self._bindings = bindings
        self._known = _index(system.blueprint)
        self._agents: dict[str, set[str]] = {}
        self._shared: set[str] = set()
        self._tools: set[str] = set()
        self._parties: dict[tuple[Identity, NodeId | None], Party] = {}

    def learn(self, sources: Iterable[Identity], targets: Iterable[Identity]) -> None:
        """What identities tell of each other; call it before anything is resolved. ``targets`` were
        met and told of themselves: of an address of one party only, that it is that party's (one
        of several, a proxy's, tells nothing). All tell which agents are at work in one process, and which
        tools there are."""
        met: dict[str, set[NodeId]] = {}
        for who in targets:
            self._note_place(who, met)
            self._note_agent(who)
        for who in sources:
            self._note_agent(who)
        for value, nodes in met.items():
            if len(nodes) == 1:
                self._known.setdefault(("address", value), tuple(nodes))
            else:
                self._shared.add(value)

    def _note_place(self, who: Identity, met: dict[str, set[NodeId]]) -> None:
        party = self._resolve(who, None)
        if party.node is None or party.by not in _SELF_SAID:
            return
        for kind, value in claims_of(who):
            if kind == "address":
                met.setdefault(value, set()).add(party.node)
            elif kind == "tool":
                self._tools.add(value)

    def _note_agent(self, who: Identity) -> None:
        agents = [line for line in who.split("\n") if line.startswith(_AGENT_CLAIMS)]
        if agents:
            host = "\n".join(line for line in who.split("\n") if line not in agents)
            self._agents.setdefault(host, set()).add(agents[-1])

    def party(self, who: Identity, *, called_by: NodeId | None = None) -> Party:
        """``called_by`` tells apart what several nodes are called, by what it declares to call."""
        key = (who, called_by)
        found = self._parties.get(key)
        if found is None:
            found = self._parties[key] = self._resolve(who, called_by)
        return found

    def _resolve(self, who: Identity, called_by: NodeId | None) -> Party:
        claims = tuple(claims_of(who))
        matches = [
            (kind, node, 1.0 if f"{kind}={value}" in self._bindings.nodes else QUALITY[kind])
            for kind, value in claims
            if kind in QUALITY
            for node in self._named(kind, value, called_by)
        ]
        counts = not any(self._is_excluded(kind, value) for kind, value in claims)
        matches = self._of_agents(who, matches)
        if not matches and self._may_be_several(claims):
            return Party(name=name_of(who), node=None, quality=0.0, counts=False, is_clear=False)
        if not matches:
            return Party(name=name_of(who), node=None, quality=_known_by(claims), counts=counts)
        kind, node, _ = matches[0]
        # What several claims say alike is as sure as the surest of them.
        quality = max(sure for _, each, sure in matches if each == node)
        others = [
            each for _, each, sure in matches[1:] if each != node and min(sure, quality) >= 0.9
        ]
        return Party(
            name=node,
            node=node,
            quality=quality,
            by=kind,
            other=others[0] if others and not self._related(node, others[0]) else None,
            counts=counts,
        )

    def _may_be_several(self, claims: tuple[tuple[str, str], ...]) -> bool:
        """Whether a party may be one that is declared, and it is not told which: behind an address
        that several share, or known by nothing but a tool that a declared server was seen to have."""
        return any(kind == "address" and value in self._shared for kind, value in claims) or (
            bool(claims) and all(kind == "tool" and value in self._tools for kind, value in claims)
        )

    def _of_agents(
        self, who: Identity, matches: list[tuple[str, NodeId, float]]
    ) -> list[tuple[str, NodeId, float]]:
        """An agent that no node declares is not the service it runs in; unless that is an agent, and
        no other is at work in it: then it only calls itself by another name."""
        agents = [line for line in who.split("\n") if line.startswith(_AGENT_CLAIMS)]
        if not agents or not matches or matches[0][0] in {"agent-id", "agent-name", "node"}:
            return matches
        host = "\n".join(line for line in who.split("\n") if line not in agents)
        is_alone = len(self._agents.get(host, ())) <= 1
        node = self._blueprint.nodes[matches[0][1]]
        return matches if node.kind is NodeKind.AGENT and is_alone else []

    def _named(self, kind: str, value: str, called_by: NodeId | None) -> Iterator[NodeId]:
        bound = self._bindings.nodes.get(f"{kind}={value}")
        if bound is not None:
            yield bound
            return
        for spelled in _spellings(kind, value):
            nodes = self._known.get((kind, spelled), ())
            if len(nodes) > 1 and called_by is not None:
                callees = {node.id for node in self._blueprint.callees(called_by)}
                nodes = tuple(node for node in nodes if node in callees or node == called_by)
            if len(nodes) == 1:
                yield nodes[0]
                return

    def _is_excluded(self, kind: str, value: str) -> bool:
        if f"{kind}={value}" in self._bindings.ignored:
            return True
        environment = self._bindings.environment
        said = value.partition("@")[2] if kind == "service" else ""
        return environment is not None and said not in {"", environment}

    def _related(self, one: NodeId, other: NodeId) -> bool:
        """Whether one is inside the other, or both name the same thing at two heights."""
        return other in self._system.around(one) or one in self._system.around(other)


def _known_by(claims: tuple[tuple[str, str], ...]) -> float:
    """How well a stranger can be told from others. A bare IP address may be another's tomorrow."""
    if not claims:
        return 0.0
    if claims[0][0] == "address" and any(kind == "ip" for kind, _ in claims):
        return QUALITY["ip"]
    return QUALITY.get(claims[0][0], 0.0)


def _spellings(kind: str, value: str) -> tuple[str, ...]:
    """A claim as it stands, then without what the blueprint does not know: environment, namespace,
    cluster."""
    match kind:
        case "service" | "k8s" | "db":
            whole = value.partition("@")[0]
            return tuple(dict.fromkeys((value, whole, whole.rpartition("/")[2])))
        case _:
            return (value,)


def _index(blueprint: Blueprint) -> dict[tuple[str, str], tuple[NodeId, ...]]:
    found: dict[tuple[str, str], dict[NodeId, None]] = {}

    def know(kind: str, value: str, node: NodeId) -> None:
        found.setdefault((kind, value), {})[node] = None

    for name, spiffe in principals(blueprint).items():
        know("spiffe", spiffe, name)
    for node in blueprint.nodes.values():
        for kind in ("node", "service", "k8s", "agent-id", "agent-name"):
            know(kind, node.id, node.id)
        know("agent-name", node.name, node.id)
        for kind, value in (*_addresses(node), *_roles(node)):
            know(kind, value, node.id)
    return {key: tuple(nodes) for key, nodes in found.items()}


def _addresses(node: Node) -> Iterator[tuple[str, str]]:
    urls = [each.url for each in node.interfaces.values() if each.url]
    urls.extend([node.upstream.url] if node.upstream is not None else [])
    for url in urls:
        try:
            parts = urlsplit(url if "://" in url else f"//{url}")
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:  # people may write anything as the address of an interface
            continue
        if parts.hostname:
            yield "address", f"{parts.hostname}:{port}" if port else parts.hostname
            yield "ip", parts.hostname


def _roles(node: Node) -> Iterator[tuple[str, str]]:
    match node.kind:
        case NodeKind.MODEL:
            names = [node.id, node.upstream.model if node.upstream is not None else None]
            names.append(node.facts.model.id if node.facts.model is not None else None)
            yield from (("model", name) for name in names if name)
        case NodeKind.STORE:
            yield from ((kind, node.id) for kind in ("db", "store", "queue"))
        case NodeKind.TOOL:
            yield "tool", node.id
        case NodeKind.SERVICE | NodeKind.OTHER | NodeKind.NETWORK:
            yield "queue", node.id
        case _:
            pass
    for tool in node.facts.tools or ():
        yield "tool", tool.name
