"""The architecture's page and the API beside it: findings, what falls, waivers, drift, proofs."""

import re
from datetime import date
from html import unescape

import pytest
from starlette.testclient import TestClient

from holdfast.blueprint import load
from holdfast.blueprint.blast import Assumptions, Equations, impact
from holdfast.blueprint.graph import System
from holdfast.blueprint.proofs import guarded
from holdfast.blueprint.review import Evidence, ReviewError, review
from holdfast.blueprint.review.report import nowhere
from holdfast.faces import Proven, Reviewed, Windows
from holdfast.faces.service import make_app
from holdfast.loops.drift import Period, Question, Tally, compare

DOCUMENT = """
holdfast: 1
name: shop
description: A shop.
nodes:
  desk: {type: service, name: Desk, description: Takes orders., facts: {owner: sales, failure_domains: ["zone:a"]}}
  store: {type: database, name: Store, description: Orders., facts: {failure_domains: ["zone:a"]}}
  model:
    type: ai:llm
    name: Model
    description: Answers.
    facts: {owner: lab}
    controls: {upstream: {url: "http://127.0.0.1:8090/v1", model: m}}
  till: {type: service, name: Till, description: Takes money., facts: {zone: front}}
relationships:
  - {id: desk-till, connects: [desk, till], protocol: HTTPS, description: Money., facts: {strength: optional}}
  - {id: desk-store, connects: [desk, store], protocol: JDBC, description: Orders., facts: {strength: hard}}
  - {id: desk-model, connects: [desk, model], protocol: HTTPS, description: Words., facts: {strength: optional}}
flows:
  - id: order
    name: An order
    description: From desk to store.
    steps: [{over: desk-store, description: Writes.}]
review:
  waivers:
    - {rule: GV-01, at: store, owner: Ada, reason: It is being given away., expires: "2026-11-30"}
    - {rule: GV-01, at: model, owner: Bob, reason: It was new., expires: "2026-11-01"}
"""
TODAY = date(2026, 11, 21)


def shop():
    def read(name: str) -> str:
        raise OSError(name)

    return load(DOCUMENT, source="shop.yaml", read=read)


class Analyst:
    """An ``ArchitectureView`` that counts what it is asked."""

    def __init__(self, blueprint, *, fault=None) -> None:
        self.system = System(blueprint)
        self.fault = fault
        self.reviews = 0

    def review(self) -> Reviewed:
        self.reviews += 1
        if self.fault is not None:
            raise self.fault
        report = review(self.system, Evidence(), TODAY)
        return Reviewed(report=report, places=nowhere, source="shop.yaml")

    def blast(self, part, *, how):
        equations = Equations(self.system, Assumptions())
        return impact(self.system, (part,), equations=equations, how=how)

    def proven(self) -> Proven:
        return Proven(proofs=guarded(self.system), has_solver=False)


class Compared:
    """A ``DriftView`` before anything was seen."""

    def __init__(self, blueprint) -> None:
        self.blueprint = blueprint
        self.asked = 0

    def report(self):
        self.asked += 1
        period = Period(start=1, now=2, window_us=1)
        return compare(Tally(), Question(blueprint=self.blueprint, period=period, today=TODAY))


@pytest.fixture
def blueprint():
    return shop()


@pytest.fixture
def analyst(blueprint) -> Analyst:
    return Analyst(blueprint)


def client_of(fakes, blueprint, **windows) -> TestClient:
    app = make_app(fakes.FakeSystem(blueprint), version="9.9.9", windows=Windows(**windows))
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=True)


@pytest.fixture
def shown(fakes, blueprint, analyst) -> TestClient:
    return client_of(fakes, blueprint, architecture=analyst)


def words(text: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def test_every_open_finding_is_told_with_rule_place_why_and_fix(shown, analyst):
    broken = analyst.review().report.broken
    assert broken
    text = words(shown.get("/architecture").text)
    for each in broken:
        assert each.rule.id in text
        assert each.judgement.at in text
        assert " ".join(each.rule.why.split()) in text
        assert " ".join((each.judgement.fix or each.rule.mend).split()) in text


def test_findings_stand_by_severity_the_gravest_first(shown):
    heads = re.findall(r"<h3>(Critical|High|Medium|Low) ", shown.get("/architecture").text)
    assert heads == sorted(heads, key=("Critical", "High", "Medium", "Low").index)


def test_findings_of_one_part_are_those_about_it(shown, analyst):
    broken = analyst.review().report.broken
    subject = next(each.judgement.subject for each in broken if each.judgement.subject)
    text = shown.get(f"/architecture?about={subject}").text
    rows = re.findall(r"<dt>About</dt><dd><a[^>]*><bdi>([^<]*)", text)
    assert rows
    assert set(rows) == {subject}


def test_a_node_with_findings_has_their_number_on_the_map_of_now_too(shown):
    shown.get("/architecture")
    badge = r'href="/architecture\?about=(\w+)#findings"[^>]*><g class="badge \w+"'
    assert set(re.findall(badge, shown.get("/").text)) >= {"till"}


def test_a_blueprint_is_reviewed_once_however_many_look(fakes, blueprint, analyst):
    with client_of(fakes, blueprint, architecture=analyst) as client:
        for _ in range(3):
            client.get("/architecture")
            client.get("/")
    assert analyst.reviews == 1


def test_waivers_in_force_and_ended_are_told_with_their_last_day(shown):
    text = words(shown.get("/architecture/fragments/waivers").text)
    assert "2026-11-30 ! 9 days left" in text
    assert "2026-11-01 ✕ has ended" in text
    assert "It is being given away." in text
    assert text.index("2026-11-01") < text.index("2026-11-30")


def test_what_falls_is_on_the_map_and_in_words_with_its_way(shown):
    text = shown.get("/architecture?fails=store").text
    assert re.search(r'class="node k-store t-alarm"[^>]*data-node="store"', text)
    assert re.search(r'class="node k-service t-lost"[^>]*data-node="desk"', text)
    assert re.search(r'class="node k-model t-quiet"[^>]*data-node="model"', text)
    assert re.search(r'class="line way" data-edge="desk-store"', text)
    assert "1 other node is worse off, and 1 of 1 flows" in text
    assert "← store (desk-store)" in text
    assert "holdfast blast store" in text


def test_a_failure_domain_may_fail_as_well(shown):
    text = shown.get("/architecture?fails=zone:a").text
    assert 't-lost" transform' in text
    assert "holdfast blast zone:a" in text


def test_what_hangs_is_asked_with_its_word(shown):
    assert (
        "holdfast blast store --how hangs" in shown.get("/architecture?fails=store&how=hangs").text
    )


def test_a_part_that_is_not_there_is_said_on_the_page(shown):
    response = shown.get("/architecture?fails=stor")
    assert response.status_code == 200
    assert "there is no node `stor`" in unescape(response.text)


def test_choosing_a_box_shows_what_falls_with_it(shown):
    assert 'href="/architecture?fails=desk#map"' in shown.get("/architecture").text


def test_drift_is_compared_only_when_somebody_asks(fakes, blueprint, analyst):
    drift = Compared(blueprint)
    client = client_of(fakes, blueprint, architecture=analyst, drift=drift)
    page = client.get("/architecture").text
    assert drift.asked == 0
    assert 'hx-get="/architecture/fragments/drift"' in page
    assert 'href="/architecture?drift=1#drift"' in page
    assert "from 1970-01-01 00:00 UTC" in client.get("/architecture?drift=1").text.replace(
        "From", "from"
    )
    assert drift.asked == 1


def test_a_solver_that_is_missing_is_said_with_how_to_get_it(shown):
    assert "pip install &#39;holdfast[analysis]&#39;" in shown.get("/architecture").text or (
        "pip install 'holdfast[analysis]'" in shown.get("/architecture").text
    )


@pytest.mark.parametrize("name", ["map", "findings", "waivers", "proofs"])
def test_every_fragment_of_the_page_has_its_address(name, shown):
    fragment = shown.get(f"/architecture/fragments/{name}").text
    assert fragment.startswith(f'<section id="{name}"')
    page = shown.get("/architecture").text
    assert re.sub(r"\s+", " ", fragment) in re.sub(r"\s+", " ", page)


def test_nothing_is_inline_and_every_id_is_there_once(shown):
    for path in ("/architecture", "/architecture?fails=store"):
        text = shown.get(path).text
        assert " style=" not in text
        assert "<style" not in text
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert sorted(ids) == sorted(set(ids))


def test_without_anybody_who_analyses_the_page_says_where_to_ask(fakes, blueprint):
    text = client_of(fakes, blueprint).get("/architecture").text
    assert "this instance reviews nothing" in text
    assert "compares nothing" in text


def test_a_review_that_fails_is_said_and_the_map_stands(fakes, blueprint):
    fault = ReviewError("the pack is gone", fix="put it back")
    client = client_of(fakes, blueprint, architecture=Analyst(blueprint, fault=fault))
    text = client.get("/architecture").text
    assert "the pack is gone" in text
    assert 'data-node="desk"' in text


def test_the_api_tells_the_same_findings(shown, analyst):
    reply = shown.get("/api/review").json()
    broken = analyst.review().report.broken
    assert [each["rule"] for each in reply["findings"]] == [each.rule.id for each in broken]
    assert reply["open"] == len(broken)
    assert reply["waived_findings"][0]["waiver"]["owner"] == "Ada"


def test_the_api_tells_what_falls_and_by_which_way(shown):
    reply = shown.get("/api/blast/store").json()
    parts = {each["name"]: each for each in reply["parts"]}
    assert parts["desk"]["state"] == "down"
    assert parts["desk"]["way"][0]["over"] == "desk-store"
    assert reply["flows"][0]["state"] == "down"


def test_the_api_says_that_a_part_is_not_there(shown):
    response = shown.get("/api/blast/stor")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "blast.part-unknown"
