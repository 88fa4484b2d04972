"""Who may what, and why; what stands of one principal; and who may revoke it."""

import html
import re

import pytest
from starlette.testclient import TestClient

from holdfast.app.permissions import PermissionDesk
from holdfast.blueprint import load
from holdfast.faces import Windows
from holdfast.faces.service import make_app
from holdfast.faces.web.principals.tree import tree_of
from holdfast.history import CallQuery

SYSTEM = """
holdfast: 1
name: readers
description: An agent reads.
nodes:
  person: {type: actor, description: Sends it.}
  reader: {type: ai:agent, name: Reader, description: Reads.}
  helper: {type: ai:agent, description: Helps.}
  model: {type: ai:llm, description: Answers., controls: {upstream: {url: "http://127.0.0.1:1/v1", model: m}}}
  rows: {type: database, description: Rows.}
relationships:
  - id: asks
    connects: [reader, model]
    protocol: HTTP
    description: Asks.
    controls: {identity: {proofs: [wpt], mandate: true}}
  - {id: helps, connects: [helper, model], protocol: HTTP, description: Asks.}
  - {id: keeps, connects: [helper, rows], protocol: JDBC, description: Keeps.}
policies: [own.cedar]
"""
CEDAR = '@id("no.embedding")\nforbid (principal, action == Holdfast::Action::"embed", resource);\n'


@pytest.fixture
def declared():
    return load(SYSTEM, source="blueprint.yaml", read=lambda _: CEDAR)


@pytest.fixture
def system(fakes, declared):
    return fakes.FakeSystem(declared)


@pytest.fixture
def client(system, rows, declared):
    windows = Windows(
        history=system.history, permissions=PermissionDesk(rows, blueprint=lambda: declared)
    )
    app = make_app(system, version="9", windows=windows)
    return TestClient(app, base_url="http://localhost")


def words(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


def test_each_action_says_with_what_a_caller_must_come_at_least(client):
    page = words(client.get("/principals").text)
    assert "generate with a mandate" in page  # the reader's demand
    assert "generate with an API key" in page  # the helper's
    assert page.count("embed nobody") == 2


def test_pairs_whose_calls_do_not_pass_here_are_not_shown(client):
    assert "keeps" not in client.get("/principals").text


def test_the_matrix_narrows_to_what_is_asked_for(client):
    page = client.get("/principals", params={"caller": "help"}).text
    assert (">asks<" in page, ">helps<" in page) == (False, True)
    assert "No declared pair fits" in client.get("/principals?caller=nobody").text


@pytest.mark.parametrize(
    ("caller", "action", "kind", "expected"),
    [
        ("helper", "generate", "key", "Yes"),
        ("helper", "embed", "mandate", "no.embedding"),
        ("reader", "generate", "key", "demand.proof"),
        ("reader", "generate", "mandate", "Yes"),
    ],
)
def test_why_names_what_decides(client, caller, action, kind, expected):
    params = {"caller": caller, "action": action, "callee": "model", "kind": kind}
    assert expected in words(client.get("/principals/why", params=params).text)


@pytest.mark.parametrize(
    "params",
    [
        {"caller": "reader", "action": "generate", "callee": "helper"},
        {"caller": "reader", "action": "dance", "callee": "model"},
        {"caller": "reader", "action": "generate", "callee": "model", "kind": "rumour"},
        {},
    ],
)
def test_a_question_about_nothing_is_refused_with_what_would_do(client, params):
    answer = client.get("/principals/why", params=params)
    assert answer.status_code == 404
    assert answer.json()["error"]["fix"]


def test_authority_is_drawn_from_its_root_down(system, fakes):
    anna, agent = "user:x:anna", "spiffe://x/t/default/agent/"
    made = [
        fakes.record_of(fakes.seen(n, principal=principal, resource="model"), chain=chain)
        for n, principal, chain in (
            (5, agent + "reader", (anna,)),
            (4, agent + "reader", (anna,)),
            (3, agent + "helper", (anna, agent + "reader")),
            (2, agent + "helper", ()),
        )
    ]
    system.history.tell(*made)
    tree = tree_of(system.history.calls(CallQuery()))
    assert [(each.name, each.depth, each.calls) for each in tree] == [
        (anna, 0, 0),
        ("reader", 1, 2),
        ("helper", 2, 1),
    ]


def test_a_principal_tells_what_it_did_and_under_whom(system, client, fakes):
    record = fakes.record_of(
        fakes.seen(3, principal="spiffe://x/t/default/agent/reader", resource="model"),
        chain=("user:x:anna",),
    )
    system.history.tell(record)
    page = client.get("/principals/reader").text
    assert f"/calls/{record.call}" in page
    assert "user:x:anna" in page
    assert record.call in client.get("/principals/user:x:anna").text


def test_who_may_not_operate_sees_no_button(client):
    assert "/acts/revoke" not in client.get("/principals/reader").text


def test_a_name_that_nobody_has_is_not_there(client):
    assert client.get("/principals/nobody").status_code == 404


def test_programs_are_told_the_same(client):
    matrix = client.get("/api/permissions").json()
    answers = {(p["caller"], p["action"]): p["answers"] for p in matrix["permissions"]}
    assert matrix["pairs"] == 2
    assert answers["helper", "generate"]["key"] == "allowed"
    assert answers["reader", "generate"]["key"] == "demand.proof"
    why = client.get("/api/permissions/why?caller=helper&action=embed&callee=model").json()
    assert (why["allowed"], why["determining"][0]["policy"]) == (False, "no.embedding")
