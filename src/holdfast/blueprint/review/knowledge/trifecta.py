"""The three things that no agent should have together, and how each agent comes by each of them."""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.review.knowledge.content import Known, Spread
from holdfast.blueprint.review.knowledge.dependence import fact_of
from holdfast.blueprint.review.knowledge.known import Knowledge, checks, is_private
from holdfast.blueprint.review.knowledge.onward import Onward, onward_to, way_along
from holdfast.core import NodeId

_MAY_HOLD = (NodeKind.STORE, NodeKind.TOOL, NodeKind.SERVICE, NodeKind.OTHER)
_MAY_SEND = (NodeKind.TOOL, NodeKind.SERVICE, NodeKind.OTHER)


@dataclass(frozen=True, slots=True)
class Foreign:
    """Outsiders' words reach the agent, checked or not: no check finds all of them."""

    spread: Spread

    def stands(self, agent: NodeId) -> Known:
        return self.spread.gets_to(agent)

    def asks(self, agent: NodeId) -> tuple[str, ...]:
        return self.spread.missing_on(agent)

    def words(self, agent: NodeId) -> str:
        return f"it reads what `{self.way(agent)[0]}` gives"

    def way(self, agent: NodeId) -> tuple[NodeId, ...]:
        return self.spread.nodes_to(agent)


@dataclass(frozen=True, slots=True)
class Reached:
    """The agent, or what it calls on to, is such a node."""

    verb: str
    fact: str
    certain: Onward
    possible: Onward

    def stands(self, agent: NodeId) -> Known:
        if agent in self.certain:
            return True
        return None if agent in self.possible else False

    def asks(self, agent: NodeId) -> tuple[str, ...]:
        return (fact_of(way_along(self.possible, agent)[-1], self.fact),)

    def words(self, agent: NodeId) -> str:
        return f"it {self.verb} `{self.way(agent)[-1]}`"

    def way(self, agent: NodeId) -> tuple[NodeId, ...]:
        return way_along(self.certain, agent)


Leg = Foreign | Reached


def legs_of(known: Knowledge) -> tuple[Leg, ...]:
    """Foreign content, private data, a way out."""
    return (
        Foreign(known.foreign),
        _reached(known, "has the data of", "data", _holds, lambda _: False),
        _reached(known, "can send outside by", "sends_outside", _sends, lambda n: _kept(known, n)),
    )


def _holds(node: Node) -> Known:
    private = is_private(node)
    return private if private is not None or node.kind in _MAY_HOLD else False


def _sends(node: Node) -> Known:
    """Whether outsiders may get what it is given. A model's provider does, but nobody who writes to
    an agent gets it from there."""
    facts = node.facts
    if node.kind is NodeKind.MODEL:
        return False
    if facts.sends_outside is not None:
        return facts.sends_outside
    if facts.executes is not None and facts.egress == "open":
        return True
    if facts.trust == "untrusted" and node.kind in _MAY_SEND:
        return True
    return None if node.kind in _MAY_SEND and facts.egress != "none" else False


def _kept(known: Knowledge, node: Node) -> Known:
    """Whether nothing leaves by the node without a person's yes or a check of where it goes."""
    return True if node.id in known.approving else checks(node, "egress")


def _reached(
    known: Knowledge,
    verb: str,
    fact: str,
    is_end: Callable[[Node], Known],
    keeps: Callable[[Node], Known],
) -> Reached:
    nodes = known.system.nodes
    ends = {name: is_end(node) for name, node in nodes.items()}
    kept = {name: keeps(node) for name, node in nodes.items()}
    certain = [name for name, end in ends.items() if end and kept[name] is False]
    possible = [name for name, end in ends.items() if end is not False and not kept[name]]
    return Reached(
        verb,
        fact,
        onward_to(known.currents, certain, passes=lambda name: kept[name] is False),
        onward_to(known.currents, possible, passes=lambda name: not kept[name]),
    )
