"""``holdfast calm``: files, maps and exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from holdfast.cli import main

NODE = {"unique-id": "a", "node-type": "service", "name": "a", "description": "it"}
SELF = {"source": {"node": "a"}, "destination": {"node": "a"}}
LOOP = {"unique-id": "r", "relationship-type": {"connects": SELF}}
SYSTEM = {"nodes": [NODE], "relationships": [LOOP]}
CALM = "https://calm.finos.org/release/1.2/meta/calm.json"


def _written(folder: Path, name: str, value: Any) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")
    return str(path)


def _run(*words: str) -> Result:
    return CliRunner().invoke(main, ["calm", *words])


def test_exit_codes_tell_valid_not_valid_and_not_judged(tmp_path: Path) -> None:
    sound = _written(tmp_path, "sound.json", SYSTEM)
    bad = _written(tmp_path, "bad.json", {"nodes": []})
    assert _run("validate", sound).exit_code == 0
    assert _run("validate", "--strict", sound).exit_code == 1
    assert _run("validate", bad).exit_code == 1
    assert _run("validate", str(tmp_path / "gone.json")).exit_code == 2
    assert _run("validate", "--against", "core", sound).exit_code == 2


def test_strict_fails_on_a_warning_though_the_document_is_valid(tmp_path: Path) -> None:
    alone = _written(tmp_path, "alone.json", {"nodes": [NODE], "relationships": []})
    ran = _run("validate", "--strict", "--json", alone)
    assert ran.exit_code == 1
    assert json.loads(ran.output)["valid"] is True


def test_the_json_of_a_verdict_has_codes_paths_and_messages(tmp_path: Path) -> None:
    told = json.loads(_run("validate", "--json", _written(tmp_path, "s.json", SYSTEM)).output)
    assert told["valid"] is True
    assert told["errors"] == told["warnings"] == []
    assert [set(each) for each in told["holdfast"]] == [{"code", "path", "message"}]


def test_what_is_no_json_is_not_valid(tmp_path: Path) -> None:
    path = tmp_path / "torn.json"
    path.write_bytes(b'{"nodes": [')
    ran = _run("validate", "--json", str(path))
    assert ran.exit_code == 1
    assert json.loads(ran.output)["errors"][0]["code"] == "holdfast-document-unreadable"


@pytest.mark.parametrize("is_parted", [False, True])
def test_a_map_names_files_relative_to_itself(tmp_path: Path, is_parted: bool) -> None:
    _written(tmp_path, "maps/there/pattern.json", {"required": ["metadata"]})
    entries = {"https://x.test/pattern": "there/pattern.json"}
    mapping = _written(tmp_path, "maps/urls.json", {"documents": entries} if is_parted else entries)
    file = _written(tmp_path, "s.json", {"$schema": "https://x.test/pattern", **SYSTEM})
    ran = _run("validate", "--json", "--url-map", mapping, file)
    assert [each["code"] for each in json.loads(ran.output)["errors"]] == ["json-schema"]
    unmapped = json.loads(_run("validate", "--json", file).output)["errors"]
    assert unmapped[0]["code"] == "holdfast-schema-unknown"
    assert "https://x.test/pattern" in unmapped[0]["message"]


def test_a_map_that_maps_to_no_file_name_is_refused(tmp_path: Path) -> None:
    mapping = _written(tmp_path, "urls.json", {"https://x.test/a": 5})
    ran = _run("validate", "--json", "--url-map", mapping, _written(tmp_path, "s.json", SYSTEM))
    assert ran.exit_code == 2
    assert json.loads(ran.output)["error"]["code"] == "calm.url-map"


def test_an_architecture_behind_a_node_is_found_beside_the_document(tmp_path: Path) -> None:
    _written(tmp_path, "behind.json", {"nodes": []})
    held = {**NODE, "details": {"detailed-architecture": "behind.json"}}
    file = _written(tmp_path, "s.json", {"nodes": [held], "relationships": [LOOP]})
    errors = json.loads(_run("validate", "--json", file).output)["errors"]
    assert [each["path"] for each in errors] == ["/nodes/0/details/detailed-architecture"]


@pytest.mark.parametrize("place", ["/etc/passwd", "file:///etc/passwd", "secret.txt"])
def test_documents_cannot_make_other_files_be_read(tmp_path: Path, place: str) -> None:
    (tmp_path / "secret.txt").write_text("{}", "utf-8")
    held = {**NODE, "details": {"detailed-architecture": place}}
    file = _written(tmp_path, "s.json", {"nodes": [held], "relationships": [LOOP]})
    errors = json.loads(_run("validate", "--json", file).output)["errors"]
    assert [each["code"] for each in errors] == ["node-details-validation"]
    assert "nothing is known under" in errors[0]["message"]


def test_a_decorator_is_judged_against_the_architectures_it_names(tmp_path: Path) -> None:
    _written(tmp_path, "system.json", SYSTEM)
    decorator = {
        "unique-id": "release-7",
        "type": "deployment",
        "target": ["system.json"],
        "applies-to": ["a"],
        "data": {"status": "completed"},
    }
    good = _written(tmp_path, "good.json", decorator)
    assert _run("validate", good).exit_code == 0
    bad = _written(tmp_path, "bad.json", {**decorator, "applies-to": ["gone"]})
    refused = _run("validate", bad, "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["errors"] == [
        {
            "code": "holdfast-decorator-dangling",
            "path": "/applies-to/0",
            "message": "gone is the unique-id of nothing in the targets",
        }
    ]


def test_a_fragment_is_judged_by_one_schema_alone(tmp_path: Path) -> None:
    file = _written(tmp_path, "f.json", {"unit": "seconds", "value": -1})
    unit = "schema:release/1.2/meta/units.json#/defs/time-unit"
    ran = _run("validate", "--json", "--against", unit, file)
    assert [each["code"] for each in json.loads(ran.output)["errors"]] == ["minimum"]


def test_an_architecture_is_made_from_a_pattern_and_fits_it(tmp_path: Path) -> None:
    node = {"$ref": "https://calm.finos.org/release/1.2/meta/core.json#/defs/node"}
    fixed = {**node, "properties": {"unique-id": {"const": "a"}}}
    nodes = {"type": "array", "prefixItems": [fixed]}
    members = {"nodes": nodes, "relationships": {"const": [LOOP]}}
    pattern = _written(tmp_path, "p.json", {"$schema": CALM, "properties": members})
    target = str(tmp_path / "made.json")
    assert _run("generate", pattern, "-o", target).exit_code == 0
    made = json.loads(Path(target).read_text("utf-8"))
    assert made["nodes"][0]["name"] == "[[ NAME ]]"
    ran = _run("validate", "--json", "--against", f"pattern:{pattern}", target)
    assert json.loads(ran.output)["valid"] is True


def test_a_comparison_says_what_changed_and_exits_by_it_where_asked(tmp_path: Path) -> None:
    before = _written(tmp_path, "a.json", SYSTEM)
    after = _written(tmp_path, "b.json", {**SYSTEM, "nodes": [NODE, {**NODE, "unique-id": "b"}]})
    ran = _run("diff", before, after)
    assert ran.exit_code == 0
    assert "+ node added: b" in ran.output
    assert _run("diff", "--exit-code", before, after).exit_code == 1
    assert _run("diff", "--exit-code", before, before).exit_code == 0


def test_a_pattern_is_not_compared_with_an_architecture(tmp_path: Path) -> None:
    pattern = _written(tmp_path, "p.json", {"properties": {"nodes": {}}})
    assert _run("diff", pattern, _written(tmp_path, "a.json", SYSTEM)).exit_code == 2


def test_a_timeline_shows_its_moments_and_what_changed_between(tmp_path: Path) -> None:
    _written(tmp_path, "one.json", SYSTEM)
    _written(tmp_path, "two.json", {"nodes": [], "relationships": []})
    moments = [
        {"unique-id": name, "name": name, "details": {"detailed-architecture": f"{name}.json"}}
        for name in ("one", "two")
    ]
    timeline = _written(tmp_path, "t.json", {"moments": moments, "current-moment": "two"})
    ran = _run("timeline", timeline)
    assert "* two" in ran.output
    assert "- node removed: a" in ran.output
    told = json.loads(_run("timeline", "--json", "--from", "two", "--to", "one", timeline).output)
    assert told["diffs"][0]["diff"]["nodesAdded"] == [NODE]
    assert _run("timeline", "--from", "two", timeline).exit_code == 2
    assert _run("timeline", "--from", "two", "--to", "none", timeline).exit_code == 1
