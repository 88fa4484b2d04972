"""Proofs hold for all cases; refutations are replayed; everything else is not proven."""

import random

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint.blast import Assumptions, Equations, State, Threats, cut_sets, impact
from holdfast.blueprint.kubernetes import EVERY_PORT, NO_PORT, Layer, Rule, RuleBook, ports_of
from holdfast.blueprint.proofs import (
    Enforced,
    Outcome,
    declared_within_enforced,
    enforced_within_declared,
    guarded,
    summed,
    survives,
)
from holdfast.blueprint.proofs import network as network_module
from holdfast.blueprint.proofs import survival as survival_module
from holdfast.blueprint.proofs.network import Destination


def link(source, destination, facts=""):
    return f"id: {source}-{destination}, connects: [{source}, {destination}], facts: {{{facts}}}"


def flow(name, *steps):
    listed = ", ".join(f"{{over: {step}, description: d}}" for step in steps)
    return f"id: {name}, name: n, description: d, steps: [{listed}]"


# -- survival --------------------------------------------------------------------------------------


def redundant(build):
    """A person's flow over three members of which one is needed, on two machines."""
    nodes = {"p": "actor", "m": "", "x": "network", "y": "network"}
    nodes |= {
        f"m{n}": f';controls: {{upstream: {{url: "http://127.0.0.1:{n}/v1"}}}}' for n in (1, 2, 3)
    }
    links = [
        "id: u, interacts: {actor: p, nodes: [m]}",
        "id: g, composed-of: {container: m, nodes: [m1, m2, m3]}",
        "id: dx, deployed-in: {container: x, nodes: [m1, m2]}",
        "id: dy, deployed-in: {container: y, nodes: [m3]}",
    ]
    return build(nodes, links, [flow("f", "u")])


def test_a_smallest_set_of_faults_refutes_survival_and_is_told_with_its_way(build):
    system = redundant(build)
    assert survives(system, "f", faults=1).outcome is Outcome.PROVED
    proof = survives(system, "f", faults=2)
    assert proof.outcome is Outcome.REFUTED
    assert "x" in proof.nodes, "the machine with two of the three"
    assert set(proof.nodes) - {"x"} < {"y", "m3"}
    assert proof.example[-1].startswith("f is down")


@given(st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_z3_and_the_trial_of_every_set_agree(build, seed):
    draw = random.Random(seed)
    nodes = {f"n{i}": "" for i in range(6)} | {
        "m": "",
        **{f"m{n}": f';controls: {{upstream: {{url: "http://127.0.0.1:{n}/v1"}}}}' for n in (1, 2)},
    }
    links = {"n0-m": link("n0", "m")}
    for _ in range(8):
        a, b = draw.sample(range(6), 2)
        links[f"n{a}-n{b}"] = link(f"n{a}", f"n{b}", f"strength: {draw.choice(['hard', 'soft'])}")
    links["g"] = "id: g, composed-of: {container: m, nodes: [m1, m2]}"
    system = build(nodes, list(links.values()), [flow("f", "n0-m")])
    for k in (1, 2):
        least = [cut for cut in cut_sets(system, "f", size=k).sets if len(cut) <= k]
        proof = survives(system, "f", faults=k)
        wanted = Outcome.REFUTED if least else Outcome.PROVED
        assert proof.outcome is wanted
        if least:
            assert set(proof.nodes) in [set(each) for each in least]


def test_what_only_holds_itself_up_is_no_counter_example(build):
    """In a circle every part could be down because the next is: no fault has to be."""
    nodes = {"p": "actor", "a": "", "b": "", "m": "", "s": ""}
    nodes |= {
        f"m{n}": f';controls: {{upstream: {{url: "http://127.0.0.1:{n}/v1"}}}}' for n in (1, 2)
    }
    links = ["id: u, interacts: {actor: p, nodes: [m]}",
             "id: g, composed-of: {container: m, nodes: [m1, m2]}",
             link("m1", "a"), link("a", "b"), link("b", "a"), link("m2", "b")]  # fmt: skip
    system = build(nodes, links, [flow("f", "u")])
    question = survival_module.Survival(Equations(system, Assumptions()), "f")
    failed = {name: z3.Bool(f"fails {name}") for name in question.faults}
    solver = z3.Solver()
    solver.add(question.formula(z3, failed), z3.AtMost(*failed.values(), 0))
    assert solver.check() == z3.sat, "the circle alone satisfies the rules with no fault at all"
    assert question.ended_by(0, timeout_s=5) == ()
    proof = survives(system, "f", faults=1)
    assert proof.outcome is Outcome.REFUTED
    assert impact(system, proof.nodes).flows["f"] is State.DOWN


def test_too_large_and_no_answer_are_not_proven_and_say_so(build, monkeypatch):
    system = redundant(build)
    monkeypatch.setattr(survival_module, "PARTS_MAX", 2)
    proof = survives(system, "f", faults=1)
    assert proof.outcome is Outcome.NOT_PROVEN
    assert "limit 2" in proof.what
    monkeypatch.setattr(network_module, "WORKLOADS_MAX", 1)
    found = enforced_within_declared(
        Enforced(book=RuleBook(workloads=("a", "b"), rules=()), declared={})
    )
    assert found.outcome is Outcome.NOT_PROVEN
    assert summed([proof, found]) is Outcome.NOT_PROVEN


# -- guards ----------------------------------------------------------------------------------------

NODES = {
    "web": ";facts: {untrusted_content: true}",
    "guard": "ai:guardrail;facts: {checks: [input]}",
    "agent": "ai:agent;facts: {egress: none}",
    "shell": "ai:tool;facts: {executes: shell}",
}
PAST_THE_GUARD = [link("agent", "guard"), link("guard", "web"), link("agent", "shell")]


def test_a_guard_on_every_way_proves_it_and_one_way_past_it_refutes_it(build):
    proved = guarded(build(NODES, PAST_THE_GUARD))
    assert [proof.outcome for proof in proved] == [Outcome.PROVED]
    refuted = guarded(build(NODES, [*PAST_THE_GUARD, link("agent", "web")]))
    assert summed(refuted) is Outcome.REFUTED
    assert "agent" in refuted[0].nodes
    assert refuted[0].example[0] == "agent reads what web gives"
    assert refuted[0].how == "graph search"


def test_without_a_node_that_gives_foreign_content_nothing_is_proven(build):
    nodes = NODES | {"web": ""}
    assert summed(guarded(build(nodes, PAST_THE_GUARD))) is Outcome.NOT_PROVEN


def test_a_person_who_approves_is_a_guard(build):
    nodes = NODES | {"person": "ai:human-in-the-loop"}
    links = [link("agent", "web"), link("agent", "person"), link("person", "shell")]
    assert summed(guarded(build(nodes, links))) is Outcome.PROVED


def test_a_way_with_a_step_changed_is_not_confirmed(build):
    system = build(NODES, [*PAST_THE_GUARD, link("agent", "web")])
    threats = Threats(system)
    from holdfast.blueprint.blast import compromise
    from holdfast.blueprint.proofs import replayed

    way = compromise(threats, ["web"], content=True).way(("controls", "shell"))
    assert replayed(threats, ("web",), way, fact=("controls", "shell"))
    assert not replayed(threats, ("web",), way[1:], fact=("controls", "shell"))
    assert not replayed(threats, (), way, fact=("controls", "shell"))


# -- the network -----------------------------------------------------------------------------------

PORTS = (
    NO_PORT,
    ports_of("TCP", 80),
    ports_of("TCP", 80, high=90) | ports_of("UDP", 53),
    EVERY_PORT,
)


def drawn_book(seed, *, count=4):
    draw = random.Random(seed)
    everyone = range(count)

    def some():
        return frozenset(draw.sample(everyone, draw.randrange(count + 1)))

    rules = tuple(
        Rule(
            origin=f"r{number}",
            direction=draw.choice(("ingress", "egress")),
            action="allow" if layer is Layer.NAMESPACE else draw.choice(("allow", "deny", "pass")
                                                                       if layer is Layer.ADMIN
                                                                       else ("allow", "deny")),
            layer=layer,
            subjects=some(),
            peers=some(),
            ports=draw.choice(PORTS[1:]),
        )
        for number in range(draw.randrange(8))
        for layer in [draw.choice(list(Layer))]
    )  # fmt: skip
    isolated = {"ingress": some(), "egress": some()}
    return RuleBook(workloads=tuple("abcd"[:count]), rules=rules, isolated=isolated)


def drawn_pairs(seed, *, count=4):
    draw = random.Random(f"pairs {seed}")
    return {(a, b): draw.choice(PORTS) for a in range(count) for b in range(count) if a != b}


@given(st.integers(0, 100_000))
@settings(max_examples=10, deadline=None)
def test_the_encoder_says_of_every_connection_what_the_evaluator_says(seed):
    """Every source and destination, and every port at which any rule changes its mind."""
    book, pairs = drawn_book(seed), drawn_pairs(seed)
    edges = [
        ("TCP", 79),
        ("TCP", 80),
        ("TCP", 81),
        ("TCP", 90),
        ("TCP", 91),
        ("UDP", 53),
        ("SCTP", 1),
    ]
    names = ("TCP", "UDP", "SCTP")
    for destination in range(len(book.workloads)):
        question = Destination(book, pairs, destination)
        case, protocol, port = question.variables(z3)
        formulas = (question.permitted(z3), question.is_declared(z3))
        for number, sources in enumerate(question.cases):
            for name, at in edges:
                given_ = [(case, z3.BitVecVal(number, 16)), (port, z3.BitVecVal(at, 16)),
                          (protocol, z3.BitVecVal(names.index(name), 2))]  # fmt: skip
                said = [z3.is_true(z3.simplify(z3.substitute(f, *given_))) for f in formulas]
                for source in sources:
                    passes = book.permits(source, destination, protocol=name, port=at)
                    declared = pairs[source, destination].contains(name, at)
                    assert said == [passes, declared]


@given(st.integers(0, 100_000))
@settings(max_examples=15, deadline=None)
def test_both_inclusions_agree_with_trying_every_edge(seed):
    book, pairs = drawn_book(seed), drawn_pairs(seed)
    edges = [("TCP", 80), ("TCP", 81), ("TCP", 91), ("UDP", 53), ("UDP", 54), ("SCTP", 1)]
    tried = [
        (book.permits(a, b, protocol=name, port=at), pairs[a, b].contains(name, at))
        for a, b in pairs
        for name, at in edges
    ]
    enforced = Enforced(book=book, declared=pairs)
    excess = enforced_within_declared(enforced)
    lack = declared_within_enforced(enforced)
    assert (excess.outcome is Outcome.REFUTED) is any(p and not d for p, d in tried)
    assert (lack.outcome is Outcome.REFUTED) is any(d and not p for p, d in tried)
    assert bool(excess.example) is (excess.outcome is Outcome.REFUTED)


def test_what_strangers_do_among_themselves_is_left_out():
    book = RuleBook(workloads=("a", "b"), rules=())
    everybody = Enforced(book=book, declared={})
    assert enforced_within_declared(everybody).outcome is Outcome.REFUTED
    strangers = Enforced(book=book, declared={}, strangers=frozenset({0, 1}))
    assert enforced_within_declared(strangers).outcome is Outcome.PROVED


def test_a_counter_example_that_the_evaluator_does_not_confirm_is_not_told(monkeypatch):
    monkeypatch.setattr(RuleBook, "permits", lambda *_args, **_more: False)
    proof = enforced_within_declared(
        Enforced(book=RuleBook(workloads=("a", "b"), rules=()), declared={})
    )
    assert proof.outcome is Outcome.NOT_PROVEN
    assert "does not confirm" in proof.what


@pytest.mark.parametrize("k", [1, 2])
def test_a_flow_that_rests_on_nothing_that_can_fail_alone_survives(build, k):
    nodes = {"p": "actor", "a": "", "b": ""}
    system = build(nodes, ["id: u, interacts: {actor: p, nodes: [a, b]}"], [flow("f", "u")])
    proof = survives(system, "f", faults=k)
    assert proof.outcome is (Outcome.PROVED if k == 1 else Outcome.REFUTED)
