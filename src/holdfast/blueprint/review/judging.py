"""What rules share when they judge: the gravest of several verdicts, what was seen over an edge."""

from collections.abc import Sequence

from holdfast.blueprint.graph import Edge
from holdfast.blueprint.review.evidence import SeenEdge
from holdfast.blueprint.review.rule import Case, Judgement, Verdict

_ORDER = (Verdict.HOLDS, Verdict.UNDECIDED, Verdict.BROKEN)


def gravest(judgements: Sequence[Judgement]) -> Judgement:
    """Of several on one subject the first of the worst: broken, then undecided, then holds."""
    return (
        judgements[0]
        if len(judgements) == 1
        else max(judgements, key=lambda each: _ORDER.index(each.verdict))
    )


def seen_over(case: Case, edge: Edge) -> list[SeenEdge]:
    """What traces and the gateway's records saw from the edge's source to its destination."""
    evidence, ends = case.evidence, (edge.source, edge.destination)
    if evidence.traces is None and evidence.calls is None:
        return []  # of most reviews, and asked of every edge
    given = [seen for seen in (evidence.traces, evidence.calls) if seen is not None]
    return [seen.edges[ends] for seen in given if ends in seen.edges]
