"""The first page's map, verdict and past: what is shown follows from what was seen."""

import re
from html import unescape

import msgspec
import pytest
from starlette.testclient import TestClient

from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.core import Instant, ulid
from holdfast.faces import Windows
from holdfast.faces.service import make_app
from holdfast.faces.web.chart import EVERYTHING, FOLD_ABOVE, Choice, chosen, fold, plan_of
from holdfast.faces.web.now.asking import MINUTE_US, Asked, minute_at
from holdfast.faces.web.now.health import Health, past_healths
from holdfast.faces.web.now.traffic import breadth, rate
from holdfast.history import Moment
from holdfast.testing import MadeHistory


def client_of(system, **windows) -> TestClient:
    app = make_app(system, version="9.9.9", windows=Windows(**windows))
    return TestClient(app, base_url="http://localhost")


def teams(count: int, *, per: int = 25, nested: bool = False) -> System:
    """``count`` services in containers of ``per``, each calling the one before it."""
    lines = ["holdfast: 1", "name: teams", "description: Many teams.", "nodes:"]
    numbers = range(0, count, per)
    for i in range(count):
        zone = f"z{i % 2}"
        lines.append(
            f"  n-{i}: {{type: service, name: N {i}, description: P., facts: {{zone: {zone}}}}}"
        )
    lines += [f"  team-{i}: {{type: system, name: Team {i}, description: T.}}" for i in numbers]
    if nested:
        lines.append("  region: {type: system, name: Region, description: All.}")
    lines.append("relationships:")
    for i in numbers:
        inside = ", ".join(f"n-{j}" for j in range(i, min(i + per, count)))
        lines.append(
            f"  - {{id: in-{i}, deployed-in: {{container: team-{i}, nodes: [{inside}]}}, description: In.}}"
        )
    if nested:
        held = ", ".join(f"team-{i}" for i in numbers)
        lines.append(
            f"  - {{id: all, deployed-in: {{container: region, nodes: [{held}]}}, description: In.}}"
        )
    for i in range(1, count):
        lines.append(
            f"  - {{id: r-{i}, connects: [n-{i}, n-{i - 1}], protocol: HTTP, description: Calls.}}"
        )

    def read(name: str) -> str:
        raise OSError(name)

    return System(load("\n".join(lines), source="blueprint.yaml", read=read))


def told(system, fakes, *calls, at: int | None = None) -> None:
    """Records of these calls, in the history alone."""
    system.history.tell(*(fakes.record_of(each) for each in calls))


def at_minute(fakes, minutes_ago: int, number: int, **changes):
    """A call of an earlier minute."""
    at = (fakes.now // MINUTE_US - minutes_ago) * MINUTE_US + 5_000_000 + number
    return fakes.seen(1, at=at, call=ulid(Instant(at), number.to_bytes(10, "big")), **changes)


# -- folding ----------------------------------------------------------------------------------


def test_a_map_that_can_be_read_is_not_folded():
    system = teams(FOLD_ABOVE - 4)
    folded = fold(system, tuple(system.nodes), opened=frozenset())
    assert not folded.is_folded
    assert set(folded.held) == set(system.nodes)


def test_a_large_map_folds_by_container_and_every_node_is_in_one_box():
    system = teams(500)
    folded = fold(system, tuple(system.nodes), opened=frozenset())
    assert set(folded.held) == {f"in:team-{i}" for i in range(0, 500, 25)}
    assert sorted(n for held in folded.held.values() for n in held) == sorted(system.nodes)


def test_an_unfolded_container_shows_its_nodes_and_no_others():
    system = teams(500)
    folded = fold(system, tuple(system.nodes), opened=frozenset({"in:team-25"}))
    alone = {box for box in folded.held if box in system.nodes}
    assert alone == {"team-25", *(f"n-{i}" for i in range(25, 50))}


def test_what_holds_everything_unfolds_by_itself():
    system = teams(500, nested=True)
    folded = fold(system, tuple(system.nodes), opened=frozenset())
    assert "in:region" not in folded.held
    assert len(folded.held) > 10


def test_all_can_be_unfolded():
    system = teams(200)
    folded = fold(system, tuple(system.nodes), opened=frozenset({EVERYTHING}))
    assert set(folded.held) == set(system.nodes)


def test_relationships_between_boxes_are_one_line_and_those_inside_are_kept():
    plan = plan_of(teams(100), Choice())
    between = {(s.source, s.destination): s.relationships for s in plan.strokes}
    assert between["in:team-25", "in:team-0"] == ("r-25",)
    assert len(plan.inside["in:team-0"]) == 24
    drawn = sum(len(s.relationships) for s in plan.strokes)
    assert drawn + sum(map(len, plan.inside.values())) == 99


# -- filters ----------------------------------------------------------------------------------


def test_filters_narrow_each_other():
    system = teams(100)
    zone = chosen(system, within="", zone="z0", flow="")
    both = chosen(system, within="team-0", zone="z0", flow="")
    assert zone is not None
    assert both == {n for n in zone if n in {f"n-{i}" for i in range(25)}}
    assert chosen(system, within="", zone="", flow="") is None


def test_a_flow_that_is_not_there_shows_nothing():
    assert chosen(teams(10), within="", zone="", flow="none") == frozenset()


def test_only_what_is_chosen_is_on_the_map(fakes):
    system = fakes.FakeSystem(teams(30, per=10).blueprint)
    text = client_of(system).get("/?within=team-10").text
    shown = set(re.findall(r'data-node="([^"]+)"', text))
    assert shown == {f"n-{i}" for i in range(10, 20)}


def test_only_what_is_troubled_is_shown_when_that_is_asked(system, fakes):
    text = client_of(system, history=system.history).get("/?troubled=1").text
    shown = set(re.findall(r'data-node="([^"]+)"', text))
    assert "intake" in shown  # it tried what nobody declared
    assert "contracts" not in shown
    well = fakes.FakeSystem()
    assert "Nothing here is troubled" in client_of(well).get("/?troubled=1").text


def test_a_search_unfolds_and_marks_the_node(fakes):
    system = fakes.FakeSystem(teams(200).blueprint)
    text = client_of(system).get("/?find=n-130").text
    assert re.search(r'<g id="found" class="node [^"]*found[^"]*"[^>]*data-node="n-130"', text)
    assert text.count('id="found"') == 1


def test_a_search_that_fits_many_lists_them_and_one_that_fits_none_says_so(fakes):
    client = client_of(fakes.FakeSystem(teams(200).blueprint))
    many = client.get("/?find=N%2013").text
    assert "nodes fit" in many
    assert "find=n-131" in many
    assert "No node has" in client.get("/?find=zebra").text


def test_an_address_says_everything_that_was_asked():
    asked = Asked(at=MINUTE_US * 29_000_000, zone="a b", opened=("in:x", "in:y"), troubled=True)
    assert asked.href() == ("/?zone=a+b&troubled=1&open=in%3Ax&open=in%3Ay&at=2025-02-19T21%3A20Z")
    assert asked.opening("in:z").closing("in:z") == asked


# -- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calls", "seconds", "word"),
    [
        (0, 60, ""),
        (3, 180, "1.0/min"),
        (1, 180, "<1/min"),
        (90, 180, "30/min"),
        (6_000, 60, "100/s"),
    ],
)
def test_a_rate_is_told_in_the_unit_that_fits(calls, seconds, word):
    assert rate(calls, seconds) == word


def test_ten_times_as_many_calls_are_one_broader():
    assert [breadth(n, 60) for n in (0, 1, 10, 100, 1_000, 100_000)] == [1, 2, 3, 4, 5, 5]


def test_calls_of_the_history_are_the_numbers_on_the_lines(fakes):
    system = fakes.FakeSystem()
    told(system, fakes, *(at_minute(fakes, 0, n) for n in range(30)))
    text = client_of(system, history=system.history).get("/fragments/map").text
    assert re.search(
        r'href="/calls\?relationship=desk-asks-reviewer"[^>]*><text class="often"', text
    )
    assert 'class="line moving w' in text


def test_failed_calls_say_their_share_and_lead_to_themselves(fakes):
    system = fakes.FakeSystem()
    failed = {"outcome": "failed", "rule": "upstream.timeout"}
    told(
        system,
        fakes,
        *(at_minute(fakes, 0, n) for n in range(15)),
        *(at_minute(fakes, 0, 20 + n, **failed) for n in range(5)),
    )
    text = unescape(client_of(system, history=system.history).get("/").text)
    assert re.search(r'<g class="badge failed"[^>]*><title>[^<]*5 of 20 calls failed', text)
    assert "/calls?relationship=desk-asks-reviewer&outcome=failed" in text
    assert "5 calls failed in the last" in text


def test_a_history_that_is_still_being_made_says_how_far_it_is(fakes, monkeypatch):
    system = fakes.busy_system()
    said = re.compile(r"The history is being made: 0 of ([0-9]+) records are in it [(]0%[)]")
    client = client_of(system, history=MadeHistory())
    assert not said.search(client.get("/").text)
    monkeypatch.setattr("holdfast.faces.web.now.verdict.BEHIND_MAX", 0)
    found = said.search(client.get("/").text)
    assert found is not None
    assert int(found[1]) == system.log().checkpoint().size


def test_an_attempt_on_what_nobody_knows_is_drawn_to_a_stranger(fakes):
    system = fakes.FakeSystem()
    call = at_minute(
        fakes, 0, 1, resource="payments", relationship=None, outcome="refused", rule="node.unknown"
    )
    told(system, fakes, call)
    text = client_of(system, history=system.history).get("/").text
    assert re.search(r'<g class="ghost"[^>]*><title>the blueprint knows no payments', text)
    assert "1 undeclared call refused in the last" in text


def test_a_call_that_was_refused_before_its_route_counts_on_its_declared_line(fakes):
    system = fakes.FakeSystem()
    refused = {"relationship": None, "outcome": "refused", "rule": "policy.denied"}
    told(system, fakes, *(at_minute(fakes, 0, n, **refused) for n in range(3)))
    text = client_of(system, history=system.history).get("/fragments/map").text
    assert re.search(r'class="line refused w\d" data-edge="desk-asks-reviewer"', text)
    assert "line stray" not in text


def test_a_node_shows_how_full_it_is_and_how_many_of_its_upstreams_are_out(system, client):
    text = client.get("/fragments/map").text
    node = text[text.index('data-node="clause-reviewer"') :]
    node = node[: node.index("</g>\n<g")]
    assert "✕ 2 of 5 out" in node
    assert ">7/24</text>" in node  # upstreams that take no calls have no room
    assert 'href="#upstreams-clause-reviewer"' in node


def test_a_box_is_as_ill_as_its_upstreams():
    assert Health(states=["open"]).tone == "refused"
    assert Health(states=["open", "up"]).tone == "failed"
    assert Health(states=["up"], in_flight=9, limit=10).tone == "failed"
    assert Health(states=["up"], in_flight=1, limit=10).tone == ""


# -- the verdict ------------------------------------------------------------------------------


def verdict(client) -> str:
    text = client.get("/fragments/status").text
    return unescape(re.sub(r"<[^>]+>", " ", text))


def test_a_system_that_is_well_holds(fakes):
    assert "Holds" in verdict(client_of(fakes.FakeSystem()))


def test_every_reason_is_counted_and_leads_to_its_evidence(system, client):
    text = client.get("/fragments/status").text
    reasons = re.findall(r'<li class="(?!\w+ note)[^"]*">.*?<a href="([^"]+)">', text)
    assert f"Look here: {len(reasons)} things" in text
    page = client.get("/").text
    for href in reasons:
        assert not href.startswith("#") or f'id="{href[1:]}"' in page, href


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"workers": ()}, "Look here"),
        ({"reason": "the disk is full"}, "Not ready: the disk is full"),
        ({"budgets": "full"}, "1 budget used up"),
        ({"upstreams": "open"}, "1 upstream out of service"),
        ({"alarms": "one"}, "1 call was begun and left no outcome"),
    ],
)
def test_each_trouble_alone_spoils_the_verdict(change, said, fakes, system):
    well = fakes.FakeSystem()
    for name, value in change.items():
        match name:
            case "budgets":
                well.budgets = (fakes.budget("tenant", limit=1, spent=1),)
            case "upstreams":
                well.upstreams = (
                    msgspec.structs.replace(fakes.loaded_upstreams()[0], state="open"),
                )
            case "alarms":
                well.alarms = system.alarms[:1]
            case "workers":
                well.workers = tuple(w for w in system.workers if not w.ready)
            case _:
                setattr(well, name, value)
    text = verdict(client_of(well))
    assert "Look here: 1 thing" in text
    assert said in text


def test_a_history_that_cannot_be_read_is_said_and_the_page_stands(system):
    class Broken(MadeHistory):
        def traffic(self, since, until):
            raise fault

        def series(self, *_args, **_options):
            raise fault

    from holdfast.history import HistoryError

    fault = HistoryError("the disk is gone", fix="mount it")
    response = client_of(system, history=Broken()).get("/")
    assert response.status_code == 200
    assert "The past cannot be read" in response.text


# -- the past ---------------------------------------------------------------------------------


def past_of(fakes):
    system = fakes.FakeSystem()
    refused = {"relationship": None, "outcome": "refused", "rule": "relationship.undeclared"}
    told(
        system,
        fakes,
        *(at_minute(fakes, 90, n) for n in range(12)),
        at_minute(
            fakes,
            90,
            50,
            principal="spiffe://holdfast.local/t/default/service/" + "intake",
            **refused,
        ),
        at_minute(fakes, 0, 60),
    )
    return system, Asked(at=(fakes.now // MINUTE_US - 90) * MINUTE_US)


def test_a_minute_of_the_past_shows_its_calls_and_nothing_of_now(fakes):
    system, asked = past_of(fakes)
    text = client_of(system, history=system.history).get(asked.href()).text
    assert ">12/min</text>" in text
    assert "1 undeclared call refused: intake → clause-reviewer" in text
    assert 'id="upstreams"' not in text
    assert "hx-sse:connect" not in text
    assert "Look there: 1 thing" in text


def test_the_sliders_word_becomes_an_address_that_says_the_time(fakes):
    system, asked = past_of(fakes)
    client = client_of(system, history=system.history)
    response = client.get(f"/?minute={asked.at // MINUTE_US}&zone=a", follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == f"/?zone=a&at={asked.moment.replace(':', '%3A')}"


def test_the_present_minute_and_what_is_to_come_are_now(fakes):
    system, _ = past_of(fakes)
    client = client_of(system, history=system.history)
    for minutes in (0, 5):
        asked = Asked(at=(fakes.now // MINUTE_US + minutes) * MINUTE_US)
        assert "hx-sse:connect" in client.get(asked.href()).text


def test_what_the_slider_changes_comes_as_parts_of_the_page(fakes):
    system, asked = past_of(fakes)
    client = client_of(system, history=system.history)
    body = client.get(f"/fragments/minute?minute={asked.at // MINUTE_US}").text
    for name in ("status", "map", "strip", "shown", "moments", "feed", "present"):
        assert body.count(f'hx-target="#{name}"') == 1
    page = client.get(asked.href()).text
    for name in ("map", "strip", "moments"):
        part = re.search(rf'hx-target="#{name}"[^>]*>(.*?)</hx-partial>', body, re.DOTALL)
        assert part is not None
        assert part[1].strip() in page


def test_the_strip_has_a_bar_for_every_step_that_had_calls(fakes):
    system, asked = past_of(fakes)
    text = client_of(system, history=system.history).get(f"{asked.href()}&span=6h").text
    lanes = dict(
        re.findall(r'<div class="lane (\w+)">.*?<path class="bars" d="([^"]*)"', text, re.DOTALL)
    )
    assert lanes["plain"].count("M") == 2
    assert lanes["refused"].count("M") == 1
    assert lanes["nought"] == ""


def test_moments_near_the_minute_are_told_and_breakers_stand_as_they_stood(fakes):
    system, asked = past_of(fakes)
    system.history.note(
        Moment(
            at=asked.at - 3 * MINUTE_US, kind="upstream.open", subject="clause-reviewer", text=""
        ),
        Moment(at=asked.at + 5 * MINUTE_US, kind="upstream.up", subject="clause-reviewer", text=""),
        Moment(at=asked.at + 80 * MINUTE_US, kind="worker.gone", subject="worker 1", text=""),
    )
    text = client_of(system, history=system.history).get(asked.href()).text
    assert "upstream.open" in text
    assert "worker.gone" not in text
    assert "✕ breaker open" in text
    later = Asked(at=asked.at + 6 * MINUTE_US)
    assert "✕ breaker open" not in client_of(system, history=system.history).get(later.href()).text


def test_the_last_word_on_an_upstream_before_a_time_counts():
    moments = [
        Moment(at=3, kind="upstream.up", subject="a/b", text=""),
        Moment(at=1, kind="upstream.open", subject="a/b", text=""),
        Moment(at=9, kind="upstream.down", subject="a/b", text=""),
    ]
    assert past_healths(moments, 2, {"a": "a"})["a"].states == ["open"]
    assert past_healths(moments, 5, {"a": "a"})["a"].states == ["up"]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00Z", "0001-01-01T00:00Z"])
def test_what_is_no_time_is_now(text):
    assert minute_at(text) is None


def test_a_time_is_its_minute():
    assert minute_at("2026-11-21T15:03Z") == minute_at("2026-11-21T15:03:59")
    assert minute_at("2026-11-21T16:03+01:00") == minute_at("2026-11-21T15:03Z")


def test_no_history_means_no_past_and_says_so(fakes):
    text = client_of(fakes.FakeSystem()).get("/").text
    assert "keeps no history" in text
    assert 'type="range"' not in text
