"""The map's layout, as properties over arbitrary graphs."""

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint.drawing.layout import MARGIN, Box, Edge, laid_out, overlap, rising
from holdfast.blueprint.drawing.ordering import crossings, layered, ordered

NODES_MAX = 24


@st.composite
def graphs(
    random: st.DrawFn,
) -> tuple[dict[str, str], list[Edge], dict[str, tuple[str, ...]]]:
    count = random(st.integers(0, NODES_MAX))
    names = [f"n{i}" for i in range(count)]
    labels = {name: name * random(st.integers(1, 12)) for name in names}
    if not names:
        return labels, [], {}
    end = st.sampled_from(names)
    pairs = random(st.lists(st.tuples(end, end), max_size=40, unique=True))
    edges = [Edge(id=f"e{i}", source=a, destination=b) for i, (a, b) in enumerate(pairs)]
    members = st.lists(end, max_size=5, unique=True).map(tuple)
    containers = random(st.dictionaries(end, members, max_size=3))
    return labels, edges, containers


def test_a_box_is_wide_enough_for_what_is_written_small_below_its_name():
    (plain,) = laid_out({"n": "Embedder"}, [], containers={}).boxes
    (typed,) = laid_out({"n": "Embedder\nai:embedding-model"}, [], containers={}).boxes
    assert plain.width < 18 * 8 < typed.width


@given(graphs())
def test_no_two_boxes_overlap(graph):
    labels, edges, containers = graph
    boxes = laid_out(labels, edges, containers=containers).boxes
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            assert not overlap(one, other)


@given(graphs())
def test_every_node_and_every_edge_is_drawn_once(graph):
    labels, edges, containers = graph
    drawing = laid_out(labels, edges, containers=containers)
    drawn = Counter(box.id for box in (*drawing.boxes, *drawing.groups))
    assert drawn == Counter(list(labels))
    assert [line.id for line in drawing.lines] == [edge.id for edge in edges]


@given(graphs())
def test_every_line_touches_the_boxes_it_joins(graph):
    labels, edges, containers = graph
    drawing = laid_out(labels, edges, containers=containers)
    boxes = {box.id: box for box in drawing.boxes}
    for edge, line in zip(edges, drawing.lines, strict=True):
        assert _on_side(boxes[edge.source], line.points[0])
        assert _on_side(boxes[edge.destination], line.points[-1])
        assert len(line.points) % 2 == 0


@given(graphs())
def test_everything_lies_within_the_drawing(graph):
    labels, edges, containers = graph
    drawing = laid_out(labels, edges, containers=containers)
    for box in (*drawing.boxes, *drawing.groups):
        assert box.x > MARGIN - 0.01
        assert box.y > MARGIN - 0.01
        assert box.right < drawing.width
        assert box.bottom < drawing.height


@given(graphs())
def test_a_group_encloses_its_members_and_no_stranger(graph):
    labels, edges, containers = graph
    drawing = laid_out(labels, edges, containers=containers)
    groups = {group.id: group for group in drawing.groups}
    for group in drawing.groups:
        for box in drawing.boxes:
            if box.id in containers[group.id]:
                assert _encloses(group, box)
            elif not any(
                m in groups and box.id in _all_members(m, containers) for m in containers[group.id]
            ):
                assert not overlap(group, box)


@given(graphs())
def test_a_container_that_is_not_a_group_is_listed_with_what_it_holds(graph):
    labels, edges, containers = graph
    drawing = laid_out(labels, edges, containers=containers)
    drawn = {group.id for group in drawing.groups}
    assert drawing.held == {c: m for c, m in containers.items() if c not in drawn}


@given(graphs())
def test_the_same_graph_has_the_same_drawing(graph):
    labels, edges, containers = graph
    assert laid_out(labels, edges, containers=containers) == laid_out(
        labels, edges, containers=containers
    )


@given(graphs())
def test_ordering_never_adds_crossings_when_nothing_must_stand_together(graph):
    labels, edges, _ = graph
    layers = layered(list(labels), [(e.source, e.destination) for e in edges])
    better = ordered(layers, kin={})
    assert crossings(better.rows, layers.neighbours) <= crossings(layers.rows, layers.neighbours)
    assert [sorted(row) for row in better.rows] == [sorted(row) for row in layers.rows]


@given(st.lists(st.floats(-1e6, 1e6)))
def test_rising_values_rise_and_keep_their_mean(values):
    found = rising(values)
    assert all(a <= b for a, b in pairwise(found))
    assert abs(sum(found) - sum(values)) < 1e-3
    assert rising(found) == found


@settings(deadline=None, max_examples=1)
@given(st.just(500))
def test_five_hundred_nodes_are_drawn(count):
    names = [f"node-{i}" for i in range(count)]
    edges = [
        Edge(id=f"e{i}-{step}", source=names[i], destination=names[(i * step + 1) % count])
        for i in range(count)
        for step in (2, 3)
    ]
    drawing = laid_out({name: name for name in names}, edges, containers={})
    assert len(drawing.boxes) == count
    assert len(drawing.lines) == 2 * count


def _on_side(box: Box, point: tuple[float, float]) -> bool:
    x, y = point
    return min(abs(x - box.x), abs(x - box.right)) < 0.01 and box.y <= y <= box.bottom


def _encloses(group: Box, box: Box) -> bool:
    return (
        group.x <= box.x
        and group.y <= box.y
        and group.right >= box.right
        and group.bottom >= box.bottom
    )


def _all_members(name: str, containers: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for member in containers.get(waiting.pop(), ()):
            if member not in found:
                found.add(member)
                waiting.append(member)
    return found
