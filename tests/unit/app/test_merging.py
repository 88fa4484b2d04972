"""Many workers told as one system: counts add up and never go back, the worse state is shown."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.app.channel import Report
from holdfast.app.merging import Past, merge_nodes, merge_upstreams, without_room
from holdfast.gateway import COUNTERS, NodeSeen, Totals, UpstreamSeen, UpstreamState

STATES = get_args(UpstreamState)


def report(*, nodes: list[NodeSeen] | None = None, upstreams: list[UpstreamSeen] | None = None):
    return Report(Totals(), [], [], None, nodes or [], upstreams or [])


def upstream(**changes: object) -> UpstreamSeen:
    fields = {
        "node": "model",
        "upstream": "model-1",
        "url": "http://127.0.0.1:1/v1",
        "state": "up",
        "in_flight": 1,
        "limit": 10,
        "first_token_ms": None,
        "tokens_per_s": None,
        "sent": 5,
        "failed": 1,
    }
    return UpstreamSeen(**fields | changes)


def test_load_and_counts_of_workers_add_up() -> None:
    [merged] = merge_upstreams(
        [report(upstreams=[upstream()]), report(upstreams=[upstream(in_flight=3, limit=4)])],
        Past(),
    )
    assert (merged.in_flight, merged.limit, merged.sent, merged.failed) == (4, 14, 10, 2)


def test_a_leaving_worker_adds_its_calls_but_no_room() -> None:
    leaving = without_room(report(upstreams=[upstream(in_flight=3)]))
    [merged] = merge_upstreams([report(upstreams=[upstream()]), leaving], Past())
    assert (merged.in_flight, merged.limit) == (4, 10)


@given(st.lists(st.sampled_from(STATES), min_size=1))
def test_the_worst_state_that_a_worker_sees_is_shown(states: list[UpstreamState]) -> None:
    [merged] = merge_upstreams([report(upstreams=[upstream(state=s)]) for s in states], Past())
    assert STATES.index(merged.state) == max(STATES.index(state) for state in states)


def test_averages_are_weighted_by_what_each_worker_sent_and_leave_out_who_knows_none() -> None:
    parts = [
        upstream(first_token_ms=100.0, sent=30),
        upstream(first_token_ms=200.0, sent=10),
        upstream(first_token_ms=None, sent=1000),
    ]
    [merged] = merge_upstreams([report(upstreams=[part]) for part in parts], Past())
    assert merged.first_token_ms == pytest.approx(125.0)
    assert merged.tokens_per_s is None


counters = st.dictionaries(st.sampled_from(COUNTERS), st.integers(0, 1000))


@given(st.lists(counters, min_size=2, max_size=5), st.integers(0, 3))
def test_a_replaced_worker_takes_no_count_with_it(counts: list[dict[str, int]], gone: int) -> None:
    reports = [
        report(nodes=[NodeSeen("model", 1, each)], upstreams=[upstream(sent=sum(each.values()))])
        for each in counts
    ]
    before_nodes, before_upstreams = merge_nodes(reports, Past()), merge_upstreams(reports, Past())
    past = Past()
    gone = min(gone, len(reports) - 1)
    for ended in reports[:gone]:
        past.take(ended)
    [node], [merged] = merge_nodes(reports[gone:], past), merge_upstreams(reports[gone:], past)
    assert node.counters == before_nodes[0].counters
    assert node.queued == len(reports) - gone
    assert merged.sent == before_upstreams[0].sent


def test_a_node_that_the_blueprint_no_longer_declares_is_forgotten() -> None:
    past = Past()
    past.take(report(nodes=[NodeSeen("model", 0, {"shed": 4})], upstreams=[upstream()]))
    past.keep(["model"])
    assert (past.counters, past.attempts) == ({"model": {"shed": 4}}, {})
    past.keep([])
    assert past.counters == {}


def test_nodes_keep_the_order_in_which_they_are_reported() -> None:
    nodes = [NodeSeen(name, 0, {}) for name in ("b", "a", "c")]
    merged = merge_nodes([report(nodes=nodes), report(nodes=nodes[::-1])], Past())
    assert [node.node for node in merged] == ["b", "a", "c"]
