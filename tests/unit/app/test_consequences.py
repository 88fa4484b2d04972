"""The commands `holdfast blast` and `holdfast prove`, whole."""

import json

import pytest
from click.testing import CliRunner

from holdfast.cli import main

BLUEPRINT = """
holdfast: 1
name: t
nodes:
  web: {type: service, description: d, facts: {untrusted_content: true}}
  agent: {type: "ai:agent", description: d}
  shell: {type: "ai:tool", description: d, facts: {executes: shell}}
relationships:
  - {id: reads, connects: [agent, web], facts: {effect: read}}
  - {id: runs, connects: [agent, shell], facts: {strength: soft}}
flows:
  - {id: f, name: f, description: d, steps: [{over: reads, description: d}]}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "holdfast.yaml"
    path.write_text(BLUEPRINT)
    return path


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_blast_says_what_falls_with_its_way_and_draws_it(file, tmp_path):
    picture = tmp_path / "map.svg"
    done = run("blast", "web", file, "--failure", "--svg", picture)
    assert done.exit_code == 0, done.output
    assert "agent  <- web (reads)" in done.output
    assert "down      flow f" in done.output
    assert picture.read_text().startswith("<svg")


def test_blast_as_json_has_states_facts_and_the_containment(file):
    done = run("blast", "web", file, "--content", "--contain", "--k", "1", "--json")
    found = json.loads(done.output)
    assert found["compromise"]["declared"]["guards_hold"]["controlled"] == ["shell"]
    assert found["containment"]["steps"][0]["action"] == "approve runs"
    assert found["cut_sets"] == {"f": [["web"], ["agent"]]}


def test_blast_says_what_hangs_with_what_was_assumed(file):
    done = run("blast", "web", file, "--failure", "--how", "hangs")
    assert done.exit_code == 0, done.output
    assert "When web hangs:" in done.output
    assert "say no timeout_s: taken as waiting for ever" in done.output
    found = json.loads(run("blast", "web", file, "--failure", "--how", "hangs", "--json").output)
    assert found["failure"]["how"] == "hangs"
    assert found["failure"]["states"]["agent"] == "down"


def test_a_part_that_is_not_there_is_a_clear_error(file):
    done = run("blast", "wep", file)
    assert done.exit_code == 1
    assert "no node `wep`" in done.output


def test_prove_ends_with_a_code_that_says_what_came_of_it(file):
    refuted = run("prove", file, "--json")
    assert refuted.exit_code == 1
    outcomes = {each["rule"]: each["outcome"] for each in json.loads(refuted.output)["proofs"]}
    assert outcomes["guarded"] == "refuted"
    assert outcomes["policies-within-declared"] == "proved"
    assert run("prove", file, "--property", "policies").exit_code == 0
    unproven = run("prove", file, "--property", "network")
    assert unproven.exit_code == 3
    assert "needs --manifests" in unproven.output


def test_prove_compares_the_cluster_with_the_blueprint(file, tmp_path):
    manifest = tmp_path / "pods.yaml"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}, namespace: t, labels: {{app.kubernetes.io/name: {0}}}}}\n"
    manifest.write_text("---\n".join(pod.format(name) for name in ("web", "agent", "shell")))
    done = run("prove", file, "--property", "network", "--manifests", manifest, "--direct")
    assert done.exit_code == 1
    assert "REFUTED    everything that the network permits is declared" in done.output
    assert "PROVED     everything that is declared is permitted" in done.output
