"""The map in words, for those who do not see it. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from holdfast.core import NodeId, RelationshipId
from holdfast.faces.web.chart.forms import LineMark, NodeMark, StrayMark, Told
from holdfast.faces.web.chart.plan import Plan


def told_of(
    plan: Plan,
    *,
    lines: Sequence[LineMark],
    nodes: Sequence[NodeMark],
    strays: Iterable[StrayMark] = (),
) -> tuple[Told, ...]:
    """What is refused first, then every line, then boxes that something is said of, then what holds
    what."""
    return (
        *(Told(id="", text=each.badge.about, state="undeclared") for each in strays),
        *(_line(each, plan) for each in lines),
        *(_node(each) for each in nodes if each.notes or each.place.key),
        *_holding(plan),
    )


def _line(mark: LineMark, plan: Plan) -> Told:
    ids = mark.stroke.relationships
    text = mark.stroke.ends
    if len(ids) == 1:
        id_ = ids[0]
        edges = plan.system.edges_of
        protocol = next((e.relationship.protocol for e in edges.get(RelationshipId(id_), ())), None)
        return Told(id=id_, text=f"{text} over {protocol}" if protocol else text, state=mark.told)
    return Told(id=f"{len(ids)} relationships", text=text, state=mark.told)


def _node(mark: NodeMark) -> Told:
    place = mark.place
    if place.key:
        return Told(id=place.key, text=f"{place.about}", state=mark.notes)
    return Told(id=place.id, text=place.name, state=mark.notes)


def _holding(plan: Plan) -> Iterator[Told]:
    nodes = plan.system.nodes
    for frame in plan.frames:
        members = plan.fold.box_of
        held = [
            nodes[name].name
            for name in (
                *plan.system.hosted.get(NodeId(frame.id), ()),
                *plan.system.parts.get(NodeId(frame.id), ()),
            )
            if name in members
        ]
        yield Told(
            id=frame.id,
            text=f"{nodes[NodeId(frame.id)].name} holds {', '.join(held)}",
            state="a frame on the map",
        )
