"""``holdfast policy``: bundles are made only of what holds, and reports claim only what was shown."""

import json
import shutil

import pytest
from click.testing import CliRunner

from holdfast.cli import main
from holdfast.identity import SigningKey

BLUEPRINT = """holdfast: 1
name: desk
description: d
policies: [own/desk.cedar]
nodes:
  desk: {type: service, description: a, metadata: {region: eu}}
  model: {type: "ai:llm", description: b, controls: {upstream: {url: "http://127.0.0.1:1/v1"}}}
relationships:
  - {id: asks, connects: [desk, model], protocol: HTTP, description: c}
"""
POLICIES = """@id("short")
forbid (principal, action == Holdfast::Action::"generate", resource)
when { context has max_tokens && context.max_tokens > 400 };
@id("untested") forbid (principal, action, resource) when { context.tools };
"""
TESTS = """tests:
  - name: long answers are refused
    principal: desk
    action: generate
    resource: model
    context: {max_tokens: 401}
    expect: deny
"""
CALL = ["--principal", "desk", "--action", "generate", "--resource", "model"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "holdfast.yaml").write_text(BLUEPRINT)
    (tmp_path / "own/desk.cedar").write_text(POLICIES)
    (tmp_path / "own/desk.tests.yaml").write_text(TESTS)
    (tmp_path / "own/tests.yaml").write_text(TESTS)
    (tmp_path / "key.pem").write_bytes(SigningKey.from_seed(b"k" * 32).pem())
    return tmp_path


def run(folder, *words, code=0):
    words = [str(folder / word) if "." in word and "=" not in word else word for word in words]
    result = CliRunner().invoke(main, ["policy", *words])
    assert result.exit_code == code, result.output
    return result.output


def test_tests_are_run_and_what_none_covers_is_named(folder):
    said = run(folder, "test", "holdfast.yaml")
    assert "1 of 1 tests hold" in said
    assert "untested" in said


def test_a_test_that_fails_ends_with_code_1_and_its_place(folder):
    (folder / "own/desk.tests.yaml").write_text(TESTS.replace("401", "400"))
    said = run(folder, "test", "holdfast.yaml", code=1)
    assert "own/desk.tests.yaml:2: long answers are refused: expected deny" in said


def test_a_file_without_tests_says_so(folder):
    (folder / "own/desk.tests.yaml").unlink()
    assert "has no tests" in run(folder, "test", "holdfast.yaml", code=1)


def test_a_bundle_is_made_signed_and_tested(folder):
    run(folder, "bundle", str(folder / "own"), "-o", "desk.hfpolicy")
    said = json.loads(run(folder, "sign", "desk.hfpolicy", "--key", "key.pem", "--json"))
    assert said["signers"] == [SigningKey.from_seed(b"k" * 32).public.thumbprint]
    assert "1 of 1 tests hold" in run(folder, "test", "desk.hfpolicy")
    blueprint = BLUEPRINT.replace("own/desk.cedar", "desk.hfpolicy")
    keys = f"policy_keys: [{said['signers'][0]}]\n"
    (folder / "signed.yaml").write_text(blueprint + keys)
    assert CliRunner().invoke(main, ["check", str(folder / "signed.yaml")]).exit_code == 0


def test_a_bundle_whose_tests_fail_is_not_written(folder):
    (folder / "own/tests.yaml").write_text(TESTS.replace("401", "400"))
    run(folder, "bundle", str(folder / "own"), "-o", "desk.hfpolicy", code=1)
    assert not (folder / "desk.hfpolicy").exists()


def test_a_folder_without_policies_makes_no_bundle(folder):
    shutil.rmtree(folder / "own")
    (folder / "own").mkdir()
    (folder / "holdfast.yaml").write_text(BLUEPRINT.replace("policies: [own/desk.cedar]\n", ""))
    said = run(folder, "bundle", str(folder / "own"), "-o", "desk.hfpolicy", code=1)
    assert "holds no policies" in said


def test_an_explanation_shows_conditions(folder):
    said = run(folder, "explain", "holdfast.yaml", *CALL, "--fact", "max_tokens=400")
    assert "allowed: allowed by holdfast.declared" in said
    assert "failed       when { (context.max_tokens) > 400 }" in said
    said = run(folder, "explain", "holdfast.yaml", *CALL, "--fact", "max_tokens=401")
    assert "applying, but overruled:" in said


def test_a_fact_that_is_none_is_refused(folder):
    said = run(folder, "explain", "holdfast.yaml", *CALL, "--fact", "max_token=4", code=1)
    assert "did you mean `max_tokens`?" in said


def test_a_change_that_permits_more_ends_with_code_3_and_its_example(folder):
    pytest.importorskip("z3")
    run(folder, "bundle", str(folder / "own"), "-o", "old.hfpolicy")
    (folder / "own/desk.cedar").write_text(POLICIES.replace("400", "450"))
    said = run(folder, "diff", "old.hfpolicy", "holdfast.yaml", code=3)
    assert "NEW permits: desk generate model with max_tokens=4" in said
    assert "proven over all facts: 8 calls" in said
    assert "not proven" not in said
    assert "NEW refuses" in run(folder, "diff", "holdfast.yaml", "old.hfpolicy")


def test_equal_policies_are_proven_equal(folder):
    pytest.importorskip("z3")
    said = run(folder, "diff", "holdfast.yaml", "holdfast.yaml")
    assert said == "proven over all facts: 8 calls (caller, action, callee); none differs\n"
