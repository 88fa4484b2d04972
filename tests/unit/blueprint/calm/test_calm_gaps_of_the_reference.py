"""What the reference lets pass is found, marked as ours, and spoils a strict verdict only."""

from typing import Any

from holdfast.blueprint.calm import Judge, Library

JUDGE = Judge()


def _node(name: str, **more: Any) -> dict[str, Any]:
    return {"unique-id": name, "node-type": "service", "name": name, "description": "it", **more}


def _connects(name: str, source: str, destination: str) -> dict[str, Any]:
    ends = {"source": {"node": source}, "destination": {"node": destination}}
    return {"unique-id": name, "relationship-type": {"connects": ends}}


def _holds(name: str, container: str, *nodes: str) -> dict[str, Any]:
    held = {"container": container, "nodes": list(nodes)}
    return {"unique-id": name, "relationship-type": {"composed-of": held}}


def _flow(*steps: tuple[str, str], name: str = "flow") -> dict[str, Any]:
    transitions = [
        {
            "relationship-unique-id": relationship,
            "sequence-number": number,
            "description": "it",
            "direction": direction,
        }
        for number, (relationship, direction) in enumerate(steps)
    ]
    return {"unique-id": name, "name": name, "description": "it", "transitions": transitions}


FORTH, BACK = "source-to-destination", "destination-to-source"


def _system(*relationships: dict[str, Any], **more: Any) -> dict[str, Any]:
    nodes = [_node(name) for name in ("a", "b", "c", "d")]
    idle = _connects("idle", "a", "b"), _connects("calm", "c", "d")
    return {"nodes": nodes, "relationships": [*idle, *relationships], **more}


def _ours(document: dict[str, Any]) -> list[tuple[str, str]]:
    report = JUDGE.architecture(document)
    assert report.is_valid
    assert report.strict().is_valid == (not report.ours)
    return [(each.code, each.path) for each in report.ours]


def test_a_sound_architecture_has_no_findings_of_ours() -> None:
    assert _ours(_system()) == []


def test_a_self_loop_is_found() -> None:
    place = "/relationships/2/relationship-type/connects"
    assert _ours(_system(_connects("loop", "a", "a"))) == [("holdfast-self-loop", place)]


def test_a_containment_cycle_is_found_however_long() -> None:
    ring = _holds("x", "a", "b"), _holds("y", "b", "c"), _holds("z", "c", "a", "d")
    found = _ours(_system(*ring))
    assert {code for code, _ in found} == {"holdfast-containment-cycle"}
    assert len(found) == 3


def test_containers_in_containers_are_no_cycle() -> None:
    assert _ours(_system(_holds("x", "a", "b", "c"), _holds("y", "b", "c"))) == []


def test_a_decision_that_names_what_is_not_there_is_found() -> None:
    decision = {"description": "which", "nodes": ["a", "ghost"], "relationships": ["spectre"]}
    options = {"unique-id": "pick", "relationship-type": {"options": [decision]}}
    place = "/relationships/2/relationship-type/options/0"
    assert _ours(_system(options)) == [
        ("holdfast-option-names-unknown", f"{place}/nodes"),
        ("holdfast-option-names-unknown", f"{place}/relationships"),
    ]


def test_a_flow_named_like_a_node_is_found() -> None:
    flow = _flow(("idle", FORTH), name="a")
    assert _ours(_system(flows=[flow])) == [("holdfast-flow-id-taken", "/flows/0/unique-id")]


def test_a_flow_that_jumps_is_found_at_the_step_that_jumps() -> None:
    flow = _flow(("idle", FORTH), ("calm", FORTH))
    place = "/flows/0/transitions/1"
    assert _ours(_system(flows=[flow])) == [("holdfast-flow-does-not-chain", place)]


def test_a_flow_that_fans_out_or_returns_chains() -> None:
    onward = _connects("on", "b", "c")
    flow = _flow(("idle", FORTH), ("on", FORTH), ("on", BACK), ("idle", BACK), ("calm", FORTH))
    assert _ours(_system(onward, flows=[flow])) == []


def test_a_flow_that_enters_by_a_container_chains() -> None:
    inside = _holds("whole", "b", "c")
    assert _ours(_system(inside, flows=[_flow(("idle", FORTH), ("calm", FORTH))])) == []


def _library(**documents: dict[str, Any]) -> Library:
    import json

    texts = {f"https://x.test/{name}": json.dumps(held) for name, held in documents.items()}
    return Library(lambda url: texts[url].encode() if url in texts else None)


def _behind(url: str) -> dict[str, Any]:
    system = _system()
    system["nodes"][0]["details"] = {"detailed-architecture": url}
    return system


def test_architectures_behind_one_another_in_a_circle_end_and_are_found() -> None:
    library = _library(one=_behind("https://x.test/two"), two=_behind("https://x.test/one"))
    report = Judge(library).architecture(_behind("https://x.test/one"))
    assert report.is_valid
    assert [each.code for each in report.ours] == ["holdfast-details-cycle"]


def test_a_chain_of_architectures_behind_one_another_is_followed_so_far_and_no_further() -> None:
    names = [f"n{number}" for number in range(40)]
    chain = {
        name: _behind(f"https://x.test/{after}")
        for name, after in zip(names, [*names[1:], "n0"], strict=True)
    }
    report = Judge(_library(**chain)).architecture(_behind("https://x.test/n0"))
    assert [each.code for each in report.errors] == ["node-details-validation"]


def test_an_architecture_behind_that_nobody_knows_is_an_error_that_names_it() -> None:
    report = JUDGE.architecture(_behind("https://x.test/gone"))
    assert [each.code for each in report.errors] == ["node-details-validation"]
    assert "https://x.test/gone" in report.errors[0].message
    assert "--url-map" in report.errors[0].message


def test_an_unknown_schema_is_an_error_that_names_it_and_the_rest_is_still_judged() -> None:
    report = JUDGE.own({"$schema": "https://x.test/ours", **_system(_connects("e", "a", "ghost"))})
    assert [each.code for each in report.errors] == [
        "holdfast-schema-unknown",
        "connects-relationship-references-existing-nodes-in-architecture",
    ]
    assert "https://x.test/ours" in report.errors[0].message


def test_options_that_cannot_be_applied_are_told_and_the_pattern_still_judges() -> None:
    options = {"unique-id": "pick", "relationship-type": {"options": []}}
    calm = "https://calm.finos.org/release/1.2/meta/calm.json"
    report = JUDGE.own({"$schema": calm, **_system(options)})
    assert [each.code for each in report.errors] == ["holdfast-options-unusable"]
    assert [each.code for each in report.ours] == ["holdfast-options-empty"]


DECORATOR = {"unique-id": "d", "type": "guide", "data": {"owner": "team"}}


def test_a_decorator_is_read_and_its_names_are_looked_up() -> None:
    known = _library(system=_system())
    judge = Judge(known)
    sound = {**DECORATOR, "target": ["https://x.test/system"], "applies-to": ["a", "idle"]}
    assert judge.own(sound).is_valid
    dangling = judge.own({**sound, "applies-to": ["a", "ghost"]})
    assert [(e.code, e.path) for e in dangling.errors] == [
        ("holdfast-decorator-dangling", "/applies-to/1")
    ]
    unknown = judge.own({**sound, "target": ["https://x.test/gone"]})
    assert [e.code for e in unknown.errors] == ["holdfast-decorator-target-unknown"]


def test_a_decorator_is_held_against_the_standard_it_names() -> None:
    standard = "https://calm.finos.org/draft/2026-03/standards/deployment/deployment.decorator.standard.json"
    judge = Judge(_library(system=_system()))
    deployment = {
        "$schema": standard,
        "unique-id": "d",
        "type": "deployment",
        "target": ["https://x.test/system"],
        "target-type": ["architecture"],
        "applies-to": ["a"],
        "data": {"start-time": "2026-01-02T03:04:05Z", "status": "completed"},
    }
    assert judge.own(deployment).is_valid
    broken = {**deployment, "data": {"start-time": "yesterday", "status": "completed"}}
    assert [(e.code, e.path) for e in judge.own(broken).errors] == [
        ("holdfast-decorator-invalid", "/data/start-time")
    ]


def test_decorators_inside_an_architecture_are_judged_with_it() -> None:
    inside = {**DECORATOR, "target": ["self"], "applies-to": ["ghost"]}
    report = JUDGE.architecture(_system(decorators=[inside]))
    assert [e.code for e in report.ours] == ["holdfast-decorator-dangling"]


def test_a_configuration_that_nobody_knows_is_told_as_unread() -> None:
    requirement = {"type": "object", "required": ["max"]}
    detail = {"requirement-url": "https://x.test/req", "config-url": "https://x.test/gone"}
    controls = {"limit": {"description": "it", "requirements": [detail]}}
    report = Judge(_library(req=requirement)).architecture(_system(controls=controls))
    assert report.is_valid
    assert [e.code for e in report.ours] == ["holdfast-control-config-unread"]
