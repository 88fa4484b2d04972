"""What a checked blueprint says: settled settings, declared calls, and a digest of its meaning."""

import json

import pytest
import rfc8785
import yaml
from hypothesis import given
from hypothesis import strategies as st

from holdfast.blueprint import (
    Connects,
    Limits,
    NodeKind,
    SecretReference,
    Timeouts,
    check,
    load,
    starter,
)


def read(text, files=None):
    return load(text, source="f.yaml", read=(files or {}).__getitem__)


def build(node=None, relationship=None, **top):
    """A small blueprint as plain values: ``desk`` may call ``model``."""
    return {
        "holdfast": 1,
        "name": "x",
        "nodes": {
            "desk": {"type": "service", "description": "d"},
            "model": {
                "type": "ai:llm",
                "description": "d",
                "controls": {"upstream": {"url": "http://127.0.0.1:1/v1"}, **(node or {})},
            },
        },
        "relationships": [
            {"id": "asks", "connects": ["desk", "model"], "controls": relationship or {}}
        ],
        **top,
    }


def settled(node=None, relationship=None):
    blueprint = read(json.dumps(build(node, relationship)))
    declared = blueprint.relationship("desk", "model")
    return blueprint.timeouts(declared), blueprint.limits(declared)


def test_the_defaults_are_the_documented_ones():
    assert settled() == (
        Timeouts(connect_s=5, first_byte_s=60, idle_s=30, total_s=600),
        Limits(
            request_bytes=10 * 2**20, answer_bytes=32 * 2**20, max_tokens=None, connections=2048
        ),
    )


def test_the_relationship_wins_over_the_node_and_the_node_over_defaults_field_by_field():
    timeouts, limits = settled(
        {"timeouts": {"connect_s": 2, "idle_s": 7}, "limits": {"max_tokens": 5, "connections": 3}},
        {"timeouts": {"idle_s": 9.5}, "limits": {"max_tokens": 4, "answer_bytes": "1MB"}},
    )
    assert timeouts == Timeouts(connect_s=2, first_byte_s=60, idle_s=9.5, total_s=600)
    assert limits == Limits(
        request_bytes=10 * 2**20, answer_bytes=10**6, max_tokens=4, connections=3
    )


def test_a_short_total_shortens_the_waits_nobody_wrote():
    timeouts, _ = settled({"timeouts": {"total_s": 20}})
    assert timeouts == Timeouts(connect_s=5, first_byte_s=20, idle_s=20, total_s=20)


def test_a_wait_written_without_a_total_is_not_cut_short_by_one():
    timeouts, _ = settled({"timeouts": {"total_s": 20}}, {"timeouts": {"first_byte_s": 900}})
    assert timeouts.first_byte_s == 900
    assert timeouts.total_s == 900


SECONDS = st.one_of(
    st.none(), st.floats(0.001, 86400, allow_subnormal=False), st.integers(1, 86400)
)
WAITS = st.fixed_dictionaries(
    dict.fromkeys(("connect_s", "first_byte_s", "idle_s", "total_s"), SECONDS)
).map(
    lambda waits: {
        name: value
        for name, value in waits.items()
        if value is not None and value <= (waits["total_s"] or 86400)
    }
)


@given(WAITS, WAITS)
def test_no_settled_wait_exceeds_the_settled_total_and_what_the_relationship_writes_holds(
    low, high
):
    high.pop("connect_s", None)  # the node's alone
    timeouts, _ = settled({"timeouts": low}, {"timeouts": high})
    assert max(timeouts.connect_s, timeouts.first_byte_s, timeouts.idle_s) <= timeouts.total_s
    assert all(getattr(timeouts, name) == value for name, value in high.items())


@pytest.mark.parametrize(
    ("written", "size"),
    [(1, 1), ("1B", 1), ("10MB", 10**7), ("512KiB", 2**19), ("2 GB", 2 * 10**9), ("4GiB", 2**32)],
)
def test_sizes_are_bytes_or_text_with_a_unit(written, size):
    assert settled({"limits": {"request_bytes": written}})[1].request_bytes == size


def test_an_upstream_is_settled_for_those_who_connect():
    node = {
        "upstream": {
            "url": "https://API.example.com/openai/v1/",
            "api_key": "env:KEY",
            "model": "gpt",
        }
    }
    upstream = read(json.dumps(build(node))).nodes["model"].upstream
    assert upstream.url == "https://api.example.com/openai/v1"
    assert (upstream.address.host, upstream.address.port) == ("api.example.com", 443)
    assert upstream.address.tls
    assert upstream.path == "/openai/v1"
    assert upstream.api_key == SecretReference(kind="env", name="KEY")
    assert (upstream.model, upstream.dialect) == ("gpt", "openai")


def test_a_model_is_asked_for_under_its_id_when_no_other_name_is_written():
    assert read(json.dumps(build())).nodes["model"].upstream.model == "model"


def test_only_declared_calls_are_relationships():
    blueprint = read(json.dumps(build()))
    assert blueprint.relationship("desk", "model").link == Connects(
        source="desk", destination="model"
    )
    assert blueprint.relationship("model", "desk") is None
    assert blueprint.relationship("desk", "desk") is None
    assert [node.id for node in blueprint.callees("desk")] == ["model"]
    assert blueprint.callees("model") == ()


def test_labels_are_the_plain_values_of_metadata():
    data = build()
    data["nodes"]["desk"]["metadata"] = {"a": "x", "b": 1, "c": True, "d": [1], "e": 1.5, "f": None}
    assert read(json.dumps(data)).nodes["desk"].labels == {"a": "x", "b": 1, "c": True}


def test_node_types_of_ones_own_are_of_the_kind_other():
    data = build()
    data["nodes"]["desk"]["type"] = "x-robot"
    assert read(json.dumps(data)).nodes["desk"].kind is NodeKind.OTHER


def test_every_part_of_the_short_form_is_read():
    blueprint = read(WHOLE, {"policies/a.cedar": "// none"})
    assert blueprint.warnings == ()
    assert [type(item.link).__name__ for item in blueprint.relationships] == [
        "Connects",
        "Interacts",
        "DeployedIn",
        "ComposedOf",
        "Options",
    ]
    assert blueprint.relationships[0].link.destination_interfaces == ("api",)
    assert [step.back for step in blueprint.flows[0].steps] == [False, False, True]
    assert blueprint.nodes["reviewer"].controls["audit"].requirements[0].config == b'{"level":3}'
    assert blueprint.policies[0].name == "policies/a.cedar"
    assert blueprint.trust_domain == "example.org"
    assert blueprint.text == WHOLE


WHOLE = """\
holdfast: 1
name: document-review
description: Reviews clauses.
tenant: legal
trust_domain: example.org
nodes:
  person: {type: actor, description: Reads, metadata: [{a: 1}, {b: 2}]}
  desk: {type: service, name: Review desk, description: Sends}
  laptop: {type: system, description: Runs}
  reviewer:
    type: ai:llm
    description: Answers
    interfaces: {api: {url: "http://127.0.0.1:8090/v1", port: 8090}}
    controls:
      upstream: {url: "http://127.0.0.1:8090/v1", api_key: "file:keys/a"}
      timeouts: {connect_s: 0.5}
      audit: {description: d, requirements: [{requirement-url: u, config: {level: 3}}]}
relationships:
  - id: asks
    connects: [desk, {node: reviewer, interfaces: [api]}]
    protocol: HTTP
    description: Clauses
    controls: {limits: {max_tokens: 10}}
    metadata: {seen: 1.5}
  - {id: uses, interacts: {actor: person, nodes: [desk]}}
  - {id: runs, deployed-in: {container: laptop, nodes: [desk, reviewer]}}
  - {id: made, composed-of: {container: laptop, nodes: [reviewer]}}
  - {id: open, options: [{description: d, nodes: [desk], relationships: [asks], controls: [audit]}]}
flows:
  - id: review
    name: Review
    description: A clause is read.
    steps:
      - {over: uses, description: one}
      - {over: asks, description: two}
      - {over: asks, description: three, back: true}
policies: [policies/a.cedar]
metadata: {owner: us}
adrs: ["https://example.org/1"]
"""


def digest(data, files=None):
    return read(json.dumps(data), files).digest


def test_content_is_canonical_json_as_rfc_8785_says():
    content = read(WHOLE, {"policies/a.cedar": ""}).content
    assert rfc8785.dumps(json.loads(content)) == content


@given(st.randoms(use_true_random=False))
def test_order_of_keys_of_relationships_and_layout_leave_the_digest_alone(random):
    def shuffled(value):
        if isinstance(value, dict):
            items = [(key, shuffled(item)) for key, item in value.items()]
            random.shuffle(items)
            return dict(items)
        return value

    data = yaml.safe_load(WHOLE)
    mixed = shuffled(data)
    random.shuffle(mixed["relationships"])
    files = {"policies/a.cedar": ""}
    assert read(yaml.safe_dump(mixed, sort_keys=False), files).digest == digest(data, files)


def test_comments_and_defaults_written_out_leave_the_digest_alone():
    spelled = build(
        {"timeouts": {"connect_s": 5.0, "total_s": 600}, "limits": {"max_tokens": None}}
    )
    assert digest(build()) == digest(spelled)
    assert read(starter()).digest == read(starter().replace("# Ollama", "# My own")).digest


@pytest.mark.parametrize(
    "changed",
    [
        build(name="y"),
        build(description="y"),
        build(tenant="y"),
        build(trust_domain="y"),
        build(metadata={"a": 1.5}),
        build(adrs=["y"]),
        build({"timeouts": {"connect_s": 4.5}}),
        build({"limits": {"max_tokens": 1}}),
        build({"upstream": {"url": "http://127.0.0.1:2/v1"}}),
        build({"upstream": {"url": "http://127.0.0.1:1/v1", "api_key": "env:A"}}),
        build({"audit": {"description": "d", "requirements": []}}),
        build(None, {"timeouts": {"idle_s": 4.5}}),
        build(relationships=[]),
    ],
)
def test_a_change_of_meaning_changes_the_digest(changed):
    assert digest(changed) != digest(build())


def test_the_text_of_a_policy_is_part_of_the_digest():
    data = build(policies=["a.cedar"])
    assert digest(data, {"a.cedar": "1"}) != digest(data, {"a.cedar": "2"})


def paths(value, path=()):
    yield path
    if isinstance(value, dict | list):
        steps = value if isinstance(value, dict) else range(len(value))
        for step in steps:
            yield from paths(value[step], (*path, step))


PATHS = sorted((path for path in paths(yaml.safe_load(WHOLE)) if path), key=str)
ODD = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, 1.5, 2**70, "", "x", "desk", "asks", "reviewer", "[", "a" * 5000, "é\n"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "node", "nodes", "type", "x", "url", "", "total_s"]), inner
        )
    ),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.sampled_from(PATHS), ODD), min_size=1, max_size=3))
def test_whatever_stands_in_a_field_the_answer_is_a_blueprint_or_problems(changes):
    data = yaml.safe_load(WHOLE)
    for path, odd in changes:
        put(data, path, odd)
    text = json.dumps(data)
    problems = check(text, source="f", read=lambda _: "")
    assert all(problem.what and problem.fix and problem.line == 1 for problem in problems)
    if not any(problem.severity == "error" for problem in problems):
        blueprint = load(text, source="f", read=lambda _: "")
        assert json.loads(blueprint.content)


def put(data, path, odd):
    """Replace what stands at ``path``; nothing, when an earlier change took the way there away."""
    for step in path[:-1]:
        data = dict(enumerate(data)).get(step) if isinstance(data, list) else data.get(step)
        if not isinstance(data, dict | list):
            return
    if isinstance(data, dict):
        data[str(path[-1])] = odd
    elif isinstance(path[-1], int) and path[-1] < len(data):
        data[path[-1]] = odd
