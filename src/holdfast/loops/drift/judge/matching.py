"""Sightings against the declaration: each contact with the nodes it is of and what covers it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.blueprint.graph import Edge
from holdfast.core import NodeId, RelationshipId
from holdfast.loops.drift.judge.declared import (
    Declared,
    Disagreement,
    contradictions,
    undeclared_ways,
)
from holdfast.loops.drift.judge.resolving import Party, Resolver
from holdfast.loops.drift.sightings import Contact, Count, Proof, Tally

_TWO_SIDED = frozenset({Proof.AUTHENTICATED, Proof.PAIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """One kind of contact of one week, resolved. ``edges`` cover it and agree; ``against`` says why
    those that cover the pair do not agree; ``contrary`` what contradicts attributes."""

    contact: Contact
    count: Count
    week: int
    source: Party
    target: Party
    edges: tuple[Edge, ...] = ()
    pair: tuple[Edge, ...] = ()
    against: tuple[Disagreement, ...] = ()
    contrary: tuple[Disagreement, ...] = ()

    @property
    def ends(self) -> tuple[NodeId, NodeId] | None:
        """Both nodes, where both are declared."""
        if self.source.node is None or self.target.node is None:
            return None
        return self.source.node, self.target.node

    @property
    def quality(self) -> float:
        return min(self.source.quality, self.target.quality)


@dataclass(slots=True, kw_only=True)
class Matched:
    """All contacts that count. ``inside`` stayed within one node, ``excluded`` fell under a rule,
    ``foreign`` had no declared node at either end, ``unclear`` went to an address that several parties
    share: how many sightings each."""

    met: list[Met] = field(default_factory=list[Met])
    inside: int = 0
    excluded: int = 0
    foreign: int = 0
    unclear: int = 0


def match(tally: Tally, declared: Declared, resolver: Resolver) -> Matched:
    """Resolve every contact and find what covers it."""
    matched = Matched()
    contacts = [contact for _, contact in tally.contacts]
    resolver.learn(
        {contact.source: None for contact in contacts},
        {contact.target: None for contact in contacts if contact.proof in _TWO_SIDED},
    )
    for (week, contact), count in tally.contacts.items():
        source = resolver.party(contact.source)
        target = resolver.party(contact.target, called_by=source.node)
        if not (source.is_clear and target.is_clear):
            matched.unclear += count.n
        elif not (source.counts and target.counts):
            matched.excluded += count.n
        elif source.node is None and target.node is None:
            matched.foreign += count.n
        elif _is_inside(declared, source, target):
            matched.inside += count.n
        else:
            matched.met.append(_met(declared, contact, count, week=week, ends=(source, target)))
    return matched


def _is_inside(declared: Declared, source: Party, target: Party) -> bool:
    if source.node is None or target.node is None:
        return False
    return declared.are_one(source.node, target.node)


def _met(
    declared: Declared, contact: Contact, count: Count, *, week: int, ends: tuple[Party, Party]
) -> Met:
    source, target = ends
    if source.node is None or target.node is None:
        return Met(contact=contact, count=count, week=week, source=source, target=target)
    pair = declared.covering(source.node, target.node)
    nodes = declared.system.nodes
    ways = {
        edge.id: tuple(undeclared_ways(edge, nodes[edge.destination], contact, party=target))
        for edge in pair
    }
    agreeing = tuple(edge for edge in pair if not ways[edge.id])
    contrary = _everywhere(
        [
            tuple(contradictions(edge, nodes[edge.destination], contact, party=target))
            for edge in agreeing
        ]
    )
    return Met(
        contact=contact,
        count=count,
        week=week,
        source=source,
        target=target,
        edges=agreeing,
        pair=pair,
        against=() if agreeing else _first(ways),
        contrary=contrary,
    )


def _first(ways: Mapping[RelationshipId, tuple[Disagreement, ...]]) -> tuple[Disagreement, ...]:
    """Of the declared ways, that from which the contact differs least."""
    return min(ways.values(), key=len, default=())


def _everywhere(found: list[tuple[Disagreement, ...]]) -> tuple[Disagreement, ...]:
    """Contradictions only where no declared edge is without one."""
    return () if not found or not all(found) else min(found, key=len)


def identities_against(met: Met) -> Iterator[tuple[str, NodeId, NodeId]]:
    """Parties of which two sure claims name two nodes: who they say they are, and who they are."""
    for party in (met.source, met.target):
        if party.node is not None and party.other is not None:
            yield party.name, party.node, party.other
