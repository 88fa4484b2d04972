"""Walks over a system agree with what trying every way gives."""

import json
from functools import cache
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint import load
from holdfast.blueprint.graph import (
    System,
    avoiding,
    cycles,
    dominators,
    path_between,
    reached,
)

NAMES = ("a", "b", "c", "d", "e")
FEW = settings(max_examples=60, deadline=None)

edges = st.sets(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda e: e[0] != e[1]),
    max_size=12,
).map(lambda found: tuple(sorted(found)))
some = st.sets(st.sampled_from(NAMES), max_size=2)


@cache
def system_of(links):
    nodes = {name: {"type": "service", "description": "d"} for name in NAMES}
    relationships = [{"id": f"{one}-to-{other}", "connects": [one, other]} for one, other in links]
    text = {"holdfast": 1, "name": "s", "nodes": nodes, "relationships": relationships}
    return System(load(json.dumps(text), source="s", read=lambda _: ""))


def grown(links, starts, without=()):
    """The nodes that starts reach, by adding until nothing is added."""
    found = set(starts) - set(without)
    while more := {o for i, o in links if i in found and o not in found and o not in without}:
        found |= more
    return found


def distance(links, starts, ends):
    """How many edges a shortest way has, by widening step by step."""
    seen, steps = set(starts), 0
    while seen:
        steps += 1
        wider = seen | {other for one, other in links if one in seen}
        if (wider - set(starts)) & set(ends):
            return steps
        if wider == seen:
            return None
        seen = wider
    return None


@FEW
@given(edges, some)
def test_what_is_reached_is_all_that_can_be(links, starts):
    assert reached(system_of(links), starts) == grown(links, starts)


@FEW
@given(edges, some, st.sampled_from(NAMES))
def test_an_edge_that_may_not_be_taken_is_not(links, starts, barred):
    found = reached(system_of(links), starts, along=lambda edge: edge.destination != barred)
    assert found == grown([link for link in links if link[1] != barred], starts)


@FEW
@given(edges, some, some)
def test_a_path_is_a_way_and_none_is_shorter(links, starts, ends):
    path = path_between(system_of(links), sorted(starts), ends)
    length = distance(links, starts, ends)
    if path is None:
        assert length is None
        return
    assert len(path) == length
    assert path[0].source in starts
    assert path[-1].destination in ends - starts
    assert all(one.destination == other.source for one, other in pairwise(path))
    assert all((edge.source, edge.destination) in links for edge in path)


@FEW
@given(edges, some, some, some)
def test_a_way_around_is_found_exactly_where_there_is_one(links, starts, ends, without):
    path = avoiding(system_of(links), sorted(starts), ends, without=without)
    around = grown(links, starts, without) - (starts - without)
    assert (path is not None) == bool(around & ends)
    for edge in path or ():
        assert not {edge.source, edge.destination} & without


@FEW
@given(edges, st.sampled_from(NAMES))
def test_a_dominator_is_what_no_way_can_leave_out(links, start):
    found = dominators(system_of(links), start)
    reachable = grown(links, {start})
    assert found.keys() == reachable
    for name in reachable:
        chain, above = set(), found[name]
        while above is not None:
            chain.add(above)
            above = found[above]
        needed = {
            each
            for each in reachable - {name}
            if each == start or name not in grown(links, {start}, {each})
        }
        assert chain == needed


@FEW
@given(edges)
def test_circles_are_the_nodes_that_lead_to_each_other(links):
    successors = {name: [o for i, o in links if i == name] for name in NAMES}
    after = {name: grown(links, successors[name]) for name in NAMES}
    found = {frozenset(circle) for circle in cycles(successors)}
    assert found == {
        frozenset({name} | {other for other in after[name] if name in after[other]})
        for name in NAMES
        if name in after[name]
    }


def test_a_node_that_leads_to_itself_is_a_circle():
    assert cycles({"a": ["a"], "b": ["a"]}) == (("a",),)
