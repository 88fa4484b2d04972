"""Objectives in a blueprint: how they are read, where they may stand, what they change."""

import json

import pytest

from holdfast.blueprint import Objective, check, load

FILE = """\
holdfast: 1
name: x
{top}nodes:
  desk: {{type: service, description: d, controls: {{{desk}}}}}
  main: {{type: ai:llm, description: d, controls: {{upstream: {{url: "http://127.0.0.1:1/v1"}}, {main}}}}}
  docs: {{type: ai:mcp-server, description: d, controls: {{upstream: {{url: "http://127.0.0.1:3/mcp", dialect: mcp}}, {docs}}}}}
  site: {{type: network, description: d}}
relationships:
  - {{id: asks, connects: [desk, main], controls: {{{asks}}}}}
  - {{id: reads, connects: [desk, docs], controls: {{{reads}}}}}
  - {{id: runs, deployed-in: {{container: site, nodes: [desk, main, docs]}}, controls: {{{runs}}}}}
"""
SLOTS = ("top", "desk", "main", "docs", "asks", "reads", "runs")
MAIN, DOCS = 5, 6
M = "nodes.main.controls.objectives"
TARGET = "write more than 0 % and less than 100 %: `99.9%`, or 0.999"


def file(**slots):
    filled = dict.fromkeys(SLOTS, "") | slots
    return FILE.format(**filled)


def read(**slots):
    return load(file(**slots), source="f.yaml", read=lambda _: "")


def told(**slots):
    problems = check(file(**slots), source="f.yaml", read=lambda _: "")
    return [(p.line, p.where, p.what, p.fix) for p in problems if p.severity == "error"]


def of_main(text):
    return read(main=f"price: {{input: 1, output: 1}}, objectives: {{{text}}}").nodes["main"]


def test_every_kind_is_read_exactly_and_stands_in_one_order():
    node = of_main(
        "cost: {money: 12.5, per: day}, tokens_per_s: {at_least: 20.5, share: 90%}, "
        "duration: {within_ms: 20000, share: 0.995, days: 7}, "
        "first_token: {within_ms: 0.5, share: 95 %}, availability: 99.95%"
    )
    assert node.objectives == (
        Objective(kind="availability", share_micro=999_500),
        Objective(kind="first_token", share_micro=950_000, limit=500),
        Objective(kind="duration", days=7, share_micro=995_000, limit=20_000_000),
        Objective(kind="tokens_per_s", share_micro=900_000, limit=20_500),
        Objective(kind="cost", limit=12_500_000, per="day"),
    )


@pytest.mark.parametrize("text", ["99.9%", "0.999", "{share: 99.9%}", "{share: 0.999, days: 28}"])
def test_one_target_may_be_written_in_several_ways_and_means_the_same(text):
    written = read(main=f"objectives: {{availability: {text}}}")
    assert written.digest == read(main="objectives: {availability: 99.9%}").digest


def test_objectives_are_part_of_what_the_digest_names():
    files = [
        {},
        {"main": "objectives: {availability: 99.9%}"},
        {"main": "objectives: {availability: 99%}"},
        {"main": "objectives: {availability: {share: 99%, days: 7}}"},
        {"asks": "objectives: {availability: 99%}"},
        {"top": "objectives: {availability: 99%}\n"},
    ]
    assert len({read(**slots).digest for slots in files}) == len(files)


def test_a_blueprint_without_objectives_keeps_the_digest_it_had_before_there_were_any():
    assert b"objectives" not in read().content
    assert "objectives" in json.loads(read(top="objectives: {availability: 99%}\n").content)


def test_nothing_is_handed_down():
    blueprint = read(main="objectives: {availability: 99%}")
    assert all(each.objectives == () for each in blueprint.relationships)
    assert blueprint.objectives == ()


ERRORS = [
    ({"main": "objectives: {}"}, MAIN, M, "objectives names none", "write one, such as `availability: 99.9%`, or remove it"),
    ({"main": "objectives: {availability: 100%}"}, MAIN, f"{M}.availability.share", "is not a target share", TARGET),
    ({"main": "objectives: {availability: 99.9}"}, MAIN, f"{M}.availability.share", "99.9 is out of range", TARGET),
    ({"main": "objectives: {availability: 0%}"}, MAIN, f"{M}.availability.share", "0% is out of range", TARGET),
    ({"main": "objectives: {availability: true}"}, MAIN, f"{M}.availability.share", "is not a target share", TARGET),
    ({"main": "objectives: {availability: 0.1234567}"}, MAIN, f"{M}.availability.share", "0.1234567 has more than six decimals", "round it to millionths"),
    ({"main": "objectives: {availability: {share: 9%, days: 91}}"}, MAIN, f"{M}.availability.days", "91 is out of range", "write a whole number from 1 to 90"),
    ({"main": "objectives: {first_tokn: {share: 9%}}"}, MAIN, f"{M}.first_tokn", "there is no field `first_tokn` here", "did you mean `first_token`?"),
    ({"main": "objectives: {duration: {within_ms: 0, share: 9%}}"}, MAIN, f"{M}.duration.within_ms", "0 is out of range", "write a number: at least 0.001, at most 600000"),
    ({"main": "objectives: {cost: {money: 5, per: week}}"}, MAIN, f"{M}.cost.per", "`week` is not a period known here", "use one of: 1000-calls, day"),
    ({"main": "objectives: {cost: {money: 5, per: day}}"}, MAIN, f"{M}.cost", "`main` has no price, so what its calls cost is not known", "add `price: {input: ..., output: ...}` (per million tokens; 0 where nothing is charged) under nodes.main.controls"),
    ({"docs": "objectives: {cost: {money: 5, per: day}}"}, DOCS, "nodes.docs.controls.objectives.cost", "cost can never be measured: only calls to models with a `price` cost something", "move it to where a model is called"),
    ({"docs": "objectives: {first_token: {within_ms: 5, share: 9%}}"}, DOCS, "nodes.docs.controls.objectives.first_token", "first_token can never be measured: MCP servers do not answer in tokens", "use `duration`, or move it to where a model is called"),
    ({"desk": "objectives: {availability: 9%}"}, 4, "nodes.desk.controls.objectives", "objectives have no effect here: `desk` has no upstream, so no call is sent to it", "move it to a node that has"),
    ({"runs": "objectives: {availability: 9%}"}, 11, "relationships[2].controls.objectives", "objectives have no effect here: no call passes over `runs`", "move it to a `connects` relationship"),
]  # fmt: skip


@pytest.mark.parametrize(("slots", "line", "where", "what", "fix"), ERRORS)
def test_what_could_never_be_measured_is_told_at_its_line_with_a_fix(slots, line, where, what, fix):
    assert told(**slots) == [(line, where, what, fix)]
