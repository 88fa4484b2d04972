"""Whether what outsiders write comes to harm past the guards: by search of the graph.

A refutation is the way itself; it is replayed by letting its steps, and nothing else, follow from
the source. Graph search answers this in one walk, where a solver takes a hundred times as long.
"""

from collections.abc import Iterator

from holdfast.blueprint import DATA_CLASSES, NodeKind
from holdfast.blueprint.blast import Fact, Rule, Takeover, Threats, compromise
from holdfast.blueprint.graph import System
from holdfast.blueprint.proofs.proof import Outcome, Proof
from holdfast.core import NodeId

_SENSITIVE = frozenset(DATA_CLASSES[DATA_CLASSES.index("confidential") :])


def sources(system: System) -> tuple[NodeId, ...]:
    """Nodes whose content outsiders may write."""
    return tuple(
        name
        for name, node in system.nodes.items()
        if node.facts.untrusted_content is True or node.facts.trust == "untrusted"
    )


def sinks(system: System) -> dict[NodeId, tuple[str, ...]]:
    """Sensitive nodes, each with the kinds of harm that count there."""
    found: dict[NodeId, tuple[str, ...]] = {}
    for name, node in system.nodes.items():
        kinds: list[str] = []
        said = [tool.effect for tool in node.facts.tools or ()]
        into = [edge.facts.effect for edge in system.entering[name]]
        if "irreversible" in (node.facts.effect, *said, *into):
            kinds.append("irreversible")
        if node.facts.executes is not None or "exec" in (node.facts.effect, *said, *into):
            kinds.append("controls")
        if any(item.data_class in _SENSITIVE for item in node.facts.data or ()):
            kinds.append("leaks")
        if kinds:
            found[name] = tuple(kinds)
    return found


def guarded(system: System, *, threats: Threats | None = None) -> tuple[Proof, ...]:
    """For every sensitive node: whether no way from any source of foreign content leads to harm
    there without a guard. A person on the way (an approval) guards too."""
    threats = threats or Threats(system)
    starts = sources(system)
    taken = compromise(threats, starts, content=True)
    return tuple(
        _judged(threats, taken, starts, sink=sink, kind=kind)
        for sink, kinds in sinks(system).items()
        for kind in kinds
    )


_HARM = {
    "irreversible": "nothing irreversible is done at {0} on a stranger's words",
    "controls": "no stranger's words run as code in {0}",
    "leaks": "the data of {0} does not get outside on a stranger's words",
}


def _judged(
    threats: Threats, taken: Takeover, starts: tuple[NodeId, ...], *, sink: NodeId, kind: str
) -> Proof:
    fact: Fact = (kind, sink)
    way = taken.way(fact)
    refuted = fact in taken.proofs and replayed(threats, starts, way, fact=fact)
    unconfirmed = not starts or (fact in taken.proofs and not refuted)
    return Proof(
        rule="guarded",
        subject=sink,
        claim=_HARM[kind].format(sink),
        outcome=Outcome.REFUTED
        if refuted
        else Outcome.NOT_PROVEN
        if unconfirmed
        else Outcome.PROVED,
        how="graph search",
        what=f"from {', '.join(starts) or 'where? no node says untrusted_content or trust: untrusted'}",
        example=tuple(rule.why for rule in way),
        nodes=tuple(dict.fromkeys(_nodes(threats.system, way))),
        size=f"{len(threats.program.rules)} steps",
    )


def replayed(
    threats: Threats, starts: tuple[NodeId, ...], way: tuple[Rule, ...], *, fact: Fact
) -> bool:
    """Whether the steps of a way, taken one after the other from the sources, give the fact, and
    content enters no guard that holds."""
    held: set[Fact] = {("taints", str(name)) for name in starts}
    known = threats.program.concluding
    for rule in way:
        if rule not in known.get(rule.head, ()) or not held.issuperset(rule.body):
            return False
        node = threats.system.nodes.get(NodeId(rule.head[1]))
        is_guard = threats.guards_hold and node is not None and node.kind is NodeKind.GUARD
        if node is not None and is_guard and rule.head[0] in ("taints", "carry"):
            opened = node.facts.fails == "open" and ("stops", node.id) in rule.body
            if not opened and node.id not in starts and not _idle(threats, node.id):
                return False
        held.add(rule.head)
    return fact in held


def _idle(threats: Threats, name: NodeId) -> bool:
    """Whether a guard says that it checks nothing that would hold content back."""
    checks = threats.system.nodes[name].facts.checks
    return checks is not None and not {"input", "output", "sanitise", "provenance"} & set(checks)


def _nodes(system: System, way: tuple[Rule, ...]) -> Iterator[NodeId]:
    for rule in way:
        for name in (*rule.about, rule.head[1]):
            if name in system.nodes:
                yield NodeId(name)
