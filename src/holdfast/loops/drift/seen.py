"""What was seen, as evidence for reviews: by nodes, without identities."""

from collections.abc import Iterable

from holdfast.blueprint.review import Seen, SeenEdge
from holdfast.core import NodeId
from holdfast.loops.drift.judge import Met, Report
from holdfast.loops.drift.sightings import Proof

DAY_US = 86_400_000_000
_AUTHENTICATED = frozenset({Proof.AUTHENTICATED, Proof.GATEWAY})


def seen_of(report: Report) -> Seen:
    """The evidence of the kinds ``traces`` and ``calls``: which of both, is which tally was judged."""
    groups: dict[tuple[NodeId, NodeId], list[Met]] = {}
    strangers: dict[str, None] = {}
    for met in report.matched.met:
        if met.ends is not None:
            groups.setdefault(met.ends, []).append(met)
        for party in (met.source, met.target):
            if party.node is None:
                strangers[party.name] = None
    return Seen(
        edges={ends: _edge(ends, met) for ends, met in groups.items()},
        strangers=tuple(strangers),
        instrumented=report.heard.any,
        days=(report.period.now - report.period.start) / DAY_US,
    )


def _edge(ends: tuple[NodeId, NodeId], met: Iterable[Met]) -> SeenEdge:
    met = tuple(met)
    told = [each.contact.encrypted for each in met if each.contact.encrypted is not None]
    proofs = {each.contact.proof for each in met}
    return SeenEdge(
        source=ends[0],
        destination=ends[1],
        calls=round(sum(each.count.calls for each in met)),
        encrypted=all(told) if told else None,
        # A span that names no peer does not say that there was no proof of who called.
        authenticated=True if proofs <= _AUTHENTICATED else None,
        tools={e.contact.tool: e.contact.digest for e in met if e.contact.tool is not None},
        models=frozenset(each.contact.model for each in met if each.contact.model is not None),
    )
