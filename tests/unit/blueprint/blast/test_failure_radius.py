"""What falls when something falls."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint import load
from holdfast.blueprint.blast import (
    Assumptions,
    Equations,
    State,
    TooLargeError,
    UnknownPartError,
    boot,
    cells,
    cut_sets,
    flow_name,
    impact,
    single_failures,
    tries_along,
)
from holdfast.blueprint.blast.levels import Bound, at_least, count_at, counted
from holdfast.blueprint.graph import System

DOWN, SLOW, DEGRADED, UP = State.DOWN, State.SLOW, State.DEGRADED, State.UP


def link(source, destination, *, facts="", controls=""):
    return (
        f"id: {source}-{destination}, connects: [{source}, {destination}], "
        f"facts: {{{facts}}}, controls: {{{controls}}}"
    )


def upstream(port, more=""):
    return f';controls: {{upstream: {{url: "http://127.0.0.1:{port}/v1"}}}}{more}'


def flow(name, *steps):
    listed = ", ".join(f"{{over: {step}, description: d}}" for step in steps)
    return f"id: {name}, name: n, description: d, steps: [{listed}]"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ("", DOWN),
        ("strength: hard", DOWN),
        ("strength: soft", DEGRADED),
        ("strength: optional", DEGRADED),
        ("strength: async", DEGRADED),
        ("strength: async, buffer_hours: 2", UP),
        ("strength: async, buffer_hours: 0.5", DEGRADED),
        ("purpose: stop", UP),
        ("purpose: deploy, strength: hard", DOWN),
    ],
)
def test_a_lost_dependency_costs_what_its_strength_says(build, facts, expected):
    system = build({"a": "", "b": ""}, [link("a", "b", facts=facts)])
    assert impact(system, ["b"]).states.get("a", UP) is expected


def test_damage_goes_against_the_calls_and_not_with_them(build):
    system = build({"a": "", "b": "", "c": ""}, [link("a", "b"), link("b", "c")])
    assert set(impact(system, ["b"]).states) == {"a", "b"}


def test_the_way_names_each_part_and_relationship_back_to_the_fault(build):
    system = build(
        {"a": "", "b": "", "c": ""}, [link("a", "b"), link("b", "c")], [flow("f", "a-b")]
    )
    fallen = impact(system, ["c"])
    assert [(h.part, h.cause, h.over) for h in fallen.way("a")] == [
        ("a", "b", "a-b"),
        ("b", "c", "b-c"),
    ]
    assert fallen.way("flow!f")[-1].cause == "c"
    assert fallen.flows == {"f": DOWN}


def test_a_fallback_that_holdfast_carries_leaves_its_caller_degraded_and_both_lost_take_it_down(
    build,
):
    system = build(
        {"a": "", "b": upstream(1), "c": upstream(2)},
        [link("a", "b", controls="fallback: {to: [c]}"), link("a", "c")],
    )
    assert impact(system, ["b"]).states["a"] is DEGRADED
    assert "a" not in impact(system, ["c"]).states
    assert impact(system, ["b", "c"]).states["a"] is DOWN


def test_the_fallback_of_a_fallback_counts(build):
    system = build(
        {"a": "", "b": upstream(1), "c": upstream(2), "d": upstream(3)},
        [
            link("a", "b", controls="fallback: {to: [c]}"),
            link("a", "c", controls="fallback: {to: [d]}"),
            link("a", "d"),
        ],
    )
    assert impact(system, ["b", "c"]).states["a"] is DEGRADED


def test_a_declared_alternative_stands_in(build):
    system = build(
        {"a": "", "b": "", "c": ""},
        [link("a", "b", facts="strength: soft"), link("a", "c", facts="alternative_to: a-b")],
    )
    assert impact(system, ["b"]).states["a"] is DEGRADED
    assert impact(system, ["b", "c"]).states["a"] is DOWN


def test_a_group_stands_while_as_many_members_stand_as_are_needed(build):
    nodes = {"a": "", "m": ";facts: {replicas_needed: 2}"}
    nodes |= {f"m{n}": upstream(n) for n in (1, 2, 3)}
    composed = "id: g, composed-of: {container: m, nodes: [m1, m2, m3]}"
    system = build(nodes, [composed, link("a", "m")])
    assert "a" not in impact(system, ["m1"]).states
    assert impact(system, ["m1", "m3"]).states["a"] is DOWN
    assert impact(system, ["m"]).states["m2"] is DOWN, "a whole takes its parts with it"
    assert "m" not in single_failures(system).faults, "and so is no single failure"


def test_replicas_survive_the_loss_of_as_many_domains_as_they_are_spread_over(build):
    facts = "failure_domains: ['zone:a', 'zone:b', 'zone:c', 'provider:x'], replicas: 3"
    system = build(
        {"a": f";facts: {{{facts}}}", "b": f";facts: {{{facts}, replicas_needed: 2}}"}, []
    )
    assert set(impact(system, ["zone:a"]).states) == {"zone:a"}
    assert impact(system, ["zone:a", "zone:b"]).states.keys() >= {"b"}
    assert "a" not in impact(system, ["zone:a", "zone:b"]).states
    assert impact(system, ["provider:x"]).states["a"] is DOWN


def test_what_is_deployed_falls_with_its_container(build):
    system = build(
        {"a": "", "b": "", "host": "network"},
        ["id: d, deployed-in: {container: host, nodes: [b]}", link("a", "b")],
    )
    assert impact(system, ["host"]).states["a"] is DOWN


def test_a_guard_that_fails_open_lets_pass_and_is_told_and_one_that_fails_closed_does_not(build):
    links = [link("a", "g"), link("g", "m")]
    fails_open = build({"a": "", "g": "ai:guardrail;facts: {fails: open}", "m": ""}, links)
    fails_closed = build({"a": "", "g": "ai:guardrail;facts: {fails: closed}", "m": ""}, links)
    fallen = impact(fails_open, ["g"])
    assert "a" not in fallen.states
    assert fallen.unguarded == ("g",)
    assert impact(fails_open, ["m"]).states["a"] is DOWN, "it is seen through, not passed by"
    assert impact(fails_closed, ["g"]).states["a"] is DOWN


def test_slowness_spreads_unless_a_bulkhead_holds_it(build):
    nodes = {"a": "", "b": upstream(1)}
    free = build(nodes, [link("a", "b")])
    held = build(nodes, [link("a", "b", controls="bulkhead: {calls: 5}")])
    assert impact(free, ["b"], state=SLOW).states["a"] is SLOW
    assert impact(held, ["b"], state=SLOW).states["a"] is DEGRADED
    assert impact(held, ["b"]).states["a"] is DOWN


def test_slowness_is_held_where_the_calls_under_way_fit_the_callers_pool(build):
    def case(rate):
        facts = f"calls_per_hour: {rate}, timeout_s: 36"
        return build({"a": ";controls: {bulkhead: {calls: 10}}", "b": "", "c": upstream(1)}, [
            link("a", "b", facts=facts), link("a", "c", facts="strength: optional")])  # fmt: skip

    assert impact(case(900), ["b"], state=SLOW).states["a"] is DEGRADED  # L = 0.25/s * 36 s = 9
    assert impact(case(1100), ["b"], state=SLOW).states["a"] is SLOW  # L = 11


def test_a_cache_softens_an_outage_shorter_than_its_answers_keep(build):
    system = build({"a": "", "b": upstream(1)}, [link("a", "b", controls="cache: {ttl_s: 300}")])
    short = impact(system, ["b"], assumptions=Assumptions(outage_s=60))
    assert short.states["a"] is DEGRADED
    assert impact(system, ["b"]).states["a"] is DOWN


def test_a_person_who_uses_several_nodes_loses_only_a_part(build):
    uses = "id: u, interacts: {actor: p, nodes: [a, b]}"
    system = build({"p": "actor", "a": "", "b": ""}, [uses])
    assert impact(system, ["a"]).actors == {"p": DEGRADED}
    assert impact(system, ["a", "b"]).actors == {"p": DOWN}


def test_what_takes_over_more_than_it_bears_falls_in_the_next_round(build):
    def case(capacity):
        return build(
            {"a": "", "b": upstream(1), "c": upstream(2, f", facts: {{capacity: {capacity}}}")},
            [
                link("a", "b", facts="calls_per_hour: 36000", controls="fallback: {to: [c]}"),
                link("a", "c"),
            ],
        )

    fallen = impact(case(5), ["b"])
    assert fallen.overloads == ("c",)
    assert fallen.states["a"] is DOWN
    assert [hop.by for hop in fallen.way("a")] == ["call"]
    assert impact(case(20), ["b"]).states["a"] is DEGRADED
    assert impact(case(5), ["b"], load=False).states["a"] is DEGRADED


def test_replicas_that_are_lost_with_their_zone_leave_the_others_more_than_they_bear(build):
    def case(capacity):
        facts = f"failure_domains: ['zone:a', 'zone:b'], replicas: 2, capacity: {capacity}"
        return build(
            {"a": "", "b": f";facts: {{{facts}}}"}, [link("a", "b", facts="calls_per_hour: 36000")]
        )

    fallen = impact(case(6), ["zone:a"])
    assert fallen.overloads == ("b",)
    assert fallen.states["a"] is DOWN
    assert [hop.cause for hop in fallen.way("a")] == ["b", "zone:a"]
    assert set(impact(case(12), ["zone:a"]).states) == {"zone:a"}
    assert impact(case(4), ["zone:a"]).overloads == (), "it bore too much before, too"


def test_tries_multiply_along_a_chain_that_has_no_budget(build):
    system = build(
        {"a": "", "b": "", "c": "", "d": upstream(1)[:-1] + ", retries: {share: 0.5}}"},
        [
            link("a", "b", facts="retries: 2"),
            link("b", "c", facts="retries: 3, retry_budget: true"),
            link("c", "d"),
        ],
    )
    assert tries_along(system, ["a-b"]) == 3
    assert tries_along(system, ["a-b", "b-c", "c-d"]) == pytest.approx(4.5)


def test_an_unknown_part_is_refused_by_name(build):
    with pytest.raises(UnknownPartError, match="no node `zz`"):
        impact(build({"a": ""}, []), ["zz"])


def test_what_waits_for_itself_never_boots_though_it_runs(build):
    system = build(
        {"a": "", "b": ";facts: {cold_start_needs: [a]}", "c": "", "d": ""},
        [link("a", "b"), link("c", "d"), link("c", "a", facts="strength: optional")],
    )
    found = boot(system)
    assert found.stuck == ("a", "b")
    assert set(found.circles[0]) == {"a", "b"}
    assert found.waves == (("d",), ("c",))
    assert impact(system, ["d"]).states.keys() == {"c", "d"}


def test_cells_and_the_parts_that_join_them(build):
    system = build(
        {"a": "", "b": "", "x": "", "c": "", "d": "", "e": ""},
        [link("a", "b"), link("b", "x"), link("c", "x"), link("d", "c"),
         link("e", "x", facts="strength: optional")],
    )  # fmt: skip
    found = cells(system)
    assert {frozenset(cell) for cell in found.cells} == {frozenset("abxcd"), frozenset("e")}
    joint = next(each for each in found.joints if each.part == "x")
    assert {frozenset(side) for side in joint.sides} == {frozenset("ab"), frozenset("cd")}


def test_too_many_sets_of_faults_are_refused_before_any_is_tried(build):
    count = 300
    nodes = {"a": "", **{f"n{i}": "" for i in range(count)}}
    links = [
        link("a", f"n{i}", facts="strength: hard" if i else "strength: optional")
        for i in range(count)
    ]
    with pytest.raises(TooLargeError, match="too many to try"):
        # Losing two optional ones ends nothing, so that every set of four would have to be tried.
        cut_sets(
            build(nodes, [each.replace("hard", "optional") for each in links], [flow("f", "a-n0")]),
            "f", size=5,
        )  # fmt: skip


# -- the bit-parallel walk against a plain evaluator ----------------------------------------------


def drawn(seed, *, count=8):
    draw = random.Random(seed)
    nodes, links = {}, []
    for i in range(count):
        facts = []
        if draw.random() < 0.4:
            facts.append(
                f"failure_domains: ['zone:{draw.randrange(2)}', 'zone:{draw.randrange(2) + 1}']"
            )
        if draw.random() < 0.2:
            facts.append("fails: open")
        kind = "ai:guardrail" if draw.random() < 0.2 else "service"
        nodes[f"n{i}"] = f"{kind};facts: {{{', '.join(facts)}}}" + upstream(i + 1)[1:].join(
            (", ", "")
        )
    for _ in range(count * 2):
        a, b = draw.sample(range(count), 2)
        strength = draw.choice(["hard", "hard", "soft", "optional", "async"])
        text = link(f"n{a}", f"n{b}", facts=f"strength: {strength}")
        if not any(text.split(",")[0] == other.split(",")[0] for other in links):
            links.append(text)
    ids = [each.split(",")[0].removeprefix("id: ") for each in links]
    first = draw.choice(ids)
    onward = [each for each in ids if each.split("-")[0] == first.split("-")[1]]
    return nodes, links, [flow("f", first, *onward[:1])]


def plainly(equations, faults):
    """The greatest solution by going down from all up, one state at a time."""
    states = dict.fromkeys(range(len(equations.names)), UP)
    fallen = {equations.number[part] for fault in faults for part in equations.closed(fault)}
    while True:
        new = {}
        for part, needs in enumerate(equations.needs):
            state = DOWN if part in fallen else UP
            for need in needs:
                options = sorted(
                    min(states[o.part], DEGRADED) if o.standby else states[o.part]
                    for o in need.options
                )
                got = options[need.tolerated]
                if need.any_hurts and options[0] < UP:
                    got = min(got, DEGRADED)
                if need.bound is Bound.AT_WORST_DEGRADED and got < UP:
                    got = DEGRADED
                if need.bound is Bound.SLOW_STOPS and got is SLOW:
                    got = DEGRADED
                state = min(state, got)
            new[part] = min(states[part], state)
        if new == states:
            return {equations.names[part]: state for part, state in states.items()}
        states = new


@given(st.integers(0, 10_000), st.data())
@settings(max_examples=30, deadline=None)
def test_all_single_failures_together_are_each_as_the_plain_evaluator_says(build, seed, data):
    system = build(*drawn(seed))
    together = single_failures(system)
    equations = together.equations
    for fault in together.faults:
        wanted = plainly(equations, [fault])
        assert together.flow_state("f", fault) is wanted[flow_name("f")]
        worse = {n: s for n, s in wanted.items() if n in system.nodes and s < UP}
        assert together.worse(fault) == worse
        alone = impact(system, [fault], equations=equations)
        assert {n: s for n, s in alone.states.items() if n in system.nodes} == worse
        assert together.shares_worse[fault] == pytest.approx(len(worse) / len(system.nodes))
    fault = data.draw(st.sampled_from(together.faults))
    for part in impact(system, [fault], equations=equations).states:
        hops = impact(system, [fault], equations=equations).way(part)
        assert part == fault or hops[-1].cause in equations.closed(fault), (
            "every way ends at the fault"
        )


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_more_faults_never_make_anything_better(build, seed):
    system = build(*drawn(seed))
    one, two = random.Random(seed).sample(list(system.nodes), 2)
    fewer, more = impact(system, [one]).states, impact(system, [one, two]).states
    assert all(more[part] <= state for part, state in fewer.items())


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_cut_sets_are_all_the_minimal_ones(build, seed):
    from itertools import combinations

    system = build(*drawn(seed, count=6))
    equations = Equations(system, Assumptions())
    ends = [
        set(each)
        for size in (1, 2)
        for each in combinations(equations.faults, size)
        if plainly(equations, each)[flow_name("f")] is DOWN
    ]
    minimal = {frozenset(e) for e in ends if not any(other < e for other in ends)}
    found = cut_sets(system, "f", size=2)
    assert {frozenset(each) for each in found.sets} == minimal


@given(st.lists(st.integers(0, 255), max_size=9), st.integers(0, 10))
def test_at_least_and_counted_agree_with_counting(sets, count):
    for bit in range(8):
        number = sum(each >> bit & 1 for each in sets)
        assert count_at(counted(sets), bit) == number
        if count:
            assert bool(at_least(count, sets) >> bit & 1) is (number >= count)


def test_equations_of_an_empty_system_have_nothing():
    system = System(
        load(
            "holdfast: 1\nname: t\nnodes:\n  a: {type: service, description: d}\n",
            source="t",
            read=str,
        )
    )
    assert single_failures(system).shares_down == {"a": 1.0}
