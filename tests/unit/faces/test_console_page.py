"""The console's page: everything in it without scripts, nothing in it that the policy forbids."""

import re
from html.parser import HTMLParser

import msgspec
import pytest
from starlette.testclient import TestClient

from holdfast.faces.service import make_app
from holdfast.faces.web.now.composing import FRAGMENTS
from holdfast.gateway import RULES

ALWAYS = tuple(name for name in FRAGMENTS if name not in ("objectives", "anomalies"))


class Page(HTMLParser):
    """The attributes of every element, and which ids there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, name: str) -> list[str]:
        return [each[name] for _, each in self.elements if each.get(name) is not None]


def client_of(system, **hints) -> TestClient:
    return TestClient(make_app(system, version="9.9.9", **hints), base_url="http://localhost")


def test_the_page_holds_the_current_state_without_scripts(system, client):
    page = Page(client.get("/").text)
    assert set(page.all("data-node")) == set(system.declared.nodes) - {"laptop"}
    assert "Laptop" in page.text
    assert {f"call-{c.call}" for c in (*system.in_flight, *system.recent)} <= set(page.all("id"))
    assert f"{system.totals.calls:,}" in page.text
    assert "holdfast audit verify" in page.text


def test_every_declared_connection_is_drawn(system, client):
    drawn = set(Page(client.get("/").text).all("data-edge"))
    assert {r.id for r in system.declared.connections().values()} <= drawn


@pytest.mark.parametrize("name", ALWAYS)
def test_every_fragment_has_its_address_and_is_part_of_the_page(name, client):
    fragment = client.get(f"/fragments/{name}")
    assert fragment.status_code == 200
    assert fragment.text.startswith(f'<section id="{name}"')
    assert re.sub(r"\s+", " ", fragment.text) in re.sub(r"\s+", " ", client.get("/").text)


def test_there_is_no_other_fragment(client):
    response = client.get("/fragments/secrets")
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "faces.request-invalid"


def test_nothing_is_inline(client):
    page = Page(client.get("/").text)
    for tag, attributes in page.elements:
        assert tag != "style"
        assert tag != "script" or attributes.get("src", "").startswith("/static/")
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith(("on", "hx-on"))]


def test_ids_are_unique(client):
    ids = Page(client.get("/").text).all("id")
    assert sorted(set(ids)) == sorted(ids)


def test_every_outcome_is_said_in_words_and_not_by_colour_alone(client):
    text = Page(client.get("/").text).text
    for word in ("in flight", "answered", "refused", "failed", "cancelled", "not recorded"):
        assert word in text
    assert "relationship.undeclared" in text
    assert RULES["relationship.undeclared"].meaning in text


def test_what_callers_write_is_shown_as_text(system, client, fakes):
    name = "<img src=x hx-get=/ onerror=alert(1)>"
    system.recent = (fakes.seen(1, resource=name), *system.recent)
    text = client.get("/").text
    assert "<img" not in text
    assert "&lt;img" in text


def test_an_edge_with_calls_in_flight_is_marked_with_their_number(system, client):
    text = client.get("/fragments/map").text
    edge = re.search(r'class="line ([^"]*)" data-edge="desk-asks-reviewer"', text)
    assert edge is not None
    assert "busy" in edge[1].split()
    assert re.search(r'class="often"[^>]*>▸2 ', text)


def test_an_edge_without_calls_in_flight_or_in_the_last_minutes_is_idle(system, fakes):
    quiet = client_of(fakes.FakeSystem())
    text = quiet.get("/fragments/map").text
    assert 'class="line idle w1" data-edge="desk-asks-reviewer"' in text


def test_an_undeclared_attempt_is_a_red_line_from_the_node_that_made_it(system, client):
    text = client.get("/fragments/map").text
    strays = re.findall(r'<g class="line stray"><title>([^<]*)', text)
    assert strays == ["1 undeclared call from intake to clause-reviewer, refused"]
    assert 'href="/calls?caller=intake&amp;callee=clause-reviewer&amp;outcome=refused"' in text


def test_a_system_without_calls_says_how_to_make_one(fakes):
    system = fakes.FakeSystem()
    text = client_of(system, gateway="http://127.0.0.1:8080").get("/").text
    assert "curl http://127.0.0.1:8080/v1/chat/completions" in text
    assert "holdfast key create review-desk" in text
    assert "None covers a record yet" in text


def test_trouble_is_said_where_it_is(system, client):
    system.reason = "worker 2 is not ready"
    system.damage()
    text = Page(client.get("/").text).text
    assert "Not ready: worker 2 is not ready" in text
    assert "The log cannot be read" in text
    assert "the journal's disk is full" in text


def test_the_map_follows_the_blueprint_in_force(system, client, fakes):
    client.get("/")
    system.declared = fakes.large_system(20)
    page = Page(client.get("/").text)
    assert set(page.all("data-node")) == set(system.declared.nodes)


def test_sixty_nodes_are_all_on_the_map(fakes):
    system = fakes.FakeSystem(fakes.large_system(60))
    page = Page(client_of(system).get("/").text)
    assert len(page.all("data-node")) == 60


def test_the_stream_sends_each_fragment_once_while_nothing_changes(system, client):
    system.close()
    body = client.get("/fragments/changes").text
    for name in ALWAYS:
        assert body.count(f'hx-target="#{name}"') == 1


def test_every_line_of_the_stream_is_an_event_stream_line(system, client):
    system.close()
    lines = client.get("/fragments/changes").text.split("\n")
    assert all(line == "" or line.startswith(("data: ", ": ")) for line in lines)


def test_a_call_that_ends_changes_its_row_in_place(system, client, fakes):
    before = client.get("/fragments/calls").text
    ending = system.in_flight[0]
    assert f'id="call-{ending.call}"' in before
    system.in_flight = system.in_flight[1:]
    done = msgspec.structs.replace(ending, outcome="answered", marks_us=(1, 2, 3, 4, 5, 6, 7))
    system.recent = (done, *system.recent)
    after = client.get("/fragments/calls").text
    assert after.count(f'<li id="call-{ending.call}"') == 1


STATES = ("up", "half-open", "resting", "ejected", "breaker open", "down")


def test_every_upstream_has_a_row_with_its_state_in_a_word(system, client):
    text = client.get("/fragments/upstreams").text
    for each in system.upstreams:
        assert f"<bdi>{each.upstream}</bdi>" in text
        assert each.url in text
    for state in STATES:
        assert re.search(rf"</span> {state}</span>", text), state


def test_a_called_node_stands_over_its_upstreams_with_its_counts(client):
    text = re.sub(r"<[^>]+>", "", client.get("/fragments/upstreams").text)
    assert re.search(r"clause-reviewer\s+queued 2\s+retries 41\s+hedges 12", text)
    assert "cache hits 1,204" in text
    # What never happened is not listed, but for what people look for first.
    assert "seams" not in text


def test_a_budget_shows_what_is_spent_of_what_and_until_when(client):
    page = Page(client.get("/fragments/budgets").text)
    assert "12.34 of 50.00, 0.42 reserved" in page.text
    assert "1,724,113 of 2,000,000" in page.text
    assert "resets 2026-11-22 00:00 UTC" in page.text
    for word in ("used up", "nearly used up", "100 %", "86 %"):
        assert word in page.text


def test_the_fullest_budget_comes_first_and_no_bar_is_longer_than_its_frame(system, client, fakes):
    system.budgets = (*system.budgets, fakes.budget("node:overdrawn", limit=10, spent=30))
    text = client.get("/fragments/budgets").text
    accounts = re.findall(r'class="account"><bdi>([^<]+)', text)
    assert accounts[0] == "node:overdrawn"
    assert "300 %" in text
    lengths = [float(found) for found in re.findall(r' width="([0-9.]+)"', text)]
    assert max(lengths) <= 100


def test_a_budget_of_nothing_is_used_up(system, client, fakes):
    system.budgets = (fakes.budget("node:none", limit=0, spent=0),)
    assert "used up" in client.get("/fragments/budgets").text


def test_a_system_without_upstreams_or_budgets_says_so(fakes):
    client = client_of(fakes.FakeSystem())
    assert "No node of the blueprint has an upstream" in client.get("/fragments/upstreams").text
    assert "The blueprint sets no budget" in client.get("/fragments/budgets").text


def test_a_worker_that_leaves_is_said_to_finish(system, client, fakes):
    system.workers = (*system.workers, fakes.leaving_worker(7))
    assert "finishing calls" in client.get("/fragments/workers").text
