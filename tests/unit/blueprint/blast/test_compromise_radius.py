"""What is reached when something is taken over, and the smallest containment."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint.blast import (
    ContainmentError,
    Question,
    Threats,
    UnknownPartError,
    compromise,
    contain,
    single_takeovers,
)
from holdfast.blueprint.blast.containment import cost_of
from holdfast.blueprint.blast.flow import Network
from holdfast.blueprint.blast.horn import Program, Rule


def link(source, destination, facts=""):
    return f"id: {source}-{destination}, connects: [{source}, {destination}], facts: {{{facts}}}"


NODES = {
    "web": ";facts: {untrusted_content: true, egress: none}",
    "agent": "ai:agent;facts: {egress: none, credentials: [key]}",
    "helper": "ai:agent;facts: {egress: none}",
    "shell": "ai:tool;facts: {executes: shell, egress: none}",
    "db": "database;facts: {egress: none, data: [{name: d, class: secret}]}",
    "mail": "ai:tool;facts: {sends_outside: true, effect: irreversible, egress: none}",
    "twin": ";facts: {credentials: [key], egress: none}",
}
LINKS = [
    link("agent", "web", "effect: read"),
    link("agent", "helper", "purpose: delegate, effect: none"),
    link("helper", "shell"),
    link("agent", "db", "effect: read"),
    link("agent", "mail"),
    link("twin", "db", "effect: write"),
]


def test_taking_over_a_node_reads_and_steers_what_it_may_and_says_how(build):
    taken = compromise(Threats(build(NODES, LINKS)), ["helper"])
    assert taken.controlled == ("helper", "shell")
    assert [rule.why for rule in taken.way(("controls", "shell"))][-1].endswith("control of shell")
    assert taken.steered == ("agent", "helper"), "who reads its answers obeys them"
    links = [each for each in LINKS if "agent-helper" not in each]
    alone = compromise(Threats(build(NODES, links)), ["helper"])
    assert alone.reached == ("helper", "shell")


def test_words_of_strangers_make_an_agent_do_harm(build):
    taken = compromise(Threats(build(NODES, LINKS)), ["web"], content=True)
    assert taken.steered == ("agent", "helper")
    assert taken.exposed == {"web": None, "shell": None, "db": "secret", "mail": None}
    assert "db" in taken.leaked, "it reads the data and may send mail"
    assert taken.irreversible == ("shell", "mail")
    assert "shell" in taken.controlled


@pytest.mark.parametrize(
    ("change", "harmless"),
    [
        ({"agent-web": ""}, ("agent-web",)),
        ({"agent-helper": "purpose: delegate, effect: none, revalidates: true"}, ("shell",)),
    ],
)
def test_what_is_cut_or_judged_anew_ends_the_way(build, change, harmless):
    links = [
        link(*each.split(",")[0].removeprefix("id: ").split("-"), change[name])
        if (name := each.split(",")[0].removeprefix("id: ")) in change
        else each
        for each in LINKS
    ]
    if harmless == ("agent-web",):
        links = [each for each in links if "agent-web" not in each]
        assert compromise(Threats(build(NODES, links)), ["web"], content=True).reached == ("web",)
    else:
        taken = compromise(Threats(build(NODES, links)), ["web"], content=True)
        assert "shell" not in taken.reached


def test_a_sandbox_keeps_what_runs_in_it(build):
    nodes = NODES | {"shell": "ai:tool;facts: {executes: shell, sandboxed: true}"}
    taken = compromise(Threats(build(nodes, LINKS)), ["web"], content=True)
    assert "shell" not in taken.controlled
    assert "shell" in taken.irreversible


@pytest.mark.parametrize(
    ("facts", "hold", "passes"),
    [
        ("checks: [input]", True, False),
        ("", True, False),
        ("checks: [input]", False, True),
        ("checks: [tool-call]", True, True),
        ("checks: [input], fails: open", True, False),
    ],
)
def test_a_guard_holds_content_back_as_far_as_it_checks_it(build, facts, hold, passes):
    nodes = NODES | {"guard": f"ai:guardrail;facts: {{{facts}}}"}
    links = [
        link("agent", "guard", "effect: read"),
        link("guard", "web", "effect: read"),
        *LINKS[1:],
    ]
    taken = compromise(Threats(build(nodes, links), guards_hold=hold), ["web"], content=True)
    assert ("agent" in taken.steered) is passes


def test_a_guard_that_fails_open_and_can_be_stopped_holds_nothing_back(build):
    nodes = NODES | {"guard": "ai:guardrail;facts: {fails: open}", "ops": ""}
    links = [link("agent", "guard", "effect: read"), link("guard", "web", "effect: read"),
             link("ops", "guard", "purpose: stop"), *LINKS[1:]]  # fmt: skip
    threats = Threats(build(nodes, links))
    assert "agent" in compromise(threats, ["web", "ops"]).steered


@pytest.mark.parametrize(
    ("facts", "opens"), [("zone: vault", False), ("zone: vault, exposed: true", True), ("", True)]
)
def test_a_stolen_credential_opens_what_its_holders_may_do_from_where_it_is_reached(
    build, facts, opens
):
    nodes = {"a": ";facts: {credentials: [key]}", "b": ";facts: {credentials: [key], zone: lab}",
             "d": f"database;facts: {{{facts}}}"}  # fmt: skip
    threats = Threats(build(nodes, [link("b", "d", "effect: write")]))
    assert ("d" in compromise(threats, ["credential:key"]).writable) is opens
    assert ("d" in compromise(threats, ["a"]).writable) is opens, "it holds the same credential"
    assert "d" in compromise(threats, ["b"]).writable


def test_the_enforced_reading_has_what_is_permitted_and_not_declared_and_lacks_what_is_cut(build):
    system = build({"a": "", "b": "", "c": ""}, [link("a", "b")])
    assert compromise(Threats(system), ["a"]).reached == ("a", "b")
    assert compromise(Threats(system, frozenset({("a", "c")})), ["a"]).reached == ("a", "c")


def test_who_controls_a_host_controls_what_runs_there(build):
    system = build(
        {"host": "network", "a": "", "b": ""},
        ["id: d, deployed-in: {container: host, nodes: [a]}", link("a", "b")],
    )
    assert compromise(Threats(system), ["host"]).controlled == ("host", "a")
    assert "b" in compromise(Threats(system), ["host"]).reached


def test_the_flows_that_the_attacker_can_end_are_told(build):
    flow = "id: f, name: n, description: d, steps: [{over: a-b, description: d}]"
    links = [link("a", "b"), link("c", "b", "purpose: stop"), link("d", "b", "effect: read")]
    system = build({"a": "", "b": "", "c": "", "d": ""}, links, [flow])
    assert compromise(Threats(system), ["b"]).stopped == ("f",)
    assert compromise(Threats(system), ["c"]).stopped == ("f",)
    assert compromise(Threats(system), ["d"]).stopped == ()


def test_all_takeovers_together_are_each_as_asked_alone(build):
    threats = Threats(build(NODES, LINKS))
    shares = single_takeovers(threats)
    for name in NODES:
        reached = len(compromise(threats, [name]).reached)
        assert shares[name] == pytest.approx(reached / len(NODES))


def test_an_unknown_entry_is_refused_by_name(build):
    with pytest.raises(UnknownPartError, match="no node `credential:kei`"):
        compromise(Threats(build(NODES, LINKS)), ["credential:kei"])


# -- containment -----------------------------------------------------------------------------------

HARM = ("controls", "leaks", "irreversible")


def test_containment_is_the_cheapest_that_ends_all_harm(build):
    threats = Threats(build(NODES, LINKS))
    question = Question(threats=threats, entries=("web",), content=True, verbs=HARM)
    plan = contain(question)
    assert [step.action for step in plan.steps] == ["deny agent-web"]
    after = compromise(threats, ["web"], content=True, without=frozenset({"deny agent-web"}))
    assert not any(fact[0] in HARM and fact[1] != "web" for fact in after.proofs)


def test_containment_keeps_the_named_flows_up_and_says_what_each_step_buys(build):
    flow = "id: f, name: n, description: d, steps: [{over: agent-web, description: d}]"
    threats = Threats(build(NODES, LINKS, [flow]))
    plan = contain(
        Question(threats=threats, entries=("web",), content=True, verbs=HARM, keep=("f",))
    )
    actions = [step.action for step in plan.steps]
    assert "deny agent-web" not in actions
    assert not any("quarantine agent" in each or "quarantine web" in each for each in actions)
    assert {fact for step in plan.steps for fact in step.ends} == set(plan.harm)
    allowed = [a for r in threats.program.rules for a in r.actions]
    assert plan.cost == _cheapest(threats, sorted(set(allowed)), plan.harm, kept=("web", "agent"))


def _cheapest(threats, actions, harm, *, kept):
    actions = [a for a in actions if a != "deny agent-web" and a not in {f"quarantine {n}" for n in kept}
               and not a.startswith("revoke")]  # fmt: skip
    given = [("taints", "web")]
    for size in range(5):
        costs = [
            sum(map(cost_of, chosen))
            for chosen in combinations(actions, size)
            if not set(harm) & threats.program.proofs(given, without=frozenset(chosen)).keys()
        ]
        if costs:
            return min(costs)
    return None


def test_harm_within_what_is_kept_cannot_be_contained(build):
    flow = "id: f, name: n, description: d, steps: [{over: a-b, description: d}]"
    system = build({"a": "", "b": ""}, [link("a", "b", "effect: write")], [flow])
    question = Question(threats=Threats(system), entries=("a",), verbs=("reads",), keep=("f",))
    with pytest.raises(ContainmentError, match="no allowed action"):
        contain(question)


def test_a_minimum_cut_and_the_solver_agree(build):
    """A chain has a polynomial answer; with one more fact in a body only the solver has one."""
    system = build({"a": "", "b": "", "c": ""},
                   [link("a", "b", "effect: exec"), link("b", "c", "effect: exec")])  # fmt: skip
    plan = contain(Question(threats=Threats(system), entries=("a",), verbs=("controls",)))
    assert plan.cost == 1
    assert plan.steps[0].action in ("approve a-b", "approve b-c")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 4)), max_size=12))
@settings(max_examples=40, deadline=None)
def test_a_minimum_cut_is_the_cheapest_that_parts_source_and_sink(arcs):
    known = {}
    for one, other, limit in arcs:
        if one != other:
            known.setdefault((one, other), limit)
    network = Network()
    for (one, other), limit in known.items():
        network.join(one, other, limit=limit)
    cut = network.smallest_cut(0, 5)
    best = min(
        sum(known[arc] for arc in chosen)
        for size in range(len(known) + 1)
        for chosen in combinations(known, size)
        if not _joined(known.keys() - set(chosen))
    )
    assert sum(known[arc] for arc in cut) == best
    assert not _joined(known.keys() - set(cut))


def _joined(arcs):
    found, waiting = {0}, [0]
    while waiting:
        here = waiting.pop()
        for one, other in arcs:
            if one == here and other not in found:
                found.add(other)
                waiting.append(other)
    return 5 in found


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.lists(st.integers(0, 6), min_size=1, max_size=2)),
        max_size=14,
    )
)
@settings(max_examples=60, deadline=None)
def test_all_questions_together_follow_as_each_alone(rules):
    program = Program(
        tuple(
            Rule((str(h), ""), tuple((str(b), "") for b in body), "", (), ()) for h, body in rules
        )
    )
    given_ = [[(str(n), "")] for n in range(7)]
    together = program.together(given_)
    for bit, facts in enumerate(given_):
        alone = program.proofs(facts).keys()
        assert {f for f, bits in together.items() if bits >> bit & 1} == alone & together.keys()
        assert alone <= together.keys() | set(facts)
