"""Walks of reviews against the plainest way to say the same."""

from collections.abc import Callable, Iterator
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.blueprint.review.knowledge.content import Known
from holdfast.blueprint.review.knowledge.known import Knowledge, checks, gives_foreign_words
from holdfast.blueprint.review.knowledge.leaning import Leaning

TYPES = ("service", "ai:agent", "ai:guardrail", "database", "actor", "ai:tool")
KNOWN = ("null", "true", "false")


@st.composite
def systems(draw: st.DrawFn) -> System:
    size = draw(st.integers(2, 5))
    nodes = [
        f'  n{i}: {{type: "{draw(st.sampled_from(TYPES))}", description: d, facts: '
        f"{{untrusted_content: {draw(st.sampled_from(KNOWN))}, "
        f"checks: {draw(st.sampled_from(('null', '[input]', '[output]')))}}}}}"
        for i in range(size)
    ]
    pairs = [pair for pair in product(range(size), range(size)) if pair[0] != pair[1]]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=8))
    edges = [
        f"  - {{id: r{i}, connects: [n{a}, n{b}], facts: "
        f"{{effect: {draw(st.sampled_from(('null', 'read', 'write')))}, "
        f"purpose: {draw(st.sampled_from(('null', 'null', 'audit')))}}}}}"
        for i, (a, b) in enumerate(chosen)
    ]
    text = "\n".join(
        ["holdfast: 1", "name: n", "nodes:", *nodes, "relationships:" if edges else "", *edges]
    )
    return System(load(text, source="s", read=lambda _: ""))


def naive(known: Knowledge, allows: Callable[[Known], bool]) -> set[str]:
    """Whom foreign words reach, by rules applied until nothing new follows. ``told`` is a person or
    a browser that was answered: it passes nothing on."""
    nodes = known.system.nodes
    unchecked = {
        name
        for name, node in nodes.items()
        if (value := checks(node, "input", "sanitise")) is None or not value
        if allows(None if value is None else True)
    }
    facts = {("gives", str(name)) for name in unchecked if allows(gives_foreign_words(nodes[name]))}
    while (
        new := {fact for fact in _following(known, facts, allows) if fact[1] in unchecked} - facts
    ):
        facts |= new
    return {name for _, name in facts}


def _following(
    known: Knowledge, facts: set[tuple[str, str]], allows: Callable[[Known], bool]
) -> Iterator[tuple[str, str]]:
    for edge in known.system.edges:
        if edge.facts.purpose is not None:
            continue
        source, onto = known.system.nodes[edge.source], known.system.nodes[edge.destination]
        if ("gives", source.id) in facts or ("given", source.id) in facts:
            kept = onto.kind == "store" and allows(known.writes(edge))
            yield ("gives" if kept else "given", str(onto.id))
        if ("gives", onto.id) in facts:
            yield ("told" if source.kind == "actor" else "gives", str(source.id))


@given(systems())
@settings(max_examples=40)
def test_foreign_words_get_exactly_where_the_rules_of_their_spread_lead(system: System) -> None:
    known = Knowledge(system)
    certain = naive(known, lambda value: value is True)
    possible = naive(known, lambda value: value is not False)
    found = {name: known.foreign_unchecked.gets_to(name) for name in system.nodes}
    assert {name for name, value in found.items() if value} == certain
    assert {name for name, value in found.items() if value is not False} == possible
    for name, value in found.items():
        if value:
            assert known.foreign_unchecked.nodes_to(name)[-1] == name
        elif value is None:
            assert known.foreign_unchecked.missing_on(name)


@given(systems())
@settings(max_examples=40)
def test_a_node_leans_on_all_that_it_calls_at_any_depth(system: System) -> None:
    services = [name for name, node in system.nodes.items() if node.kind != "actor"]
    leaning = Leaning(system, services)
    for name in services:
        onto = {name}
        while (
            new := {
                edge.destination
                for edge in system.edges
                if edge.source in onto and edge.facts.purpose is None
            }
            - onto
        ):
            onto |= new
        assert {other for other in system.nodes if leaning.needs(name, other)} == onto
