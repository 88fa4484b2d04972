"""Mistakes in the controls of resilience: each is told once, at its line, with a fix."""

import pytest

from holdfast.blueprint import check, load

HEAD = """\
holdfast: 1
name: x
{top}nodes:
  desk: {{type: service, description: d, controls: {{{desk}}}}}
  main: {{type: ai:llm, description: d, controls: {{{main}}}}}
  spare: {{type: ai:llm, description: d, controls: {{upstream: {{url: "http://127.0.0.1:3/v1"}}{spare}}}}}
  west: {{type: ai:llm, description: d, controls: {{upstream: {{url: "http://127.0.0.1:1/v1"{west_up}}}{west}}}}}
  east: {{type: ai:llm, description: d, controls: {{upstream: {{url: "http://127.0.0.1:2/v1"{east_up}}}{east}}}}}
  site: {{type: network, description: d, controls: {{{site}}}}}
relationships:
  - {{id: asks, connects: [desk, main], controls: {{{asks}}}}}
  - {{id: asks-spare, connects: [desk, spare], controls: {{{asks_spare}}}}}
  - {{id: parts, composed-of: {{container: main, nodes: [west, east]}}, controls: {{{parts}}}}}
  - {{id: runs, deployed-in: {{container: site, nodes: [desk, west, east, main, spare]}}}}
{more}"""
DESK, MAIN, SPARE, WEST, EAST, SITE = 4, 5, 6, 7, 8, 9  # lines, when `top` is empty
ASKS, ASKS_SPARE, PARTS, MORE = 11, 12, 13, 15
SLOTS = ("top", "desk", "main", "spare", "west", "west_up", "east", "east_up", "site", "asks")
SLOTS += ("asks_spare", "parts", "more")
AFTER = {"spare", "west", "east", "west_up", "east_up"}


def file(**slots):
    """The system above, with text in its slots."""
    filled = dict.fromkeys(SLOTS, "")
    filled.update({n: f", {text}" if n in AFTER else text for n, text in slots.items()})
    if filled["top"]:
        filled["top"] += "\n"
    return HEAD.format(**filled)


def problems(text):
    return check(text, source="f.yaml", read=lambda _: "")


def told(text):
    return [(p.severity, p.line, p.where, p.what, p.fix) for p in problems(text)]


def test_the_system_that_the_mistakes_are_made_in_is_sound():
    assert problems(file()) == ()


LIMITED = "limits: {max_tokens: 100}"
PRICED = "price: {input: 1, output: 2}"
M, S, W, D = (f"nodes.{name}.controls" for name in ("main", "spare", "west", "desk"))
A = "relationships[0].controls"
ONE = "compose a called node of several nodes with upstreams, or remove it"

ERRORS = [
    # values
    (file(main="retries: {attempts: 0}"), MAIN, f"{M}.retries.attempts", "0 is out of range", "write a whole number from 1 to 10"),
    (file(main="retries: {share: 2}"), MAIN, f"{M}.retries.share", "2 is out of range", "write a number: at least 0, at most 1"),
    (file(main="retries: {share: half}"), MAIN, f"{M}.retries.share", "must be a number, but is the text `half`", "write a number without quotes, such as 0.5"),
    (file(main="retries: {backoff_s: 0}"), MAIN, f"{M}.retries.backoff_s", "0 is out of range", "write seconds: at least 0.001, at most 60"),
    (file(main="retries: {backoff_s_max: 61}"), MAIN, f"{M}.retries.backoff_s_max", "61 is out of range", "write seconds: at least 0.001, at most 60"),
    (file(main="retries: {attempt: 2}"), MAIN, f"{M}.retries.attempt", "there is no field `attempt` here", "did you mean `attempts`?"),
    (file(main="breaker: {share: 0}"), MAIN, f"{M}.breaker.share", "0 is out of range", "write a number: more than 0, at most 1"),
    (file(main="hedge: {percentile: 100}"), MAIN, f"{M}.hedge.percentile", "100 is out of range", "write a number: at least 50, at most 99.9"),
    (file(main="health: {}"), MAIN, f"{M}.health.path", "`path` is missing", "add `path: ...`. What to GET, from the root of the upstream's host: `/health` for vLLM, `/api/version` for Ollama. A status from 200 to 399 is good; two failures in a row take the upstream out, two good answers bring it back."),
    (file(main="health: {path: health}"), MAIN, f"{M}.health.path", "is not a path to ask for", "write it like `/health`: from `/` on, no host, no fragment"),
    (file(main='health: {path: "/a\\r\\nb: c"}'), MAIN, f"{M}.health.path", "is not a path to ask for", "write it like `/health`: from `/` on, no host, no fragment"),
    (file(main="concurrency: {tokens: 2T}"), MAIN, f"{M}.concurrency.tokens", "`2T` is not a count", "write a whole number, or one with k, M or G: `500k`, `2M`"),
    (file(main="concurrency: {tokens: 0.0001k}"), MAIN, f"{M}.concurrency.tokens", "`0.0001k` is not a count", "write a whole number, or one with k, M or G: `500k`, `2M`"),
    (file(main="concurrency: {tokens: true}"), MAIN, f"{M}.concurrency.tokens", "is not a count", "write a whole number, or one with k, M or G: `500k`, `2M`"),
    (file(main="concurrency: {tokens: 0}"), MAIN, f"{M}.concurrency.tokens", "0 is out of range", "write at least 1 and at most 1,000,000,000,000,000"),
    (file(main="routing: {by: fastest}"), MAIN, f"{M}.routing.by", "`fastest` is not a way of routing known here", "use one of: cheapest, least-loaded, session, weighted"),
    (file(main="routing: {by: session, session_header: 'x y'}"), MAIN, f"{M}.routing.session_header", "`x y` is not the name of a header", "write it like `x-session-id`"),
    (file(main="fallback: {to: []}"), MAIN, f"{M}.fallback.to", "must not be empty", "fill it in, or remove it where it is optional"),
    (file(main="fallback: {to: [a, b, c, d, e]}"), MAIN, f"{M}.fallback.to", "is longer than 4", "shorten it"),
    (file(main="cache: {scope: world}"), MAIN, f"{M}.cache.scope", "`world` is not a scope known here", "use one of: caller, relationship, tenant"),
    (file(main="price: {input: 0.1234567, output: 1}"), MAIN, f"{M}.price.input", "0.1234567 has more than six decimals", "round it to millionths"),
    (file(main="price: {input: -1, output: 1}"), MAIN, f"{M}.price.input", "-1 is out of range", "write a number from 0 to 1,000,000"),
    (file(main="price: {input: $1, output: 1}"), MAIN, f"{M}.price.input", "must be an amount of money", "write a number without quotes or a sign of currency, such as 0.15"),
    (file(main="price: {input: 1}"), MAIN, f"{M}.price.output", "`output` is missing", "add `output: ...`. Per million tokens of the answer; six decimals count."),
    (file(desk="budget: {calls: 5}"), DESK, f"{D}.budget.per", "`per` is missing", "add `per: ...`. The period. It begins on the full minute, hour, day or month, in UTC."),
    (file(desk="budget: {per: week, calls: 5}"), DESK, f"{D}.budget.per", "`week` is not a period known here", "use one of: day, hour, minute, month"),
    (file(desk="budget: {per: day, money: 0}"), DESK, f"{D}.budget.money", "0 is out of range", "write more than 0; a budget of nothing refuses all calls"),
    (file(desk="bulkhead: {calls: 0}"), DESK, f"{D}.bulkhead.calls", "0 is out of range", "write a whole number from 1 to 1000000"),
    (file(top="bulkhead: 5"), 3, "bulkhead", "must be a mapping, but is the number 5", "write `key: value` lines under it, indented"),
    (file(west_up="weight: -1"), WEST, f"{W}.upstream.weight", "-1 is out of range", "write a whole number from 0 to 10000"),
    (file(west_up="priority: 101"), WEST, f"{W}.upstream.priority", "101 is out of range", "write a whole number from 0 to 100"),
    (file(asks="criticality: high"), ASKS, f"{A}.criticality", "`high` is not a criticality known here", "use one of: critical, sheddable, standard"),
    # fields that must fit each other
    (file(main="retries: {backoff_s: 3, backoff_s_max: 2}"), MAIN, f"{M}.retries.backoff_s", "backoff_s (3) is more than backoff_s_max (2)", "lower backoff_s, or raise backoff_s_max"),
    (file(asks="retries: {backoff_s: 3, backoff_s_max: 2}"), ASKS, f"{A}.retries.backoff_s", "backoff_s (3) is more than backoff_s_max (2)", "lower backoff_s, or raise backoff_s_max"),
    (file(main="retries: {share: 0, per_s_min: 0}"), MAIN, f"{M}.retries", "share and per_s_min are 0, so none of the 3 attempts is a retry", "raise one of them, or write `attempts: 1` to retry nothing"),
    (file(asks="retries: {share: 0.2}"), ASKS, f"{A}.retries.share", "share belongs to the node that is called, whose retry budget is shared", "write it under the node's controls.retries"),
    (file(main="health: {path: /, every_s: 1, timeout_s: 2}"), MAIN, f"{M}.health.timeout_s", "timeout_s (2) is more than every_s (1)", "lower timeout_s, or raise every_s"),
    (file(main="concurrency: {calls_min: 5, calls_start: 4}"), MAIN, f"{M}.concurrency.calls_min", "calls_min (5) is more than calls_start (4)", "lower calls_min, or raise calls_start"),
    (file(main="concurrency: {calls_start: 5, calls_max: 4}"), MAIN, f"{M}.concurrency.calls_start", "calls_start (5) is more than calls_max (4)", "lower calls_start, or raise calls_max"),
    (file(main="concurrency: {calls_min: 5, calls_max: 4}"), MAIN, f"{M}.concurrency.calls_min", "calls_min (5) is more than calls_max (4)", "lower calls_min, or raise calls_max"),
    (file(main="concurrency: {calls_max: 4}", west="concurrency: {calls_start: 5}"), WEST, f"{W}.concurrency.calls_start", "calls_start (5) is more than the calls_max of `main` (4)", "lower calls_start, or write a calls_max beside it"),
    (file(west="concurrency: {calls_max: 5}, limits: {connections: 4}"), WEST, f"{W}.concurrency.calls_max", "calls_max (5) is more than `west` has connections (4)", "lower calls_max, or raise limits.connections"),
    (file(main="limits: {connections: 4}", west="concurrency: {calls_start: 5}"), WEST, f"{W}.concurrency.calls_start", "calls_start (5) is more than `west` has connections (4)", "lower calls_start, or raise limits.connections"),
    (file(main="routing: {by: session}"), MAIN, f"{M}.routing.by", "routing by session needs the header that names the session", "add `session_header: ...`, such as `x-session-id`"),
    (file(main="routing: {session_header: x-a}"), MAIN, f"{M}.routing.session_header", "session_header has no effect: calls are not routed by session", "write `by: session` beside it, or remove it"),
    (file(main="budget: {per: day}"), MAIN, f"{M}.budget", "the budget limits nothing", "write at least one of `calls`, `tokens` and `money`"),
    (file(asks="budget: {per: day, soft: 1}"), ASKS, f"{A}.budget", "the budget limits nothing", "write at least one of `calls`, `tokens` and `money`"),
    (file(top="budget: {per: day}"), 3, "budget", "the budget limits nothing", "write at least one of `calls`, `tokens` and `money`"),
    # where an upstream is, and how many
    (file(main="upstream: {url: 'http://127.0.0.1:9/v1'}"), MAIN, f"{M}.upstream", "`main` has an upstream, and is composed of `west`, which has one too: where would a call go?", "keep its own upstream, or those of the nodes it is composed of"),
    (file(west_up="weight: 0", east_up="weight: 0"), MAIN, "nodes.main", "every upstream of `main` has weight 0, so none has a part of the calls", "raise the weight of at least one"),
    (file().replace(':3/v1"', ':3/v1", weight: 0'), SPARE, f"{S}.upstream.weight", "every upstream of `spare` has weight 0, so none has a part of the calls", "raise the weight of at least one"),
    (file(more="  - {id: also, composed-of: {container: spare, nodes: [west]}}\n").replace('upstream: {url: "http://127.0.0.1:3/v1"}', "breaker: {failures: 9}"), WEST, "nodes.west", "`west` is a part of `main` and `spare`, whose breaker differ", "write breaker under nodes.west.controls, or the same for both"),
    (file().replace("nodes: [west, east]", "nodes: [desk]"), ASKS, "relationships[0].connects[1]", "`main` is called, but has no upstream: where would a call go?", "add `upstream: {url: ...}` under nodes.main.controls, or a `composed-of` relationship to nodes that have one"),
    # no effect where they stand
    (file(desk="price: {input: 1, output: 1}"), DESK, f"{D}.price", "price has no effect here: `desk` has no upstream, so no call is sent to it", "move it to a node that has"),
    (file(desk="health: {path: /}"), DESK, f"{D}.health", "health has no effect here: `desk` has no upstream, so no call is sent to it", "move it to a node that has"),
    (file(desk="retries: {attempts: 2}"), DESK, f"{D}.retries", "retries have no effect here: `desk` has no upstream, so no call is sent to it", "move it to a node that has"),
    (file(site="bulkhead: {calls: 2}"), SITE, "nodes.site.controls.bulkhead", "bulkhead has no effect here: no call is made by or to `site`", "move it to a node that calls or is called"),
    (file(site="breaker: {failures: 2}", more="  - {id: made, composed-of: {container: site, nodes: [spare]}}\n"), SITE, "nodes.site.controls.breaker", "breaker has no effect here: nothing calls `site`", "move it to the nodes that are called"),
    (file(west="cache: {ttl_s: 5}"), WEST, f"{W}.cache", "cache has no effect here: `west` is called only as a part of `main`", "move it to nodes.main.controls"),
    (file(west="budget: {per: day, calls: 5}"), WEST, f"{W}.budget", "budget has no effect here: `west` is called only as a part of `main`", "move it to nodes.main.controls"),
    (file(west="timeouts: {total_s: 5}"), WEST, f"{W}.timeouts.total_s", "total_s has no effect here: `west` is called only as a part of `main`", "write it under nodes.main.controls.timeouts"),
    (file(west=LIMITED), WEST, f"{W}.limits.max_tokens", "max_tokens has no effect here: `west` is called only as a part of `main`", "write it under nodes.main.controls.limits"),
    (file(west="concurrency: {queue: 5}"), WEST, f"{W}.concurrency.queue", "queue has no effect here: `west` is called only as a part of `main`", "write it under nodes.main.controls.concurrency"),
    (file(parts="criticality: critical"), PARTS, "relationships[2].controls.criticality", "criticality has no effect here: no call passes over `parts`", "move it to a `connects` relationship"),
    (file(parts="retries: {attempts: 1}"), PARTS, "relationships[2].controls.retries", "retries have no effect here: no call passes over `parts`", "move it to a `connects` relationship"),
    (file(more="  - {id: r, connects: [main, desk], controls: {criticality: sheddable}}\n"), MORE, "relationships[4].controls.criticality", "criticality has no effect here: `desk` has no upstream to send to", "move it to a relationship with a node that has"),
    (file(asks="breaker: {failures: 1}"), ASKS, f"{A}.breaker", "`breaker` belongs to a node", "move it to the destination node's controls"),
    (file(main="criticality: critical"), MAIN, f"{M}.criticality", "`criticality` belongs to a relationship", "move it to the controls of the relationships over which the node is called"),
    # fallbacks
    (file(main="fallback: {after_first_token: true}"), MAIN, f"{M}.fallback", "`to` is missing", "add `to: [...]` with the ids of the nodes to ask instead"),
    (file(asks="fallback: {after_first_token: true}"), ASKS, f"{A}.fallback", "the fallback names no node, and neither does that of the called node", "add `to: [...]` with the ids of the nodes to ask instead"),
    (file(main="fallback: {to: [spar]}"), MAIN, f"{M}.fallback.to[0]", "there is no node `spar`", "did you mean `spare`?"),
    (file(asks="fallback: {to: [spare, spare]}"), ASKS, f"{A}.fallback.to[1]", "`spare` stands here twice", "keep one of the two"),
    (file(main="fallback: {to: [main]}"), MAIN, f"{M}.fallback.to[0]", "`main` cannot stand in for itself", "name another node, or take it out"),
    (file(asks="fallback: {to: [main]}"), ASKS, f"{A}.fallback.to[0]", "`main` cannot stand in for itself", "name another node, or take it out"),
    (file(main="fallback: {to: [west]}", more="  - {id: r, connects: [desk, west]}\n"), MAIN, f"{M}.fallback.to[0]", "`west` is one of the upstreams of `main` already", "name a node outside of it"),
    (file(main="fallback: {to: [site]}", more="  - {id: r, connects: [desk, site]}\n"), MAIN, f"{M}.fallback.to[0]", "`site` has no upstream: where would a call fall back to?", "add `upstream: {url: ...}` under nodes.site.controls, or name another node"),
    (file(main="fallback: {to: [spare]}", more="  - {id: r, connects: [site, main]}\n"), MAIN, f"{M}.fallback.to[0]", "`site` calls `main` and may fall back to `spare`, but no relationship declares that it may call that", "declare it: `connects: [site, spare]`; or take `spare` out of `to`"),
    (file(main="fallback: {to: [spare]}", more="  - {id: r, connects: [spare, main]}\n"), MAIN, f"{M}.fallback.to[0]", "`spare` calls `main`, and would fall back to itself", "take it out; or write the fallback on the relationships of the other callers"),
    (file(main="fallback: {to: [spare]}", spare="fallback: {to: [main]}"), SPARE, f"{S}.fallback.to[0]", "falling back goes round in a circle: `main` -> `spare` -> `main`", "take one of these out"),
    (file(main="fallback: {to: [spare]}", asks_spare="fallback: {to: [main]}"), ASKS_SPARE, "relationships[1].controls.fallback.to[0]", "falling back goes round in a circle: `main` -> `spare` -> `main`", "take one of these out"),
    # budgets
    (file(asks="budget: {per: day, tokens: 2M}"), ASKS, "relationships[0].connects", "calls to `main` have no max_tokens, but come under the budget of tokens on line 11: what one may cost is not known before it is made", "write `limits: {max_tokens: ...}` under nodes.main.controls, or under the controls of this relationship"),
    (file(top="budget: {per: day, tokens: 2M}", main=LIMITED), ASKS_SPARE + 1, "relationships[1].connects", "calls to `spare` have no max_tokens, but come under the budget of tokens on line 3: what one may cost is not known before it is made", "write `limits: {max_tokens: ...}` under nodes.spare.controls, or under the controls of this relationship"),
    (file(desk="budget: {per: day, money: 5}", main=f"{LIMITED}, {PRICED}", spare=LIMITED), SPARE, "nodes.spare", "`spare` has no price, but its calls come under the budget of money on line 4", "add `price: {input: ..., output: ...}` (per million tokens; 0 where nothing is charged) under nodes.spare.controls"),
    (file(main=f"{LIMITED}, budget: {{per: day, money: 5}}", west=PRICED), EAST, "nodes.east", "`east` has no price, but its calls come under the budget of money on line 5", "add `price: {input: ..., output: ...}` (per million tokens; 0 where nothing is charged) under nodes.east.controls"),
    (file(main=f"{LIMITED}, {PRICED}, fallback: {{to: [spare]}}", asks="budget: {per: day, money: 5}"), SPARE, "nodes.spare", "`spare` has no price, but its calls come under the budget of money on line 11", "add `price: {input: ..., output: ...}` (per million tokens; 0 where nothing is charged) under nodes.spare.controls"),
    (file(main="routing: {by: cheapest}", east=PRICED), WEST, "nodes.west", "`west` has no price, but calls to `main` are routed by price", "add `price: {input: ..., output: ...}` (per million tokens; 0 where nothing is charged) under nodes.west.controls"),
]  # fmt: skip

WARNINGS = [
    (file(spare="routing: {by: weighted}"), SPARE, f"{S}.routing", "routing says nothing while calls to `spare` have one upstream only", ONE),
    (file(spare="ejection: {share_max: 1}"), SPARE, f"{S}.ejection", "ejection says nothing while calls to `spare` have one upstream only", ONE),
    (file(spare="hedge: {}"), SPARE, f"{S}.hedge", "hedge says nothing while calls to `spare` have one upstream only", ONE),
    (file(asks_spare="hedge: {}"), ASKS_SPARE, "relationships[1].controls.hedge", "hedge says nothing while calls to `spare` have one upstream only", ONE),
    (file().replace(':3/v1"', ':3/v1", weight: 2'), SPARE, f"{S}.upstream.weight", "weight says nothing while calls to `spare` have one upstream only", ONE),
    (file(main=LIMITED, asks="budget: {per: day, tokens: 50}"), ASKS, f"{A}.budget.tokens", "one call may take 100 tokens, more than the whole budget (50)", "raise the budget, or lower limits.max_tokens"),
    (file(main=f"limits: {{max_tokens: 1000000}}, {PRICED}, budget: {{per: day, money: 1.5}}"), MAIN, f"{M}.budget.money", "one call may cost 2 and more, beyond the whole budget (1.5)", "raise the budget, lower limits.max_tokens, or check the price: it is per million"),
]  # fmt: skip

ROWS = [("error", *row) for row in ERRORS] + [("warning", *row) for row in WARNINGS]


@pytest.mark.parametrize(
    ("text", "expected"),
    [(row[1], (row[0], *row[2:])) for row in ROWS],
    ids=[f"{row[3]}-{row[4]}"[:70] for row in ROWS],
)
def test_each_mistake_is_told_once_with_line_path_and_fix(text, expected):
    assert told(text) == [expected]


SOUND = {
    "several upstreams answer for a model that has none of its own": file(),
    "all that a called node may hold": file(
        main="routing: {by: session, session_header: x-s}, retries: {attempts: 1}, breaker: {},"
        "ejection: {}, health: {path: /}, concurrency: {queue: 0}, fallback: {to: [spare]},"
        f"hedge: {{}}, cache: {{}}, {PRICED}, budget: {{per: day, money: 5}}, {LIMITED},"
        "bulkhead: {calls: 5}",
        spare=PRICED,
    ),
    "all that a part of it may hold": file(
        west_up="weight: 0, priority: 3",
        west=f"breaker: {{}}, health: {{path: /}}, concurrency: {{calls_max: 5}}, {PRICED},"
        "timeouts: {connect_s: 1}, limits: {connections: 9}",
    ),
    "all that a relationship may hold": file(
        main=PRICED,
        spare=PRICED,
        asks="retries: {attempts: 2}, fallback: {to: [spare]}, hedge: {}, cache: {}, "
        f"criticality: critical, budget: {{per: day, money: 5}}, bulkhead: {{calls: 5}}, {LIMITED}",
    ),
    "a budget of calls needs neither price nor max_tokens": file(
        top="budget: {per: day, calls: 5}"
    ),
    "a part that is called itself may say more": file(
        west=f"cache: {{}}, {LIMITED}, retries: {{attempts: 1}}",
        more="  - {id: r, connects: [desk, west]}\n",
    ),
    "one drained upstream of two": file(west_up="weight: 0"),
    "a caller may have its own fallback while another has none": file(
        asks="fallback: {to: [spare]}", more="  - {id: r, connects: [site, main]}\n"
    ),
    "parts shared by two nodes that say the same": file(
        main="breaker: {failures: 9}",
        more="  - {id: also, composed-of: {container: spare, nodes: [west]}}\n",
    ).replace('upstream: {url: "http://127.0.0.1:3/v1"}', "breaker: {failures: 9}"),
    "limits of the relationship bound what a budget covers": file(
        asks=LIMITED, main="budget: {per: day, tokens: 1M}"
    ),
}


@pytest.mark.parametrize("text", SOUND.values(), ids=SOUND)
def test_what_says_something_where_it_stands_is_left_alone(text):
    assert problems(text) == ()


def test_one_missing_price_and_one_missing_limit_are_told_once_however_many_budgets_cover_them():
    text = file(
        top="budget: {per: day, money: 5}",
        desk="budget: {per: hour, money: 5, tokens: 1M}",
        main=f"{PRICED}, {LIMITED}",
    )
    assert [p.where for p in problems(text)] == ["nodes.spare", "relationships[1].connects"]


def test_a_circle_closed_on_the_node_is_told_once_however_many_call_it():
    text = file(
        main="fallback: {to: [spare]}",
        spare="fallback: {to: [main]}",
        more="  - {id: r, connects: [site, main]}\n  - {id: s, connects: [site, spare]}\n",
    )
    (problem,) = problems(text)
    assert "in a circle" in problem.what


def test_a_mistake_elsewhere_does_not_make_a_called_model_seem_to_lack_its_upstreams():
    for broken in ("nodes: [west, east], x: 1", "nodes: [west, 5]"):
        text = file().replace("nodes: [west, east]", broken)
        assert all("no upstream" not in p.what for p in problems(text))
    text = file(west="timeouts: {total_s: 0}").replace("nodes: [west, east]", "nodes: [west]")
    assert [p.where for p in problems(text)] == [f"{W}.timeouts.total_s"]


def test_warnings_about_one_upstream_stop_nothing():
    text = file(spare="routing: {by: weighted}")
    assert load(text, source="f", read=lambda _: "").nodes["spare"].routing.by == "weighted"
