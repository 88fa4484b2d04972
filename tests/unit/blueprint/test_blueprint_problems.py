"""Every mistake is told with its place, in plain words, with a fix. And all of them at once."""

import pytest

from holdfast.blueprint import BlueprintError, check, load
from holdfast.world.ports import WorldError

HEAD = """\
holdfast: 1
name: review
nodes:
  desk: {type: service, description: Asks}
  model:
    type: ai:llm
    description: Answers
    interfaces: {api: {url: "http://127.0.0.1:1/v1"}}
    controls: {upstream: {url: "http://127.0.0.1:1/v1"}}
relationships:
  - {id: asks, connects: [desk, model]}
"""  # 11 lines


def no_files(name):
    raise FileNotFoundError(name)


def problems(text, read=no_files):
    return check(text, source="f.yaml", read=read)


def told(text, read=no_files):
    return [(p.line, p.column, p.where, p.what, p.fix) for p in problems(text, read)]


def node(text):
    return HEAD.replace("nodes:\n", f"nodes:\n  x: {text}\n") + "  - {id: u, connects: [x, desk]}\n"


def controls(text):
    return node(f"{{type: service, description: d, controls: {text}}}")


def upstream(text):
    return controls(f"{{upstream: {text}}}")


def relationship(text):
    return HEAD + f"  - {text}\n"


def flow(steps):
    return HEAD + f"flows:\n  - {{id: f, name: n, description: d, steps: {steps}}}\n"


ID_FIX = "use 1 to 63 lower-case letters, digits and dashes, starting with a letter or digit"
URL_FIX = "write it like `http://127.0.0.1:11434/v1`"
SIZE_FIX = "write whole bytes, or a whole number with B, KB, MB, GB, KiB, MiB or GiB: `10MB`"
TYPES_FIX = "Types of your own start with `x-`."
X = "nodes.x.controls"

TABLE = [
    # what is the node's alone
    (relationship("{id: r, connects: [model, desk], controls: {timeouts: {connect_s: 1}}}"), 12, "relationships[1].controls.timeouts.connect_s", "connect_s belongs to the node that is called, whose connections are shared", "write it under the node's controls.timeouts"),
    (relationship("{id: r, connects: [model, desk], controls: {limits: {connections: 1}}}"), 12, "relationships[1].controls.limits.connections", "connections belongs to the node that is called, whose connections are shared", "write it under the node's controls.limits"),
    # the header
    (HEAD.replace("holdfast: 1", "holdfast: 2"), 1, "holdfast", "format `2` is not one this Holdfast reads", "write `holdfast: 1`"),
    (HEAD.replace("name: review\n", ""), 1, "name", "`name` is missing", "add `name: ...`. The system's name."),
    (HEAD.replace("name: review", "name:"), 2, "name", "must be text, but is nothing", "write text; put numbers and true/false in quotes"),
    (HEAD.replace("name: review", "name: ''"), 2, "name", "must not be empty", "fill it in, or remove it where it is optional"),
    (HEAD.replace("name: review", "name: 7"), 2, "name", "must be text, but is the number 7", "write text; put numbers and true/false in quotes"),
    (HEAD + "polices: []\n", 12, "polices", "there is no field `polices` here", "did you mean `policies`?"),
    (HEAD + "tenant: A\n", 12, "tenant", "`A` is not a usable id", ID_FIX),
    (HEAD + "trust_domain: A/b\n", 12, "trust_domain", "`A/b` is not a SPIFFE trust domain", "use lower-case letters, digits, dots, dashes and underscores, as in `example.org`"),
    (HEAD + "metadata: 5\n", 12, "metadata", "metadata must be a mapping, or a list of mappings", "write `key: value` lines under it"),
    (HEAD + "adrs: x\n", 12, "adrs", "must be a list, but is the text `x`", "write `[a, b]`, or one `- item` a line"),
    ("holdfast: 1\nname: x\nnodes: {}\n", 3, "nodes", "must not be empty", "fill it in, or remove it where it is optional"),
    ("holdfast: 1\nname: x\nnodes:\n", 3, "nodes", "must be a mapping, but is nothing", "write `key: value` lines under it, indented"),
    ("- a\n", 1, "", "must be a mapping, but is a list", "write `key: value` lines under it, indented"),
    # nodes
    (node("{type: servce, description: d}"), 4, "nodes.x.type", "`servce` is not a node type", f"did you mean `service`? {TYPES_FIX}"),
    (node("{type: service}"), 4, "nodes.x.description", "`description` is missing", "add `description: ...`. What it does, in a sentence."),
    (node("{type: service, description: d, desciption: e}"), 4, "nodes.x.desciption", "there is no field `desciption` here", "did you mean `description`?"),
    (node("[]"), 4, "nodes.x", "must be a mapping, but is a list", "write `key: value` lines under it, indented"),
    (HEAD.replace("desk", "Desk"), 4, "nodes.Desk", "`Desk` is not a usable id", ID_FIX),
    (HEAD.replace("api:", "API:"), 8, "nodes.model.interfaces.API", "`API` is not a usable id", ID_FIX),
    (HEAD.replace("api:", "desk:"), 8, "nodes.model.interfaces.desk", "the id `desk` is taken by the node on line 4", "give this interface an id of its own"),
    # controls
    (controls("{timeout: {total_s: 1}}"), 4, f"{X}.timeout", "`timeout` is neither a control of Holdfast nor a CALM control", "did you mean `timeouts`? A CALM control has `description` and `requirements`."),
    (controls("{timeouts: {first_byte: 1}}"), 4, f"{X}.timeouts.first_byte", "there is no field `first_byte` here", "did you mean `first_byte_s`?"),
    (controls("{timeouts: {total_s: 0}}"), 4, f"{X}.timeouts.total_s", "0 is out of range", "write seconds: more than 0, at most 86400"),
    (controls("{timeouts: {total_s: 86401}}"), 4, f"{X}.timeouts.total_s", "86401 is out of range", "write seconds: more than 0, at most 86400"),
    (controls("{timeouts: {total_s: 5s}}"), 4, f"{X}.timeouts.total_s", "must be a number of seconds, but is the text `5s`", "write a number without quotes or unit, such as 30"),
    (controls("{timeouts: {total_s: 5, idle_s: 6}}"), 4, f"{X}.timeouts.idle_s", "idle_s (6) is more than total_s (5)", "lower idle_s, or raise total_s"),
    (controls("{limits: {request_bytes: 10XB}}"), 4, f"{X}.limits.request_bytes", "`10XB` is not a size", SIZE_FIX),
    (controls("{limits: {request_bytes: true}}"), 4, f"{X}.limits.request_bytes", "is not a size", SIZE_FIX),
    (controls("{limits: {request_bytes: 0}}"), 4, f"{X}.limits.request_bytes", "0 is out of range", "write at least 1 byte and at most 4GiB"),
    (controls("{limits: {answer_bytes: 5GiB}}"), 4, f"{X}.limits.answer_bytes", "5GiB is out of range", "write at least 1 byte and at most 4GiB"),
    (controls("{limits: {connections: 0}}"), 4, f"{X}.limits.connections", "0 is out of range", "write a whole number from 1 to 65535"),
    (controls("{limits: {max_tokens: 1.5}}"), 4, f"{X}.limits.max_tokens", "must be a whole number, but is the number 1.5", "write digits only, without quotes or units"),
    (controls("{c: {description: d, requirements: [{requirement-url: u}]}}"), 4, f"{X}.c.requirements[0]", "a requirement needs exactly one of `config` and `config-url`", "write how it is met in `config`, or where that stands in `config-url`"),
    (controls("{a_b: {description: d, requirements: []}}"), 4, f"{X}.a_b", "`a_b` is not a usable name of a control", "use letters, digits and dashes"),
    (controls("{c: {requirements: []}}"), 4, f"{X}.c.description", "`description` is missing", "add `description: ...`. What the control is for."),
    # upstreams
    (upstream("{}"), 4, f"{X}.upstream", "an upstream has a `url` or a `command`; this has neither", "write where it answers, or, for an MCP server on this machine, how it is started"),
    (upstream("{url: ftp://a/b}"), 4, f"{X}.upstream.url", "`ftp` is neither http nor https", URL_FIX),
    (upstream("{url: localhost}"), 4, f"{X}.upstream.url", "`localhost` is neither http nor https", URL_FIX),
    (upstream("{url: 'http:///v1'}"), 4, f"{X}.upstream.url", "the URL has no usable host and port", URL_FIX),
    (upstream("{url: 'http://localhost:99999/v1'}"), 4, f"{X}.upstream.url", "the URL has no usable host and port", URL_FIX),
    (upstream('{url: "http://localhost/v1\\r\\nX: y"}'), 4, f"{X}.upstream.url", "the URL has characters no URL may have", URL_FIX),
    (upstream("{url: 'http://me:pw@localhost/v1'}"), 4, f"{X}.upstream.url", "the URL holds a user or password", "take it out and write `api_key: env:NAME` beside the url"),
    (upstream("{url: 'http://localhost/v1?x=1'}"), 4, f"{X}.upstream.url", "the URL has a query or fragment", "remove everything from `?` or `#` on"),
    (upstream("{url: 'http://localhost/v1#x'}"), 4, f"{X}.upstream.url", "the URL has a query or fragment", "remove everything from `?` or `#` on"),
    (upstream("{url: 'http://10.0.0.1/v1'}"), 4, f"{X}.upstream.url", "calls to 10.0.0.1 would travel unencrypted", "use https; or write `insecure_plain_http: true` beside the url and accept the risk"),
    (upstream("{url: 'https://a.b/v1', api_key: sk-verysecret}"), 4, f"{X}.upstream.api_key", "a secret must not stand in the blueprint", "keep it in an environment variable and write `env:NAME`, or in a file and write `file:PATH`; if this was a real key, replace it at its issuer"),
    (upstream("{url: 'https://a.b/v1', api_key: 123456}"), 4, f"{X}.upstream.api_key", "must be text, but is a value", "write text; put numbers and true/false in quotes"),
    (upstream("{url: 'https://a.b/v1', dialect: opnai}"), 4, f"{X}.upstream.dialect", "`opnai` is not a dialect known here", "did you mean `openai`?"),
    (upstream("{url: 'https://a.b/v1', insecure_plain_http: 'yes'}"), 4, f"{X}.upstream.insecure_plain_http", "must be true or false, but is the text `yes`", "write true or false, without quotes"),
    # relationships
    (relationship("{id: b, connects: [desk, modle]}"), 12, "relationships[1].connects[1]", "there is no node `modle`", "did you mean `model`?"),
    (relationship("{id: b, connects: [desk]}"), 12, "relationships[1].connects", "must name exactly two nodes", "write `connects: [source, destination]`"),
    (relationship("{id: b, conects: [desk, model]}"), 12, "relationships[1].conects", "there is no field `conects` here", "did you mean `connects`?"),
    (relationship("{id: b, connects: [desk, desk]}"), 12, "relationships[1].connects[1]", "`desk` has a relationship with itself", "name another node, or remove the relationship"),
    (relationship("{id: b, connects: [desk, model]}"), 12, "relationships[1].connects", "`asks` already connects `desk` to `model`", "keep one of the two"),
    (relationship("{id: asks, connects: [model, desk]}"), 12, "relationships[1].id", "the id `asks` is taken by the relationship on line 11", "give this relationship an id of its own"),
    (relationship("{id: model, connects: [model, desk]}"), 12, "relationships[1].id", "the id `model` is taken by the node on line 5", "give this relationship an id of its own"),
    (relationship("{id: b}"), 12, "relationships[1]", "`b` links nothing", "write exactly one of: connects, interacts, deployed-in, composed-of, options"),
    (relationship("{id: b, connects: [model, desk], interacts: {actor: desk, nodes: [model]}}"), 12, "relationships[1]", "`b` says connects and interacts", "write exactly one of: connects, interacts, deployed-in, composed-of, options"),
    (relationship("{id: b, connects: [model, desk], protocol: htp}"), 12, "relationships[1].protocol", "`htp` is not a protocol known here", "did you mean `HTTP`?"),
    (relationship("{id: b, connects: [{node: model, interfaces: [apy]}, desk]}"), 12, "relationships[1].connects[0].interfaces[0]", "`model` has no interface `apy`", "did you mean `api`?"),
    (relationship("{id: b, connects: [model, {node: desk, interfaces: [api]}]}"), 12, "relationships[1].connects[1].interfaces[0]", "`desk` has no interface `api`; it belongs to `model`", "there is no interface to name here; remove it"),
    (relationship("{id: b, deployed-in: {container: desk, nodes: []}}"), 12, "relationships[1].deployed-in.nodes", "must not be empty", "fill it in, or remove it where it is optional"),
    (relationship("{id: b, connects: [model, desk], controls: {upstream: {url: 'http://localhost/'}}}"), 12, "relationships[1].controls.upstream", "`upstream` belongs to a node", "move it to the destination node's controls"),
    (relationship("{id: b, interacts: {actor: desk, nodes: [model]}, controls: {limits: {max_tokens: 1}}}"), 12, "relationships[1].controls.limits", "limits have no effect here: no call passes over `b`", "move them to a `connects` relationship, or to the node that is called"),
    (relationship("{id: b, options: [{description: d, nodes: [desk], relationships: [aks]}]}"), 12, "relationships[1].options[0].relationships[0]", "there is no relationship `aks`", "did you mean `asks`?"),
    (relationship("{id: b, options: [{description: d, nodes: [dsk], relationships: []}]}"), 12, "relationships[1].options[0].nodes[0]", "there is no node `dsk`", "did you mean `desk`?"),
    (HEAD + "  - {id: b, deployed-in: {container: desk, nodes: [model]}}\n  - {id: c, composed-of: {container: model, nodes: [desk]}}\n", 13, "relationships[2].composed-of.nodes[0]", "containment goes round in a circle: `desk` -> `model` -> `desk`", "take one of these out of the other"),
    (HEAD.replace('    controls: {upstream: {url: "http://127.0.0.1:1/v1"}}\n', ""), 10, "relationships[0].connects[1]", "`model` is called, but has no upstream: where would a call go?", "add `upstream: {url: ...}` under nodes.model.controls, or a `composed-of` relationship to nodes that have one"),
    # flows
    (flow("[]"), 13, "flows[0].steps", "must not be empty", "fill it in, or remove it where it is optional"),
    (flow("[{over: aks, description: d}]"), 13, "flows[0].steps[0].over", "there is no relationship `aks`", "did you mean `asks`?"),
    (flow("[{over: asks, description: d}]").replace("id: f,", "id: desk,"), 13, "flows[0].id", "the id `desk` is taken by the node on line 4", "give this flow an id of its own"),
    (HEAD.replace("relationships:\n", "  store: {type: database, description: Keeps}\n  log: {type: database, description: Keeps}\nrelationships:\n  - {id: logs, connects: [store, log]}\n") + "flows:\n  - {id: f, name: n, description: d, steps: [{over: asks, description: d}, {over: logs, description: d}]}\n", 16, "flows[0].steps[1].over", "the step starts at `store`, where the flow has not been", "reached so far: desk, model. Add the step that leads there, or `back`"),
    (HEAD + "  - {id: b, deployed-in: {container: desk, nodes: [model]}}\nflows:\n  - {id: f, name: n, description: d, steps: [{over: b, description: d}]}\n", 14, "flows[0].steps[0].over", "nothing passes over `b`", "take a connects or interacts relationship"),
    # policies
    (HEAD + "policies: [a.cedar]\n", 12, "policies[0]", "`a.cedar` does not exist", "create it beside the blueprint, or remove it from policies"),
    (HEAD + "policies: [a.txt]\n", 12, "policies[0]", "`a.txt` is not a file of policies", "name a file that ends in `.cedar`, `.rego` or `.hfpolicy`"),
    (HEAD + "policies: [../a.cedar]\n", 12, "policies[0]", "`../a.cedar` is outside the blueprint's folder", "keep policies beside the blueprint and name them relative to it"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "where", "what", "fix"), TABLE, ids=[f"{r[2]}-{r[3]}"[:60] for r in TABLE]
)
def test_each_mistake_is_told_once_with_line_path_and_fix(text, line, where, what, fix):
    assert [(t[0], *t[2:]) for t in told(text)] == [(line, where, what, fix)]


def test_the_column_is_that_of_the_value_or_of_the_key_when_the_key_is_wrong():
    assert told(node("{type: servce, description: d}"))[0][1] == 13
    assert told(node("{type: service, description: d, nme: d}"))[0][1] == 38
    assert told(relationship("{id: b, connects: [desk, modle]}"))[0][1] == 30


def test_all_mistakes_are_told_at_once_in_file_order():
    text = HEAD.replace("name: review", "nme: review").replace("desk, model", "dsk, modle")
    text = text.replace("type: service", "type: servce") + "policies: [x.cedar]\nname: x\nname: y\n"
    assert [p.where for p in problems(text)] == [
        "nme",
        "nodes.desk.type",
        "relationships[0].connects[0]",
        "relationships[0].connects[1]",
        "policies[0]",
        "name",
    ]


def test_a_mistake_in_one_part_does_not_hide_or_invent_others_in_it():
    text = relationship("{id: b, connects: [desk, modle], protocol: http}")
    assert [p.where for p in problems(text)] == [
        "relationships[1].connects[1]",
        "relationships[1].protocol",
    ]
    broken = HEAD.replace("controls: {", "controls: {timeouts: {total_s: 0}, ")
    assert [p.where for p in problems(broken)] == ["nodes.model.controls.timeouts.total_s"]


def test_an_error_raised_for_a_blueprint_lists_what_check_lists():
    text = relationship("{id: b, connects: [desk, modle]}")
    with pytest.raises(BlueprintError) as caught:
        load(text, source="f.yaml", read=no_files)
    assert caught.value.problems == problems(text)
    assert caught.value.code == "blueprint.invalid"
    assert str(caught.value) == (
        "f.yaml has 1 problem\n"
        "f.yaml:12:30: error: relationships[1].connects[1]: there is no node `modle`\n"
        "    did you mean `model`?"
    )


@pytest.mark.parametrize("secret", ["sk-verysecret", "env:sk-very secret", "File:x", "ENV:X"])
def test_a_literal_secret_is_never_repeated_in_a_message(secret):
    text = upstream(f"{{url: 'https://a.b/v1', api_key: '{secret}'}}")
    (problem,) = problems(text)
    assert secret not in str(problem)


def test_a_node_nobody_references_is_a_warning_and_stops_nothing():
    text = HEAD.replace("nodes:\n", "nodes:\n  alone: {type: service, description: d}\n")
    blueprint = load(text, source="f.yaml", read=no_files)
    (warning,) = blueprint.warnings
    assert (warning.severity, warning.line, warning.where) == ("warning", 4, "nodes.alone")
    assert "no relationship names this node" in warning.what


def test_plain_http_that_is_accepted_in_writing_is_a_warning():
    text = upstream("{url: 'http://10.0.0.1/v1', insecure_plain_http: true}")
    assert [p.severity for p in problems(text)] == ["warning"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.8.8:80", "a.localhost"])
def test_plain_http_to_this_machine_needs_no_word(host):
    assert problems(upstream(f"{{url: 'http://{host}/v1'}}")) == ()


@pytest.mark.parametrize(
    "host", ["127.0.0.1.example.com", "localhost.example.com", "0.0.0.0", "[::2]"]
)
def test_plain_http_to_anywhere_else_is_refused(host):
    assert [p.severity for p in problems(upstream(f"{{url: 'http://{host}/v1'}}"))] == ["error"]


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (PermissionError(13, "Permission denied"), "cannot be read: Permission denied"),
        (IsADirectoryError(21, "Is a directory"), "cannot be read: Is a directory"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "is not UTF-8 text"),
    ],
)
def test_a_policy_file_that_cannot_be_read_is_a_problem_not_a_crash(error, what):
    def read(name):
        raise error

    (problem,) = problems(HEAD + "policies: [a.cedar]\n", read)
    assert problem.what == f"`a.cedar` {what}"


def test_nothing_but_named_policies_is_ever_read():
    asked = []

    def read(name):
        asked.append(name)
        return ""

    load(
        upstream("{url: 'https://a.b/', api_key: file:/etc/passwd}") + "policies: [p/a.cedar]\n",
        source="f.yaml",
        read=read,
    )
    assert asked == ["p/a.cedar"]


def test_a_long_containment_is_judged_without_deep_recursion_and_diamonds_are_no_cycles():
    names = [f"n{i}" for i in range(2000)]
    nodes = "".join(f"  {n}: {{type: system, description: d}}\n" for n in names)
    pairs = zip(names, names[1:], strict=False)
    links = "".join(
        f"  - {{id: r{a}, composed-of: {{container: {a}, nodes: [{b}]}}}}\n"
        f"  - {{id: s{a}, deployed-in: {{container: {a}, nodes: [{b}]}}}}\n"
        for a, b in pairs
    )
    text = f"holdfast: 1\nname: x\nnodes:\n{nodes}relationships:\n{links}"
    assert problems(text) == ()
    closing = "  - {id: z, composed-of: {container: n1999, nodes: [n0]}}\n"
    assert "goes round in a circle: `n0` -> `n1`" in problems(text + closing)[0].what


def test_a_policy_file_named_twice_or_too_large_or_refused_by_a_port_is_a_problem():
    def told_reading(read, names="a.cedar"):
        return [p.what for p in problems(f"{HEAD}policies: [{names}]\n", read)]

    def refused(name):
        raise WorldError("the disk is gone")

    assert told_reading(lambda _: "", "a.cedar, a.cedar") == ["`a.cedar` is named twice"]
    assert told_reading(lambda _: "x" * 1_000_001) == ["`a.cedar` is larger than 1000000 bytes"]
    assert told_reading(refused) == ["`a.cedar` cannot be read: the disk is gone"]
