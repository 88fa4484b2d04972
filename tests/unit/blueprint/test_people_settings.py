"""Where people log in: https or this machine, each issuer once, no secret in the file."""

import pytest

from holdfast.blueprint import Blueprint, BlueprintError, IdentityProvider, check, load

BASE = """\
holdfast: 1
name: people
nodes:
  desk: {type: service, description: Asks.}
"""


def blueprint(people: str) -> Blueprint:
    return load(BASE + people, source="test.yaml", read=lambda name: name)


def test_providers_are_settled_by_issuer_and_their_order_means_nothing() -> None:
    one = "  - {issuer: 'https://a.example', client_id: x, scopes: [groups], groups_claim: teams}\n"
    two = "  - {issuer: 'https://b.example/', client_id: y, client_secret: env:SECRET}\n"
    first, second = blueprint(f"people:\n{one}{two}"), blueprint(f"people:\n{two}{one}")
    assert first.digest == second.digest
    assert [each.issuer for each in first.people] == ["https://a.example", "https://b.example/"]
    assert first.people[0] == IdentityProvider(
        issuer="https://a.example", client_id="x", scopes=("groups",), groups_claim="teams"
    )
    assert str(first.people[1].client_secret) == "env:SECRET"


def test_a_blueprint_without_people_keeps_its_digest_and_each_word_counts() -> None:
    assert blueprint("").people == ()
    assert b'"people":' not in blueprint("").content
    one = blueprint("people: [{issuer: 'https://a.example', client_id: x}]")
    other = blueprint("people: [{issuer: 'https://a.example', client_id: y}]")
    assert len({blueprint("").digest, one.digest, other.digest}) == 3


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:9400", "http://localhost:1", "https://10.0.0.1"]
)
def test_an_issuer_may_be_plain_on_this_machine_and_private_by_tls(issuer: str) -> None:
    assert blueprint(f"people: [{{issuer: '{issuer}', client_id: x}}]").people[0].issuer == issuer


@pytest.mark.parametrize(
    "people",
    [
        "people: []",
        "people: {issuer: 'https://a.example', client_id: x}",
        "people: [{issuer: 'http://a.example', client_id: x}]",
        "people: [{issuer: 'https://a.example?x=1', client_id: x}]",
        "people: [{issuer: 'https://user@a.example', client_id: x}]",
        "people: [{issuer: 'https://a.example'}]",
        "people: [{client_id: x}]",
        "people: [{issuer: 'https://a.example', client_id: x, client_secret: hunter2}]",
        "people: [{issuer: 'https://a.example', client_id: x, scopes: ['a b']}]",
        "people: [{issuer: 'https://a.example', client_id: x, other: y}]",
        "people: [{issuer: 'https://a.example', client_id: x, groups: [a]}]",
        "people: [{issuer: 'https://a.example', client_id: x, groups: [], groups_claim: g}]",
        "people: [{issuer: 'https://a.example', client_id: x}, {issuer: 'https://a.example', client_id: y}]",
    ],
)
def test_what_cannot_be_trusted_or_understood_is_refused(people: str) -> None:
    with pytest.raises(BlueprintError):
        blueprint(people)


# -- who may do what at the console ----------------------------------------------------------------------

CONSOLE = """\
holdfast: 1
name: guarded
nodes: {a: {type: service, description: A.}}
"""
WHO = 'people: [{issuer: "https://idp.example", client_id: c, groups_claim: g}]\n'


def _console(text, policy="forbid (principal, action, resource);"):
    return load(CONSOLE + WHO + text, source="b.yaml", read=lambda _: policy)


def test_groups_of_people_have_the_roles_that_name_them_and_no_others():
    access = _console("console: {roles: {admin: [ops], viewer: [staff, ops]}}\n").console
    assert access.roles_of(["ops"]) == ("viewer", "admin")
    assert access.roles_of(["staff", "unknown"]) == ("viewer",)
    assert access.roles_of(["admin", "unknown"]) == ()
    assert access.roles_of([]) == ()


def test_what_is_said_of_the_console_is_part_of_the_digest_and_nothing_else_is():
    plain = _console("").digest
    assert _console("console: {}\n").digest == plain
    assert _console("console: {roles: {}}\n").digest == plain
    some = [
        _console("console: {roles: {admin: [ops]}}\n"),
        _console("console: {roles: {viewer: [ops]}}\n"),
        _console("console: {policies: [a.cedar]}\n"),
        _console("console: {policies: [a.cedar]}\n", policy="// another"),
    ]
    assert len({plain, *(each.digest for each in some)}) == 5
    twice = _console("console: {roles: {viewer: [b, a, b]}}\n").digest
    assert twice == _console("console: {roles: {viewer: [a, b]}}\n").digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("console: {roles: {boss: [a]}}\n", "no field `boss`"),
        ("console: {roles: {admin: []}}\n", ""),
        ("console: {policies: [a.rego]}\n", "is not a Cedar file"),
        ("console: {policies: [../a.cedar]}\n", "outside the blueprint's folder"),
        ("console: {policies: [a.cedar, a.cedar]}\n", "named twice"),
    ],
)
def test_what_is_wrong_about_the_console_is_told_with_its_line(text, told):
    problems = check(CONSOLE + WHO + text, source="b.yaml", read=lambda _: "")
    errors = [problem for problem in problems if problem.severity == "error"]
    assert errors
    assert told in errors[0].what
    assert errors[0].line == 5


def test_roles_that_nobody_can_have_are_warned_of():
    text = CONSOLE + "console: {roles: {admin: [ops]}}\n"
    problems = check(text, source="b.yaml", read=lambda _: "")
    assert any(problem.where == "console.roles" for problem in problems)
