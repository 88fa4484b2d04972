"""What happens when a part takes calls and never answers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint.blast import Assumptions, Equations, State, impact
from holdfast.blueprint.graph import System

DOWN, SLOW, DEGRADED, UP = State.DOWN, State.SLOW, State.DEGRADED, State.UP


def link(source, destination, *, facts="", controls=""):
    return (
        f"id: {source}-{destination}, connects: [{source}, {destination}], "
        f"facts: {{{facts}}}, controls: {{{controls}}}"
    )


def upstream(port, controls="", kind=""):
    return f'{kind};controls: {{upstream: {{url: "http://127.0.0.1:{port}/v1"}}, {controls}}}'


TIMES = "timeouts: {first_byte_s: 10, total_s: 30}"


def state(system, name, fault, **more):
    return impact(system, [fault], how="hangs", **more).states.get(name, UP)


@pytest.mark.parametrize(
    ("facts", "stops", "hangs"),
    [
        ("", DOWN, DOWN),
        ("strength: soft", DEGRADED, SLOW),
        ("strength: optional", DEGRADED, SLOW),
        ("strength: async", DEGRADED, DEGRADED),
        ("strength: async, buffer_hours: 2", UP, UP),
        ("purpose: stop", UP, UP),
    ],
)
def test_who_waits_for_what_hangs_is_late_and_who_does_not_wait_is_not(build, facts, stops, hangs):
    system = build({"a": "", "b": upstream(1, TIMES)}, [link("a", "b", facts=facts)])
    assert impact(system, ["b"]).states.get("a", UP) is stops
    assert state(system, "a", "b") is hangs


def test_a_short_wait_is_not_slow(build):
    system = build(
        {"a": "", "b": upstream(1, "timeouts: {first_byte_s: 1}")},
        [link("a", "b", facts="strength: soft")],
    )
    assert state(system, "a", "b") is DEGRADED
    assert state(system, "a", "b", assumptions=Assumptions(slow_s=1)) is SLOW


def test_whose_callers_have_less_patience_than_itself_is_down_to_them(build):
    def case(timeout):
        return build(
            {"a": "", "b": "", "c": ""},
            [link("a", "b", facts=f"timeout_s: {timeout}"),
             link("b", "c", facts="strength: soft, timeout_s: 10")],
        )  # fmt: skip

    assert state(case(20), "b", "c") is SLOW
    assert state(case(20), "a", "c") is SLOW
    assert state(case(10), "b", "c") is DOWN
    assert state(case(10), "a", "c") is DOWN


def test_without_a_timeout_one_waits_for_ever_and_it_is_said(build):
    system = build({"a": "", "b": ""}, [link("a", "b", facts="strength: soft")])
    fallen = impact(system, ["b"], how="hangs")
    assert fallen.states["a"] is DOWN
    assert any("1 of 1 calls" in text and "for ever" in text for text in fallen.assumed)
    assert fallen.how == "hangs"


def test_a_health_check_or_many_calls_make_of_what_hangs_what_is_gone(build):
    def case(controls="", rate=0):
        facts = f"strength: soft, calls_per_hour: {rate}"
        return build({"a": "", "b": upstream(1, controls)}, [link("a", "b", facts=facts)])

    assert state(case(), "a", "b") is SLOW
    assert state(case("health: {path: /health}"), "a", "b") is DEGRADED
    brief = Assumptions(outage_s=10)
    assert state(case("health: {path: /health}"), "a", "b", assumptions=brief) is SLOW
    assert state(case(rate=180), "a", "b") is SLOW, "a probe waits 60 s: one call in six"
    assert state(case(rate=720), "a", "b") is DEGRADED, "one in nineteen"


def test_a_question_that_comes_to_what_hangs_by_several_ways_is_late_more_often(build):
    rate = "calls_per_hour: 720"
    links = [link("u", "a", facts=rate), link("a", "b", facts=f"strength: soft, {rate}")]
    by_one = build({"u": "", "a": upstream(1), "b": upstream(2)}, links)
    assert state(by_one, "a", "b") is DEGRADED
    nodes = {"u": "", "a": upstream(1), "b": upstream(2)}
    for name in ("c", "d", "e", "f"):
        nodes[name] = upstream(ord(name))
        soft = "strength: soft"
        links += [link("a", name, facts=soft), link(name, "b", facts=soft)]
    assert state(build(nodes, links), "a", "b") is SLOW


def test_how_many_calls_a_cache_answers_is_not_known_so_they_count_for_nothing(build):
    facts = "strength: soft, calls_per_hour: 72000"
    links = [link("a", "b", facts=facts, controls="cache: {ttl_s: 10}")]
    assert state(build({"a": "", "b": upstream(1)}, links), "a", "b") is SLOW


def test_one_member_that_hangs_is_not_missed_while_another_answers(build):
    def case(controls=""):
        nodes = {"a": "", "m": ""} | {f"m{n}": upstream(n, controls) for n in (1, 2)}
        return build(nodes, ["id: g, composed-of: {container: m, nodes: [m1, m2]}", link("a", "m")])

    assert "a" not in impact(case(), ["m1"]).states
    assert state(case(), "a", "m1") is UP, "one call in fifty tries it"
    assert state(case(), "m", "m1") is UP
    assert state(case(), "m1", "m1") is DOWN
    both = impact(case(), ["m1", "m2"], how="hangs")
    assert both.states["a"] is DOWN


@pytest.mark.parametrize("weight", ["priority: 0", "priority: 1"])
def test_neither_zone_nor_priority_ties_a_caller_to_a_member_that_hangs(build, weight):
    nodes = {"a": "", "m": "", "z": "network", "y": "network", "m1": upstream(1)}
    second = f'upstream: {{url: "http://127.0.0.1:2/v1", {weight}}}'
    nodes["m2"] = f";controls: {{{second}}}"
    links = ["id: g, composed-of: {container: m, nodes: [m1, m2]}", link("a", "m"),
             "id: z1, deployed-in: {container: z, nodes: [a, m1]}",
             "id: y1, deployed-in: {container: y, nodes: [m2]}"]  # fmt: skip
    system = build(nodes, links)
    assert state(system, "a", "m1") is UP
    assert impact(system, ["m1", "m2"], how="hangs").states["a"] is DOWN


def test_what_runs_in_what_hangs_hangs(build):
    system = build(
        {"a": "", "b": upstream(1), "z": "network"},
        [link("a", "b", facts="strength: soft"), "id: d, deployed-in: {container: z, nodes: [b]}"],
    )
    assert state(system, "b", "z") is DOWN
    fallen = impact(system, ["z"], how="hangs")
    assert fallen.states["a"] is SLOW
    assert [hop.cause for hop in fallen.way("a")] == ["b", "z"]


def test_a_fallback_serves_most_calls_but_those_that_try_the_first_are_late(build):
    system = build(
        {"a": "", "b": upstream(1), "c": upstream(2)},
        [link("a", "b", controls="fallback: {to: [c]}"), link("a", "c")],
    )
    assert impact(system, ["b"]).states["a"] is DEGRADED
    assert state(system, "a", "b") is SLOW
    assert impact(system, ["b", "c"], how="hangs").states["a"] is DOWN


def test_calls_that_hang_take_the_room_of_the_callers_other_calls(build):
    def case(calls):
        nodes = {"a": f";controls: {{bulkhead: {{calls: {calls}}}}}", "d": upstream(1)}
        links = [link("a", "d")]
        for name in ("b", "c"):
            nodes[name] = upstream(ord(name), "timeouts: {first_byte_s: 36}")
            links.append(link("a", name, facts="strength: async, calls_per_hour: 360"))
        return impact(build(nodes, links), ["b", "c"], how="hangs").states["a"]

    assert case(2) is DEGRADED, "of each there is a probe under way"
    assert case(1) is DOWN


def test_waits_in_a_circle_of_calls_end_with_somebodys_patience(build):
    def case(timeout):
        return build(
            {"a": "", "b": "", "c": ""},
            [link("a", "b", facts=f"strength: soft, timeout_s: {timeout}"),
             link("b", "a", facts="strength: soft"),
             link("b", "c", facts="strength: soft, timeout_s: 1")],
        )  # fmt: skip

    assert state(case(10), "a", "c") is SLOW
    assert state(case(1000), "a", "c") is DOWN, "it is given up before that"


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 7))
def test_hanging_is_never_better_than_stopping_and_two_faults_never_better_than_one(
    build, draw, count
):
    names = [f"n{number}" for number in range(count)]
    nodes = {n: draw.choice(["", upstream(i + 1, TIMES)]) for i, n in enumerate(names)}
    strengths = ["", "strength: soft", "strength: optional", "strength: async", "timeout_s: 5"]
    links = [
        link(one, other, facts=draw.choice(strengths))
        for one in names for other in names
        if one != other and draw.random() < 0.3
    ]  # fmt: skip
    system: System = build(nodes, links)
    equations = Equations(system, Assumptions())
    one, other = draw.choice(names), draw.choice(names)
    stops = impact(system, [one], equations=equations).states
    hangs = impact(system, [one], equations=equations, how="hangs").states
    both = impact(system, [one, other], equations=equations, how="hangs").states
    for name in names:
        assert hangs.get(name, UP) <= stops.get(name, UP)
        assert both.get(name, UP) <= hangs.get(name, UP)
