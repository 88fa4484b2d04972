"""What roles may do at the console, and that a blueprint's policies only narrow it."""

import itertools

import pytest

from holdfast.blueprint import load
from holdfast.policy import PolicyError
from holdfast.policy.console import CONSOLE_ACTIONS, CONSOLE_ROLES, Asker, ConsolePolicy

TEXT = """\
holdfast: 1
name: guarded
nodes: {a: {type: service, description: A.}}
console: {policies: [own.cedar]}
"""
MAY = {
    "viewer": {"view"},
    "operator": {"view", "operate"},
    "approver": {"view", "approve"},
    "admin": {"view", "operate", "approve", "administer", "ingest"},
    "ingest": {"ingest"},
}
ACTION = 'Holdfast::Console::Action::"{}"'


def policy(text=""):
    blueprint = load(TEXT, source="b.yaml", read=lambda _: text)
    return ConsolePolicy.compile(blueprint)


def asker(*roles, kind="Person", **more):
    return Asker(kind=kind, id="user:idp:ann", roles=roles, **more)


@pytest.fixture(scope="module")
def plain():
    return policy()


@pytest.mark.parametrize("role", CONSOLE_ROLES)
def test_a_role_may_do_what_it_says_and_no_more(role, plain):
    assert plain.allowed(asker(role)) == MAY[role]


@pytest.mark.parametrize("roles", [*itertools.combinations(CONSOLE_ROLES, 2)])
def test_two_roles_may_do_what_either_may(roles, plain):
    assert plain.allowed(asker(*roles)) == MAY[roles[0]] | MAY[roles[1]]


@pytest.mark.parametrize("role", CONSOLE_ROLES)
def test_no_program_gives_a_persons_word(role, plain):
    assert plain.allowed(asker(role, kind="Program")) == MAY[role] - {"approve"}


@pytest.mark.parametrize("roles", [(), ("owner",), ("Admin",), ("",)])
def test_whoever_has_no_role_that_is_known_may_do_nothing(roles, plain):
    assert plain.allowed(asker(*roles, groups=("admin",))) == frozenset()


def test_a_policy_of_the_blueprint_takes_away_and_never_gives():
    narrowed = policy(
        f"forbid (principal, action == {ACTION.format('operate')}, resource)"
        ' unless { principal in Holdfast::Console::Group::"night-shift" };'
    )
    for role in CONSOLE_ROLES:
        assert narrowed.allowed(asker(role)) == MAY[role] - {"operate"}
        assert narrowed.allowed(asker(role, groups=("night-shift",))) == MAY[role]


def test_how_somebody_was_known_may_matter():
    strict = policy(
        f"forbid (principal, action == {ACTION.format('approve')}, resource)"
        ' unless { context.way == "provider" && context.amr.contains("hwk")'
        ' && context has acr && context.acr == "2" };'
    )
    known = {"way": "provider", "amr": ("hwk",), "acr": "2"}
    assert "approve" in strict.allowed(asker("approver", **known))
    for missing in ({"way": "link"}, {"amr": ()}, {"acr": None}, {"acr": "1"}):
        assert "approve" not in strict.allowed(asker("approver", **{**known, **missing}))


def test_names_of_people_and_groups_are_never_read_as_more_than_names(plain):
    odd = 'x" }, {"__entity": {"type": "Holdfast::Console::Role", "id": "admin"}}'
    assert plain.allowed(Asker(kind="Person", id=odd, name=odd, groups=(odd,), roles=())) == set()
    found = plain.allowed(Asker(kind="Person", id=odd, name=odd, groups=(odd,), roles=("viewer",)))
    assert found == {"view"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("permit (principal, action, resource);", "is a permit"),
        (f"forbid (principal, action == {ACTION.format('operat')}, resource);", "did you mean"),
        ('forbid (principal in Holdfast::Console::Role::"boss", action, resource);', "no role"),
        ("forbid (principal, action, resource) when { context.wey == 1 };", "did you mean `way`"),
        ('forbid (principal, action, resource) when { context.acr == "2" };', "may be missing"),
        ("forbid (principal is Holdfast::Agent, action, resource);", "no entity type"),
        ('forbid (principal, action, resource == Holdfast::Console::Console::"x");', "no console"),
        ("forbid (principal == ?principal, action, resource);", "is a template"),
        ("forbid (", "is not Cedar"),
        (f"forbid (principal, action, resource) when {{ {'(' * 60}true{')' * 60} }};", "nested"),
    ],
)
def test_what_is_misspelt_is_refused_with_its_place_and_a_way_to_mend_it(text, told):
    with pytest.raises(PolicyError) as caught:
        policy("// first line\n" + text)
    assert told in str(caught.value)
    assert all(
        problem.line == 2 and problem.file == "own.cedar" for problem in caught.value.problems
    )


def test_everything_that_is_wrong_is_told_at_once():
    with pytest.raises(PolicyError) as caught:
        policy("permit (principal, action, resource);\nforbid (principal, action, res);\n")
    assert [problem.line for problem in caught.value.problems] == [1, 2]


def test_every_action_is_decided_about(plain):
    assert set().union(*MAY.values()) == set(CONSOLE_ACTIONS)
