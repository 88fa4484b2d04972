"""What the controls of resilience settle to, and that the digest names every one of them."""

import copy
import json
from dataclasses import fields
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.blueprint import (
    Breaker,
    Budget,
    Cache,
    Concurrency,
    Ejection,
    Fallback,
    Health,
    Hedge,
    Price,
    Retries,
    Routing,
    check,
    load,
)

MODEL = {"type": "ai:llm", "description": "d"}


def build(main=None, asks=None, west=None, up=None, **top):
    """``desk`` may call ``main``, which is made of ``west`` and ``east``; and ``spare``."""

    def upstream(port, more=None):
        return {"url": f"http://127.0.0.1:{port}/v1", **(more or {})}

    spare = {"upstream": upstream(3), "price": {"input": 1, "output": 1}}
    return {
        "holdfast": 1,
        "name": "x",
        "nodes": {
            "desk": {"type": "service", "description": "d"},
            "main": {**MODEL, "controls": {"limits": {"max_tokens": 100}, **(main or {})}},
            "west": {**MODEL, "controls": {"upstream": upstream(1, up), **(west or {})}},
            "east": {**MODEL, "controls": {"upstream": upstream(2)}},
            "spare": {**MODEL, "controls": {"limits": {"max_tokens": 100}, **spare}},
        },
        "relationships": [
            {"id": "asks", "connects": ["desk", "main"], "controls": asks or {}},
            {"id": "asks-spare", "connects": ["desk", "spare"]},
            {"id": "parts", "composed-of": {"container": "main", "nodes": ["west", "east"]}},
        ],
        **top,
    }


def read(data):
    return load(json.dumps(data), source="f", read=lambda _: "")


def digest(*args, **kwargs):
    return read(build(*args, **kwargs)).digest


def main(controls, asks=None):
    blueprint = read(build(controls, asks))
    return blueprint.nodes["main"], blueprint.relationship("desk", "main")


def test_nothing_written_means_the_documented_defaults():
    node, link = main({})
    assert (node.routing, node.retries, node.breaker) == (Routing(), Retries(), Breaker())
    assert (node.ejection, node.concurrency) == (Ejection(), Concurrency())
    assert (node.health, node.fallback, node.hedge, node.cache, node.price) == (None,) * 5
    assert (node.budget, node.bulkhead) == (None, None)
    assert (link.retries, link.criticality) == (Retries(), "standard")
    assert (link.fallback, link.hedge, link.cache, link.budget, link.bulkhead) == (None,) * 5


def test_what_a_relationship_writes_goes_over_what_its_destination_writes_field_by_field():
    node, link = main(
        {
            "retries": {"attempts": 2, "share": 0.2},
            "fallback": {"to": ["spare"]},
            "cache": {"ttl_s": 5, "scope": "caller"},
            "hedge": {"percentile": 99},
        },
        {
            "retries": {"attempts": 4, "backoff_s": 1},
            "fallback": {"after_first_token": True},
            "cache": {"ttl_s": 9},
            "hedge": {"share": 0.5},
        },
    )
    assert node.retries == Retries(attempts=2, share=0.2)
    assert link.retries == Retries(attempts=4, share=0.2, backoff_s=1)
    assert node.fallback == Fallback(to=("spare",), after_first_token=False)
    assert link.fallback == Fallback(to=("spare",), after_first_token=True)
    assert link.cache == Cache(ttl_s=9, scope="caller")
    assert link.hedge == Hedge(percentile=99, share=0.5)


def test_a_relationship_may_switch_on_what_its_destination_does_not():
    node, link = main({}, {"cache": {}, "hedge": {}, "fallback": {"to": ["spare"]}})
    assert (node.cache, node.hedge, node.fallback) == (None, None, None)
    assert (link.cache, link.hedge, link.fallback) == (Cache(), Hedge(), Fallback(to=("spare",)))


def test_zero_is_a_value_like_any_other():
    node, _ = main(
        {
            "retries": {"share": 0},
            "ejection": {"share_max": 0},
            "concurrency": {"queue": 0},
            "price": {"input": 0, "output": 0},
        }
    )
    assert node.retries.share == 0
    assert node.ejection.share_max == 0
    assert node.concurrency.queue == 0
    assert node.price == Price(input_micro=0, output_micro=0)


def test_what_one_upstream_has_of_its_own_is_handed_down_by_the_node_it_is_a_part_of():
    written = {
        "breaker": {"failures": 9, "open_s": 3},
        "health": {"path": "/health"},
        "concurrency": {"calls_max": 50, "queue": 7},
        "price": {"input": 1, "output": 2},
        "timeouts": {"connect_s": 700},
        "limits": {"connections": 60},
    }
    west = {
        "breaker": {"open_s": 4},
        "health": {"path": "/up"},
        "price": {"input": 3, "output": 4},
        "concurrency": {"calls_start": 20},
        "limits": {"connections": 70},
    }
    nodes = read(build(written, west=west)).nodes
    east, west = nodes["east"], nodes["west"]
    assert east.breaker == Breaker(failures=9, open_s=3)
    assert west.breaker == Breaker(failures=9, open_s=4)
    assert (east.health.path, west.health.path) == ("/health", "/up")
    assert (east.price.output_micro, west.price.output_micro) == (2_000_000, 4_000_000)
    assert (east.concurrency.calls_start, west.concurrency.calls_start) == (50, 20)
    assert (east.concurrency.calls_max, west.concurrency.calls_max) == (50, 50)
    assert (east.concurrency.queue, nodes["main"].concurrency.queue) == (Concurrency().queue, 7)
    assert (east.limits.connections, west.limits.connections) == (60, 70)
    assert (east.timeouts.connect_s, west.timeouts.connect_s) == (700, 700)
    assert east.timeouts.total_s >= east.timeouts.connect_s
    assert nodes["spare"].breaker == Breaker()


def test_a_node_that_nothing_calls_hands_nothing_down():
    data = build({"breaker": {"failures": 9}})
    data["relationships"].append(
        {"id": "made", "composed-of": {"container": "desk", "nodes": ["spare", "west"]}}
    )
    nodes = read(data).nodes
    assert (nodes["west"].breaker.failures, nodes["spare"].breaker) == (9, Breaker())


def test_of_two_fields_in_an_order_the_unwritten_one_follows_the_written():
    def settled(**controls):
        return main(controls)[0]

    assert settled(retries={"backoff_s": 5}).retries.backoff_s_max == 5
    assert settled(retries={"backoff_s_max": 0.01}).retries.backoff_s == 0.01
    assert settled(health={"path": "/", "every_s": 1}).health.timeout_s == 1
    assert settled(health={"path": "/", "timeout_s": 9}).health.every_s == 9
    assert settled(concurrency={"calls_max": 50}).concurrency.calls_start == 50
    assert settled(concurrency={"calls_min": 500}).concurrency.calls_start == 500


LIMIT = st.none() | st.integers(1, 300)


@given(st.fixed_dictionaries(dict.fromkeys(("calls_start", "calls_min", "calls_max"), LIMIT)))
def test_whatever_is_accepted_the_limit_begins_between_its_bounds(concurrency):
    data = build({"concurrency": concurrency})
    if check(json.dumps(data), source="f", read=lambda _: ""):
        return
    found = read(data).nodes["main"].concurrency
    assert found.calls_min <= found.calls_start <= (found.calls_max or found.calls_start)
    written = {name: value for name, value in concurrency.items() if value is not None}
    assert {name: getattr(found, name) for name in written} == written


@given(st.decimals(0, 10**6, places=6) | st.decimals(0, 10, places=6))
def test_money_and_prices_are_kept_exactly(amount):
    text = json.dumps(build({"price": {"input": 0, "output": 0}})).replace(
        '"output": 0', f'"output": {amount}'
    )
    price = load(text, source="f", read=lambda _: "").nodes["main"].price
    assert price.output_micro == amount * Decimal(10**6)


@pytest.mark.parametrize(
    ("written", "micro"),
    [(50, 50_000_000), (0.1, 100_000), (0.000001, 1), (999999999.999999, 999_999_999_999_999)],
)
def test_a_budget_of_money_is_in_millionths(written, micro):
    node, _ = main({"budget": {"per": "day", "money": written}, "price": {"input": 0, "output": 0}})
    assert node.budget == Budget(per="day", money_micro=micro)


@pytest.mark.parametrize(
    ("written", "count"),
    [(5, 5), ("500k", 500_000), ("500K", 500_000), ("2M", 2_000_000), ("1.5M", 1_500_000),
     ("1G", 10**9)],
)  # fmt: skip
def test_counts_are_numbers_or_text_with_k_m_or_g(written, count):
    node, _ = main({"budget": {"per": "month", "calls": written, "tokens": written}})
    assert node.budget == Budget(per="month", calls=count, tokens=count)


def test_the_tenant_has_a_budget_and_a_bulkhead_of_its_own():
    blueprint = read(build(budget={"per": "hour", "calls": "1k"}, bulkhead={"calls": 7}))
    assert blueprint.budget == Budget(per="hour", calls=1000, soft=0.8)
    assert blueprint.bulkhead == 7


def test_the_parts_of_a_node_come_in_one_order_each_once_however_they_are_written():
    data = build()
    data["relationships"].append(
        {"id": "again", "composed-of": {"container": "main", "nodes": ["west", "west"]}}
    )
    blueprint = read(data)
    members = blueprint.upstreams(blueprint.nodes["main"])
    assert [member.id for member in members] == ["east", "west"]


DEFAULTS = {
    "retries": {"attempts": 3, "share": 0.1, "per_s_min": 1, "backoff_s": 0.05, "backoff_s_max": 2},
    "breaker": {"failures": 5, "share": 0.5, "calls_min": 20, "window_s": 10, "open_s": 0.5},
    "ejection": {"share_max": 0.5, "ejected_s": 5},
    "concurrency": {
        "calls_start": 50,
        "calls_min": 1,
        "calls_max": None,
        "tokens": None,
        "queue": 1024,
        "queue_s": 5.0,
    },
    "routing": {"by": "least-loaded", "session_header": None},
    "hedge": None,
}


def test_defaults_written_out_leave_the_digest_alone():
    asks = {"criticality": "standard", "retries": {"attempts": 3}}
    assert digest(DEFAULTS, asks, up={"weight": 1, "priority": 0}) == digest()
    assert digest({"cache": {}}) == digest(
        {"cache": {"ttl_s": 300, "scope": "tenant", "bytes_max": "16MiB"}}
    )
    health = {"path": "/", "every_s": 5, "timeout_s": 2.0}
    assert digest({"health": {"path": "/"}}) == digest({"health": health})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"budget": {"per": "day", "tokens": "2M"}}, {"budget": {"per": "day", "tokens": 2000000}}),
        ({"price": {"input": 0.5, "output": 1}}, {"price": {"input": 0.50, "output": 1.0}}),
        ({"cache": {"bytes_max": "1KiB"}}, {"cache": {"bytes_max": 1024}}),
        (
            {"routing": {"by": "session", "session_header": "X-Session"}},
            {"routing": {"by": "session", "session_header": "x-session"}},
        ),
        ({"concurrency": {"calls_max": 9}}, {"concurrency": {"calls_max": 9, "calls_start": 9}}),
        ({"hedge": {}}, {"hedge": {"percentile": 95, "share": 0.05}}),
        ({"fallback": {"to": ["spare"]}}, {"fallback": {"to": ["spare"], "after_first_token": False}}),
    ],
)  # fmt: skip
def test_two_spellings_of_one_meaning_have_one_digest(one, other):
    assert digest(one) == digest(other) != digest()


PRICE = {"input": 1, "output": 1}
BUDGET = {"per": "day", "calls": 5, "tokens": "1M", "money": 5, "soft": 0.8}
HEALTH = {"path": "/", "every_s": 5, "timeout_s": 2}
SESSION = {"by": "session", "session_header": "x-a"}
CHANGES = {
    Retries: ("retries", {}, {"attempts": 4, "share": 0.3, "per_s_min": 2, "backoff_s": 0.06,
                              "backoff_s_max": 3}),
    Breaker: ("breaker", {}, {"failures": 6, "share": 0.6, "calls_min": 21, "window_s": 11,
                              "open_s": 0.6}),
    Ejection: ("ejection", {}, {"share_max": 0.6, "ejected_s": 6}),
    Concurrency: ("concurrency", {"calls_max": 900}, {"calls_start": 201, "calls_min": 2,
                  "calls_max": 901, "tokens": 5, "queue": 0, "queue_s": 6}),
    Health: ("health", HEALTH, {"path": "/a", "every_s": 6, "timeout_s": 1}),
    Routing: ("routing", SESSION, {"session_header": "x-b"}),
    Fallback: ("fallback", {"to": ["spare"]}, {"to": ["other"], "after_first_token": True}),
    Hedge: ("hedge", {}, {"percentile": 90, "share": 0.1}),
    Cache: ("cache", {}, {"ttl_s": 5, "scope": "caller", "bytes_max": 5}),
    Price: ("price", PRICE, {"input": 2, "output": 2}),
    Budget: ("budget", BUDGET, {"per": "hour", "calls": 6, "tokens": "2M", "money": 6, "soft": 1}),
}  # fmt: skip
CASES = [(kind, name) for kind, (_, _, change) in CHANGES.items() for name in change]


def with_other(data):
    """One more node to fall back to."""
    data["nodes"]["other"] = data["nodes"]["spare"]
    data["relationships"].append({"id": "asks-other", "connects": ["desk", "other"]})
    return data


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_field_of_every_control_of_a_node_is_part_of_the_digest(kind, name):
    control, base, change = CHANGES[kind]
    price = {"price": PRICE} if kind is Budget else {}
    before = with_other(build({control: base, **price}))
    after = with_other(build({control: {**base, name: change[name]}, **price}))
    assert read(before).digest != read(after).digest


def test_the_changes_tried_above_cover_every_field_there_is():
    spelt = {"input_micro": "input", "output_micro": "output", "money_micro": "money"}
    for kind, (_, _, change) in CHANGES.items():
        names = {spelt.get(item.name, item.name) for item in fields(kind)}
        assert names - {"by"} == set(change), kind  # `by` is tried below


@pytest.mark.parametrize(
    "changed",
    [
        build({"routing": {"by": "weighted"}}),
        build({"bulkhead": {"calls": 5}}),
        build(asks={"criticality": "sheddable"}),
        build(asks={"retries": {"attempts": 4}}),
        build(asks={"fallback": {"to": ["spare"]}}),
        build(asks={"hedge": {}}),
        build(asks={"cache": {}}),
        build(asks={"budget": {"per": "day", "calls": 5}}),
        build(asks={"bulkhead": {"calls": 5}}),
        build(up={"weight": 2}),
        build(up={"priority": 2}),
        build(west={"breaker": {"failures": 9}}),
        build(budget={"per": "day", "calls": 5}),
        build(bulkhead={"calls": 5}),
    ],
)
def test_a_change_of_meaning_changes_the_digest(changed):
    assert read(changed).digest != digest()


def test_the_order_of_fallbacks_is_part_of_the_digest_and_the_order_of_parts_is_not():
    def built(*order):
        return with_other(build({"fallback": {"to": list(order)}}))

    assert read(built("spare", "other")).digest != read(built("other", "spare")).digest
    turned = build()
    turned["relationships"][2]["composed-of"]["nodes"].reverse()
    assert read(turned).digest == digest()


FULL = with_other(
    build(
        {
            **{control: base for control, base, _ in CHANGES.values()},
            "concurrency": {"calls_start": 5, "calls_min": 2, "calls_max": 9, "tokens": "5k"},
            "retries": CHANGES[Retries][2],
            "bulkhead": {"calls": 5},
        },
        {
            "criticality": "critical",
            "retries": {"attempts": 2},
            "fallback": {"to": ["other", "spare"]},
            "hedge": {"share": 0.1},
            "cache": {"ttl_s": 5, "bytes_max": "1MiB"},
            "budget": BUDGET,
            "bulkhead": {"calls": 5},
        },
        {"concurrency": {"calls_max": 7}, "limits": {"connections": 8}, "price": PRICE},
        {"weight": 2, "priority": 1},
        budget=BUDGET,
        bulkhead={"calls": 5},
    )
)


def paths(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for step in value if isinstance(value, dict) else range(len(value)):
            yield from paths(value[step], (*path, step))


ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, 1e-300, 1e300, 2**70, "", "x", "2M", "main", "spare", "session",
     "a" * 2000, [], {}, ["main"], ["spare", "x"], {"to": ["west"]}, {"path": "/"}]
)  # fmt: skip


def put(data, path, odd):
    """Replace what stands at ``path``; nothing, when an earlier change took the way there away."""
    for step in path[:-1]:
        inside = dict(enumerate(data)) if isinstance(data, list) else data
        if not isinstance(inside, dict) or step not in inside:
            return
        data = inside[step]
    if isinstance(data, dict) or (isinstance(data, list) and path[-1] in range(len(data))):
        data[path[-1]] = odd


def test_the_file_that_oddities_are_put_into_is_sound():
    assert check(json.dumps(FULL), source="f", read=lambda _: "") == ()


@given(
    st.lists(
        st.tuples(st.sampled_from([path for path in paths(FULL) if path]), ODD),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_stands_in_a_field_the_answer_is_a_blueprint_or_problems(changes):
    data = json.loads(json.dumps(FULL))
    for path, odd in changes:
        put(data, path, copy.deepcopy(odd))
    text = json.dumps(data)
    problems = check(text, source="f", read=lambda _: "")
    assert all(problem.what and problem.fix and problem.line == 1 for problem in problems)
    if not any(problem.severity == "error" for problem in problems):
        assert json.loads(load(text, source="f", read=lambda _: "").content)
