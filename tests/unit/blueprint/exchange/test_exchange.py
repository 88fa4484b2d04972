"""How a CALM document becomes a blueprint, and back, case by case."""

import json

import pytest

from holdfast.blueprint import BlueprintError, Details, check, load, read_yaml
from holdfast.blueprint.calm import Judge, Library
from holdfast.blueprint.exchange import (
    PLACEHOLDER,
    SCHEMAS,
    ExchangeError,
    NotAnArchitectureError,
    export_calm,
    import_calm,
    requirement,
)
from holdfast.core import NodeId


def node(name, kind="service", **more):
    return {"unique-id": name, "node-type": kind, "name": name, "description": "d", **more}


def connects(name, source, destination, *, to=None, **more):
    end = {"node": destination, **({"interfaces": to} if to else {})}
    link = {"connects": {"source": {"node": source}, "destination": end}}
    return {"unique-id": name, "relationship-type": link, **more}


def calm(nodes, relationships=(), **more):
    return {"nodes": list(nodes), "relationships": list(relationships), **more}


def loaded(text):
    return load(text, source="holdfast.yaml", read=lambda _: "")


def taken(document):
    """The blueprint of a document that is given back the same."""
    found = import_calm(document, name="system")
    blueprint = loaded(found.text)
    given = export_calm(blueprint)
    assert json.dumps(given, sort_keys=True) == json.dumps(document, sort_keys=True)
    return found, blueprint


def edited(document, old, new):
    """What is given back after somebody has changed the blueprint."""
    text = import_calm(document, name="system").text
    assert text.count(old) == 1
    return export_calm(loaded(text.replace(old, new)))


MODEL = calm([node("desk"), node("model", "ai:llm")], [connects("asks", "desk", "model")])


def test_ids_that_are_not_usable_get_one_of_their_own():
    names = ["Desk.API", "desk-api", "DESK api", "模型", "x" * 70]
    _, blueprint = taken(calm(node(name) for name in names))
    assert list(blueprint.nodes) == ["desk-api-2", "desk-api", "desk-api-3", "part", "x" * 63]


def test_a_flow_called_as_a_node_gets_another_id():
    steps = [{"relationship-unique-id": "r", "sequence-number": 1, "description": "d"}]
    flow = {"unique-id": "a", "name": "n", "description": "d", "transitions": steps}
    _, blueprint = taken(calm([node("a"), node("b")], [connects("r", "a", "b")], flows=[flow]))
    assert [flow.id for flow in blueprint.flows] == ["a-2"]


def test_a_type_that_is_not_known_becomes_one_of_ones_own():
    _, blueprint = taken(calm([node("a", "aws:Lambda"), node("b", "x-mine"), node("c", "模")]))
    assert [each.type for each in blueprint.nodes.values()] == [
        "x-aws:lambda",
        "x-mine",
        "x-unknown",
    ]


def test_a_model_without_an_address_gets_one_on_this_machine_and_somebody_is_told():
    found, blueprint = taken(MODEL)
    upstream = blueprint.nodes[NodeId("model")].upstream
    assert upstream is not None
    assert upstream.url == PLACEHOLDER
    assert [note.path for note in found.notes] == [("nodes", "model", "controls", "upstream")]
    assert "# Decide: no usable address is said" in found.text


@pytest.mark.parametrize(
    ("interface", "protocol", "url"),
    [
        ({"url": "https://model.example/v1"}, None, "https://model.example/v1"),
        ({"host": "model.internal", "port": 8443}, "HTTPS", "https://model.internal:8443"),
        ({"host": "model.internal", "port": 443}, "HTTP", "https://model.internal"),
        ({"host": "localhost", "port": 8000}, "HTTP", "http://localhost:8000"),
        ({"config": {"host": "model.internal"}, "definition-url": "u"}, None, "https://model.internal"),
        ({"host": "model.internal", "port": 80}, "HTTP", PLACEHOLDER),
        ({"url": "http://model.internal/v1"}, None, PLACEHOLDER),
        ({"url": "https://user:secret@model.example"}, None, PLACEHOLDER),
        ({"url": "[[ URL ]]"}, None, PLACEHOLDER),
    ],
)  # fmt: skip
def test_a_model_answers_where_its_interface_says_unless_that_is_unsafe(interface, protocol, url):
    model = node("model", "ai:llm", interfaces=[{"unique-id": "i", **interface}])
    more = {"protocol": protocol} if protocol else {}
    _, blueprint = taken(calm([node("desk"), model], [connects("asks", "desk", "model", **more)]))
    upstream = blueprint.nodes[NodeId("model")].upstream
    assert upstream is not None
    assert upstream.url == url


def test_the_interface_that_callers_name_comes_first():
    interfaces = [
        {"unique-id": "metrics", "url": "https://metrics.example"},
        {"unique-id": "api", "url": "https://api.example/v1"},
    ]
    nodes = [node("desk"), node("model", "ai:llm", interfaces=interfaces)]
    _, blueprint = taken(calm(nodes, [connects("asks", "desk", "model", to=["api"])]))
    upstream = blueprint.nodes[NodeId("model")].upstream
    assert upstream is not None
    assert upstream.url == "https://api.example/v1"


def test_what_a_blueprint_refuses_is_set_aside_told_and_given_back_in_its_place():
    nodes = [node("a"), node("b")]
    links = [
        connects("self", "a", "a"),
        connects("first", "a", "b"),
        connects("twin", "a", "b"),
        {"unique-id": "in", "relationship-type": {"composed-of": {"container": "a", "nodes": ["b"]}}},
        {"unique-id": "round", "relationship-type": {"composed-of": {"container": "b", "nodes": ["a"]}}},
    ]  # fmt: skip
    steps = [{"relationship-unique-id": "in", "sequence-number": 1, "description": "d"}]
    flow = {"unique-id": "f", "name": "n", "description": "d", "transitions": steps}
    found, blueprint = taken(calm(nodes, links, flows=[flow]))
    assert [each.id for each in blueprint.relationships] == ["first", "in"]
    assert blueprint.flows == ()
    told = [note.text for note in found.notes]
    assert [text.split("`")[1] for text in told] == ["f", "self", "twin", "round"]


def test_controls_that_a_blueprint_refuses_are_kept():
    control = {"description": "d", "requirements": []}
    own = {"description": "d", "requirements": [
        {"requirement-url": "urn:holdfast:control:timeouts", "config": {"total_s": -5}}]}  # fmt: skip
    controls = {"Odd_name": control, "timeouts": own, "limits": control, "other": 5}
    found, blueprint = taken(calm([node("a", controls=controls)]))
    assert list(blueprint.nodes[NodeId("a")].controls) == ["calm-odd-name", "calm-limits"]
    assert any("`timeouts` is not taken over" in note.text for note in found.notes)


def test_an_architecture_without_nodes_gets_one_to_stand_in():
    _, blueprint = taken(calm([]))
    assert list(blueprint.nodes) == ["placeholder"]


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ("type: x-aws:lambda", "type: service", "node-type", "service"),
        ("name: a", "name: The desk", "name", "The desk"),
        ("description: d", "description: Better", "description", "Better"),
    ],
)
def test_what_somebody_changed_is_not_undone(old, new, field, value):
    given = edited(calm([node("a", "aws:Lambda")]), old, new)
    assert given["nodes"][0][field] == value


def test_an_upstream_that_somebody_wrote_is_given():
    given = edited(MODEL, "\n      upstream: {", "\n      upstream: {model: big, ")
    control = given["nodes"][1]["controls"]["upstream"]["requirements"][0]
    assert control == {
        "requirement-url": "urn:holdfast:control:upstream",
        "config": {"model": "big", "url": PLACEHOLDER},
    }


def test_a_node_that_somebody_renamed_keeps_its_id_in_calm():
    document = calm([node("Desk"), node("b")], [connects("r", "Desk", "b")])
    text = import_calm(document).text
    blueprint = loaded(text.replace("  desk:", "  intake:").replace("[desk, b]", "[intake, b]"))
    given = export_calm(blueprint)
    assert given["nodes"][0]["unique-id"] == "Desk"
    assert given["relationships"] == document["relationships"]
    assert loaded(import_calm(given).text).digest == blueprint.digest


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"moments": []}, ("a timeline", "calm timeline")),
        ({"properties": {"nodes": {}}}, ("a pattern", "calm generate")),
        ({"applies-to": ["x"], "data": {}}, ("a decorator", "calm validate")),
    ],
)
def test_what_is_no_architecture_is_named_with_the_command_that_takes_it(document, said):
    with pytest.raises(NotAnArchitectureError) as refused:
        import_calm(document)
    assert said[0] in refused.value.what
    assert said[1] in refused.value.fix


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], ""),
        ({"nodes": {}}, "/nodes"),
        ({"nodes": [{"name": "a"}]}, "/nodes/0"),
        (calm([node("a"), node("a")]), "/nodes/1"),
        (calm([node("a", interfaces=[{"unique-id": "a"}])]), "/nodes/0/interfaces/0"),
    ],
)
def test_what_cannot_be_told_apart_is_refused_with_its_place(document, pointer):
    with pytest.raises(ExchangeError) as refused:
        import_calm(document)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize("more", [{}, {"seen-by": "us"}])
def test_what_is_drawn_of_a_node_reaches_the_review_and_comes_back(more):
    details = {"detailed-architecture": "urn:drawn", "required-pattern": "urn:promised", **more}
    document = calm([node("a") | {"details": details}, node("b") | {"details": {}}])
    found, blueprint = taken(document)
    drawn = blueprint.nodes[NodeId("a")].details
    assert drawn == Details(detailed_architecture="urn:drawn", required_pattern="urn:promised")
    assert export_calm(blueprint) == document
    text = found.text.replace('{detailed-architecture: "urn:drawn"', "{detailed-architecture: n")
    assert text != found.text
    changed = export_calm(loaded(text))
    assert changed["nodes"][0]["details"]["detailed-architecture"] == "n"


@pytest.mark.parametrize("version", list(SCHEMAS))
def test_the_version_that_is_asked_for_is_named(version):
    blueprint = loaded(import_calm(MODEL).text)
    assert export_calm(blueprint, version=version)["$schema"] == SCHEMAS[version]


def test_a_program_that_a_document_names_is_pointed_out():
    config = {"dialect": "mcp", "command": ["server"]}
    control = {"description": "d", "requirements": [
        {"requirement-url": "urn:holdfast:control:upstream", "config": config}]}  # fmt: skip
    found = import_calm(calm([node("tools", "ai:mcp-server", controls={"upstream": control})]))
    assert "sign the blueprint only if" in found.notes[0].text
    with pytest.raises(BlueprintError, match="signed blueprint only"):
        loaded(found.text)


OWN = """
holdfast: 1
name: desk
nodes:
  desk: {type: ai:agent, description: d, facts: {owner: team, retention_days: null}}
  model:
    type: ai:llm
    description: d
    controls:
      upstream: {url: "https://model.example/v1", api_key: "env:KEY"}
      timeouts: {total_s: 20}
      waiting:
        description: No call waits for ever.
        requirements: [{requirement-url: "#/defs/waiting", config: {holdfast: timeouts}}]
        implemented-by: [timeouts]
relationships:
  - id: asks
    connects: [desk, model]
    controls:
      criticality: critical
      guarded: {description: d, requirements: [], implemented-by: [timeouts, criticality]}
controls:
  frugal: {description: d, requirements: [], implemented-by: [bulkhead]}
bulkhead: {calls: 5}
"""


def test_what_calm_has_no_word_for_stands_in_the_metadata():
    given = export_calm(loaded(OWN))
    facts = {"owner": "team", "retention_days": None}
    assert given["nodes"][0]["metadata"] == {"holdfast": {"facts": facts}}
    assert given["metadata"] == {"holdfast": {"bulkhead": {"calls": 5}}}


def test_which_control_of_holdfast_implements_one_of_calm_goes_both_ways():
    given = export_calm(loaded(OWN))
    waiting = given["nodes"][1]["controls"]["waiting"]
    assert "implemented-by" not in waiting, "its requirement says so already"
    again = loaded(import_calm(given).text)
    assert again.nodes[NodeId("model")].controls["waiting"].implemented_by == ("timeouts",)
    assert again.digest == loaded(OWN).digest


def test_a_given_document_is_valid_with_the_requirements_of_holdfast():
    given = export_calm(loaded(OWN.replace("#/defs/waiting", "urn:holdfast:control:timeouts")))
    requirements = given["nodes"][1]["controls"]["waiting"]["requirements"]
    requirements[0]["config"] = {"total_s": 5}
    assert Judge(Library(requirement)).own(given).errors == ()
    requirements[0]["config"] = {"total_s": "five"}
    codes = {each.code for each in Judge(Library(requirement)).own(given).errors}
    assert codes == {"control-requirement-validation"}


def test_no_requirement_is_given_under_another_url():
    assert requirement("https://example.org/timeouts") is None
    assert requirement("urn:holdfast:control:unheard-of") is None


def test_long_text_is_folded_and_reads_the_same():
    said = "word " * 60 + "— end"
    found, blueprint = taken(calm([node("a") | {"description": said}]))
    assert blueprint.nodes[NodeId("a")].description == said
    assert max(map(len, found.text.splitlines())) <= 100


def test_comments_are_no_part_of_the_meaning():
    found, _ = taken(MODEL)
    bare = "\n".join(line for line in found.text.splitlines() if not line.strip().startswith("#"))
    assert read_yaml(bare, source="x").data == read_yaml(found.text, source="x").data
    assert not [
        each for each in check(bare, source="x", read=lambda _: "") if "error" in each.severity
    ]
