"""``holdfast calm import`` and ``export``: files on either side, told what to decide."""

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from holdfast.app.files import load_blueprint
from holdfast.cli import main

DOCUMENT = {
    "nodes": [
        {"unique-id": "Desk", "node-type": "service", "name": "Desk", "description": "d"},
        {"unique-id": "model", "node-type": "ai:llm", "name": "Model", "description": "d"},
    ],
    "relationships": [
        {
            "unique-id": "asks",
            "relationship-type": {
                "connects": {"source": {"node": "Desk"}, "destination": {"node": "model"}}
            },
        }
    ],
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "payments.calm.json").write_text(json.dumps(DOCUMENT))
    return tmp_path


def run(*words, code=0):
    result = CliRunner().invoke(main, ["calm", *map(str, words)])
    assert result.exit_code == code, result.output
    return result


def test_a_file_goes_to_a_blueprint_that_passes_its_check_and_back(folder):
    blueprint, back = folder / "holdfast.yaml", folder / "back.json"
    told = run("import", folder / "payments.calm.json", "-o", blueprint)
    assert "decide: nodes.model.controls.upstream: no usable address" in told.stderr
    assert "next: holdfast check" in told.stdout
    checked = CliRunner().invoke(main, ["check", str(blueprint)])
    assert checked.exit_code == 0, checked.output
    run("export", blueprint, "-o", back)
    assert json.loads(back.read_text()) == DOCUMENT


def test_the_result_is_printed_where_no_file_is_named(folder):
    printed = run("import", folder / "payments.calm.json").stdout
    assert "name: payments\n" in printed
    (folder / "holdfast.yaml").write_text(printed)
    assert json.loads(run("export", folder / "holdfast.yaml").stdout) == DOCUMENT


def test_programs_read_json(folder):
    found = json.loads(run("import", folder / "payments.calm.json", "--json").stdout)
    assert [note["at"] for note in found["notes"]] == ["nodes.model.controls.upstream"]
    (folder / "holdfast.yaml").write_text(found["blueprint"])
    given = json.loads(run("export", folder / "holdfast.yaml", "--json", "--version", "1.1").stdout)
    assert json.loads(given["document"])["$schema"].endswith("/release/1.1/meta/calm.json")


def test_an_existing_file_is_overwritten_only_by_force(folder):
    target = folder / "holdfast.yaml"
    target.write_text("mine")
    refused = run("import", folder / "payments.calm.json", "-o", target, code=1)
    assert "was not touched" in refused.stderr
    assert target.read_text() == "mine"
    run("import", folder / "payments.calm.json", "-o", target, "--force")
    assert target.read_text() != "mine"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"moments": []}', '{"nodes": [{}]}'])
def test_what_is_no_architecture_is_refused_in_words(folder, text):
    (folder / "payments.calm.json").write_text(text)
    refused = run("import", folder / "payments.calm.json", code=1)
    assert refused.stderr.startswith("error: ")
    assert "mend: " in refused.stderr


def test_a_file_that_is_not_there_is_named(folder):
    assert "cannot be read" in run("import", folder / "gone.json", code=1).stderr


def test_who_takes_a_document_for_a_blueprint_is_told_how_to_make_one(folder):
    told = CliRunner().invoke(main, ["check", str(folder / "payments.calm.json")])
    assert told.exit_code == 1
    assert "an architecture of CALM, not a blueprint" in told.output
    assert "holdfast calm import" in told.output
    assert told.output.count("mend") == 1


PATTERN = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {
        "nodes": {
            "minItems": 2,
            "items": {"$ref": "https://calm.finos.org/release/1.2/meta/core.json#/defs/node"},
        }
    },
}


@pytest.mark.parametrize(("parts", "verdict"), [(2, "holds"), (1, "broken")])
def test_a_review_holds_what_is_drawn_of_a_node_against_its_pattern(folder, parts, verdict):
    details = {"detailed-architecture": "urn:inside", "required-pattern": "urn:promised"}
    first, second = DOCUMENT["nodes"]
    document = {**DOCUMENT, "nodes": [{**first, "details": details}, second]}
    inside = {"nodes": DOCUMENT["nodes"][:parts], "relationships": []}
    for name, value in (
        ("payments.calm.json", document),
        ("inside.json", inside),
        ("pattern.json", PATTERN),
        ("urls.json", {"urn:inside": "inside.json", "urn:promised": "pattern.json"}),
    ):
        (folder / name).write_text(json.dumps(value))
    run("import", folder / "payments.calm.json", "-o", folder / "holdfast.yaml")
    words = ["--rule", "GV-05", "--evidence", f"documents={folder / 'urls.json'}", "--json"]
    ran = CliRunner().invoke(main, ["review", str(folder / "holdfast.yaml"), *words])
    found = [(each["subject"], each["verdict"]) for each in json.loads(ran.stdout)["findings"]]
    assert found == ([("desk", "broken")] if verdict == "broken" else [])
    assert ran.exit_code == (verdict == "broken")


EXAMPLE = Path(__file__).parents[3] / "examples" / "document-review" / "holdfast.yaml"


def test_an_example_is_exported_valid_taken_back_and_passes_its_check(folder):
    document, again = folder / "review.json", folder / "holdfast.yaml"
    run("export", EXAMPLE, "-o", document)
    judged = json.loads(run("validate", document, "--json").stdout)
    assert (judged["valid"], judged["errors"]) == (True, [])
    run("import", document, "-o", again)
    shutil.copytree(EXAMPLE.parent / "policies", folder / "policies")
    assert load_blueprint(again).blueprint.digest == load_blueprint(EXAMPLE).blueprint.digest
    checked = CliRunner().invoke(main, ["check", str(again)])
    assert checked.exit_code == 0, checked.output


def test_settings_of_holdfasts_controls_are_judged_where_calm_states_them(folder):
    document = folder / "review.json"
    text = run("export", EXAMPLE).stdout
    assert '"total_s": ' in text
    document.write_text(re.sub(r'"total_s": \d+', '"total_s": "soon"', text))
    judged = json.loads(run("validate", document, "--json", code=1).stdout)
    assert {each["code"] for each in judged["errors"]} == {"control-requirement-validation"}
