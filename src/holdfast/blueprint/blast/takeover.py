"""What is reached when something is taken over: the compromise radius.

Three readings of one question: what the declaration allows, what the network permits (``pairs``
from the enforced policies), what was used (``pairs`` that were seen). Confidentiality, integrity
and availability stand apart, and every fact has its derivation.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from holdfast.blueprint import DATA_CLASSES, DataClass
from holdfast.blueprint.blast.attack import Pathway, effect_of, ground, pathways
from holdfast.blueprint.blast.errors import UnknownPartError
from holdfast.blueprint.blast.failure import impact
from holdfast.blueprint.blast.horn import Fact, Program, Rule
from holdfast.blueprint.blast.levels import count_at, counted
from holdfast.blueprint.blast.states import State
from holdfast.blueprint.graph import System
from holdfast.core import NodeId

CREDENTIAL = "credential:"
TOUCHING = ("controls", "reaches", "reads", "writes", "stops", "irreversible", "taints", "carry")
"""Facts by which a node counts as reached."""


@dataclass(frozen=True)
class Threats:
    """The rules of one reading of a system, to be asked about any entry."""

    system: System
    pairs: Collection[tuple[NodeId, NodeId]] | None = None
    guards_hold: bool = True
    ways: tuple[Pathway, ...] = field(init=False)
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        ways = pathways(self.system, self.pairs)
        rules = ground(self.system, ways, guards_hold=self.guards_hold)
        object.__setattr__(self, "ways", ways)
        object.__setattr__(self, "program", Program(rules))

    @cached_property
    def credentials(self) -> frozenset[str]:
        nodes = self.system.nodes.values()
        return frozenset(name for node in nodes for name in node.facts.credentials or ())

    def given(self, entry: str, *, content: bool = False) -> Fact:
        """What an entry means: control of a node, a stolen ``credential:NAME``, or (``content``)
        that outsiders write what a node gives."""
        if entry.startswith(CREDENTIAL) and entry.removeprefix(CREDENTIAL) in self.credentials:
            return ("holds", entry.removeprefix(CREDENTIAL))
        if entry not in self.system.nodes:
            names = (*self.system.nodes, *(CREDENTIAL + name for name in sorted(self.credentials)))
            raise UnknownPartError.of(entry, names)
        return ("taints" if content else "controls", entry)


@dataclass(frozen=True, kw_only=True)
class Takeover:
    """What follows from one takeover. ``exposed`` are the nodes whose data the attacker or an agent
    that obeys him reads, with the most sensitive class known of each (None: unknown); ``leaked``
    those whose data gets outside; ``writable`` and ``irreversible`` what he may change;
    ``stopped`` the flows that he can end. ``assumed`` says what was taken for granted."""

    entries: tuple[str, ...]
    proofs: Mapping[Fact, Rule | None]
    controlled: tuple[NodeId, ...]
    reached: tuple[NodeId, ...]
    exposed: Mapping[NodeId, DataClass | None]
    leaked: tuple[NodeId, ...]
    writable: tuple[NodeId, ...]
    irreversible: tuple[NodeId, ...]
    steered: tuple[NodeId, ...]
    stopped: tuple[str, ...]
    assumed: tuple[str, ...] = ()

    def way(self, fact: Fact) -> tuple[Rule, ...]:
        """How a fact follows, from what was given to it. Where a rule needs several facts, the
        derivations of all are listed, each once."""
        if fact not in self.proofs:
            return ()
        order: dict[Fact, Rule] = {}
        self._derive(fact, order)
        return tuple(order.values())

    def _derive(self, fact: Fact, order: dict[Fact, Rule]) -> None:
        stack = [(fact, False)]
        while stack:
            here, done = stack.pop()
            rule = self.proofs[here]
            if rule is None or here in order:
                continue
            if done:
                order[here] = rule
                continue
            stack.append((here, True))
            stack.extend((body, False) for body in rule.body if body not in order)


def compromise(
    threats: Threats,
    entries: Iterable[str],
    *,
    content: bool = False,
    without: frozenset[str] = frozenset(),
) -> Takeover:
    """What an attacker who has ``entries`` gets. Raises ``UnknownPartError``. ``without`` are
    containments in force: ``deny RELATIONSHIP``, ``revoke CREDENTIAL``, ``quarantine NODE``."""
    names = tuple(entries)
    given = [threats.given(name, content=content) for name in names]
    proofs = threats.program.proofs(given, without=without)
    system = threats.system

    def of(*verbs: str) -> tuple[NodeId, ...]:
        return tuple(n for n in system.nodes if any((verb, n) in proofs for verb in verbs))

    exposed = of("reads")
    return Takeover(
        entries=names,
        proofs=proofs,
        controlled=of("controls"),
        reached=of(*TOUCHING),
        exposed={name: _class(system, name) for name in exposed},
        leaked=of("leaks"),
        writable=of("writes"),
        irreversible=of("irreversible"),
        steered=tuple(dict.fromkeys(_steered(threats, proofs))),
        stopped=_stopped(system, of("stops")),
        assumed=tuple(_assumed(threats)),
    )


def single_takeovers(threats: Threats, *, entries: Iterable[str] | None = None) -> dict[str, float]:
    """For each node (or each of ``entries``) the share of all nodes that its takeover reaches, all
    entries in one walk with a bit for each."""
    names = tuple(threats.system.nodes if entries is None else entries)
    found = threats.program.together([[threats.given(name)] for name in names])
    reached: list[int] = []
    for node in threats.system.nodes:
        here = 0
        for verb in TOUCHING:
            here |= found.get((verb, node), 0)
        reached.append(here)
    digits, total = counted(reached), len(threats.system.nodes)
    return {name: count_at(digits, bit) / total for bit, name in enumerate(names)}


def _steered(threats: Threats, proofs: Mapping[Fact, Rule | None]) -> Iterator[NodeId]:
    yield from (way.source for way in threats.ways if ("steers", way.key) in proofs)


def _class(system: System, name: NodeId) -> DataClass | None:
    data = system.nodes[name].facts.data
    if not data:
        return None if data is None else "public"
    classes: list[DataClass] = [item.data_class for item in data]
    return max(classes, key=DATA_CLASSES.index)


def _stopped(system: System, nodes: tuple[NodeId, ...]) -> tuple[str, ...]:
    if not nodes or not system.flows:
        return ()
    fallen = impact(system, nodes)
    return tuple(name for name, state in fallen.flows.items() if state is State.DOWN)


def _assumed(threats: Threats) -> Iterator[str]:
    system = threats.system
    unsaid = sum(1 for way in threats.ways if effect_of(system, way) is None)
    if unsaid:
        yield f"{unsaid} of {len(threats.ways)} ways say no effect: taken as a write"
    silent = sum(1 for node in system.nodes.values() if node.facts.egress is None)
    if silent:
        yield f"{silent} of {len(system.nodes)} nodes say no egress: taken as open"
    if threats.guards_hold:
        yield "guards catch what they check"
