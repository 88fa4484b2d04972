"""Divergences: what was seen and is not declared (classes D1 to D5)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from holdfast.core import NodeId, RelationshipId
from holdfast.loops.drift.judge.declared import Declared
from holdfast.loops.drift.judge.finding import SURE, Finding, Kind, Samples, confidence, level_of
from holdfast.loops.drift.judge.matching import Met, identities_against
from holdfast.loops.drift.judge.resolving import Resolver
from holdfast.loops.drift.sightings import Proof, Tally

_URGENT = frozenset({Kind.STRANGER, Kind.CONTRADICTION, Kind.BYPASS})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    kind: Kind
    source: str
    target: str
    fact: str = ""
    declared: str = ""
    seen: str = ""
    relationship: RelationshipId | None = None


@dataclass(slots=True)
class _Group:
    samples: Samples = field(default_factory=dict[tuple[Proof, float], int])
    n: int = 0
    calls: float = 0.0
    first: int = 0
    last: int = 0
    strangers: dict[str, None] = field(default_factory=dict[str, None])

    def add(self, met: Met) -> None:
        key = (met.contact.proof, met.quality)
        self.samples[key] = self.samples.get(key, 0) + met.count.n
        self.first = met.count.first if self.n == 0 else min(self.first, met.count.first)
        self.last = max(self.last, met.count.last)
        self.n += met.count.n
        self.calls += met.count.calls
        for party, identity in (
            (met.source, met.contact.source),
            (met.target, met.contact.target),
        ):
            if party.node is None:
                self.strangers[identity] = None


def divergences(met: Iterable[Met], declared: Declared) -> Iterator[Finding]:
    """One finding for each pair and respect, over all that was seen of it."""
    groups: dict[_Key, _Group] = {}
    for each in met:
        for key in _keys(each, declared):
            groups.setdefault(key, _Group()).add(each)
    for key, group in groups.items():
        yield _finding(key, group, declared)


def _keys(met: Met, declared: Declared) -> Iterator[_Key]:
    source, target = met.source.name, met.target.name
    for name, node, other in identities_against(met):
        yield _Key(
            kind=Kind.CONTRADICTION,
            source=node,
            target="",
            fact="identity",
            declared=node,
            seen=f"{name} also goes by {other}",
        )
    ends = met.ends
    if ends is None:
        yield _Key(kind=Kind.STRANGER, source=source, target=target)
        return
    if not met.pair:
        kind = Kind.BYPASS if declared.is_bypass(*ends) else Kind.UNDECLARED_EDGE
        yield _Key(kind=kind, source=source, target=target)
        return
    for kind, found in (
        (Kind.UNDECLARED_WAY, met.against),
        (Kind.CONTRADICTION, met.contrary),
    ):
        for each in found:
            yield _Key(
                kind=kind,
                source=source,
                target=target,
                fact=each.fact,
                declared=each.declared,
                seen=each.seen,
                relationship=(met.edges or met.pair)[0].id,
            )


def _finding(key: _Key, group: _Group, declared: Declared) -> Finding:
    sure = confidence(group.samples)
    proofs = tuple(dict.fromkeys(proof for proof, _ in group.samples))
    privileged = _is_privileged(key, declared)
    is_urgent = key.kind in _URGENT and privileged and any(proof in SURE for proof in proofs)
    return Finding(
        kind=key.kind,
        source=key.source,
        target=key.target,
        what=_words(key),
        level=level_of(sure, is_urgent=is_urgent),
        confidence=sure,
        n=group.n,
        calls=group.calls,
        first=group.first,
        last=group.last,
        fact=key.fact,
        declared=key.declared,
        seen=key.seen,
        relationship=key.relationship,
        strangers=tuple(group.strangers),
        privileged=privileged,
        proofs=proofs,
    )


def _is_privileged(key: _Key, declared: Declared) -> bool:
    name = NodeId(key.target or key.source)
    return name in declared.system.nodes and declared.is_privileged(name)


def _words(key: _Key) -> str:
    match key.kind:
        case Kind.STRANGER:
            return f"{key.source} meets {key.target}, and one of them is declared nowhere"
        case Kind.BYPASS:
            return (
                f"{key.source} calls {key.target} directly; every declared way passes a guard, "
                "a gateway or an approval"
            )
        case Kind.UNDECLARED_EDGE:
            return f"{key.source} calls {key.target}, which no relationship declares"
        case _:
            place = f"{key.source} -> {key.target}" if key.target else key.source
            return f"{place}: {key.fact} is {key.seen}, declared is {key.declared}"


def of_presence(tally: Tally, declared: Declared, resolver: Resolver) -> Iterator[Finding]:
    """What nodes say of themselves and the blueprint says otherwise: region, release (class D4)."""
    found: dict[tuple[NodeId, str, str, str], list[int]] = {}
    for (_, presence), count in tally.presences.items():
        party = resolver.party(presence.identity)
        if party.node is None or not party.counts:
            continue
        facts = declared.system.nodes[party.node].facts
        for fact, wanted, seen in (
            ("region", facts.region, presence.region),
            ("release", facts.release, presence.release),
        ):
            if wanted is not None and seen is not None and wanted != seen:
                row = found.setdefault((party.node, fact, wanted, seen), [0, count.first, 0])
                row[0] += count.n
                row[1] = min(row[1], count.first)
                row[2] = max(row[2], count.last)
    for (node, fact, wanted, seen), (n, first, last) in found.items():
        sure = confidence({(Proof.ONE_SIDED, _quality(resolver, tally, node)): n})
        yield Finding(
            kind=Kind.CONTRADICTION,
            source=node,
            what=f"{node}: {fact} is {seen}, declared is {wanted}",
            level=level_of(sure, is_urgent=False),
            confidence=sure,
            n=n,
            calls=float(n),
            first=first,
            last=last,
            fact=fact,
            declared=wanted,
            seen=seen,
            privileged=declared.is_privileged(node),
            proofs=(Proof.ONE_SIDED,),
        )


def _quality(resolver: Resolver, tally: Tally, node: NodeId) -> float:
    parties = (resolver.party(presence.identity) for _, presence in tally.presences)
    return max((party.quality for party in parties if party.node == node), default=0.0)
