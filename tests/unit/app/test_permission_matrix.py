"""Every principal, action and resource of the example, decided; and what demands do to a matrix."""

import subprocess
import sys
from pathlib import Path

from holdfast.app.matrix import permission_matrix

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "document-review" / "holdfast.yaml"

DEMANDING = """\
holdfast: 1
name: demanding
description: Three models, each more careful of whom it serves.
nodes:
  desk: {type: service, description: Calls all of them.}
  open:
    type: ai:llm
    description: Serves bearers too.
    controls: {upstream: {url: "http://127.0.0.1:9/v1"}}
  shut:
    type: ai:llm
    description: Wants all there is.
    controls: {upstream: {url: "http://127.0.0.1:9/v1"}}
  far: {type: "ai:llm", description: Nobody declared a way to it.}
relationships:
  - {id: desk-open, connects: [desk, open], protocol: HTTP, description: Asks.}
  - id: desk-shut
    connects: [desk, shut]
    protocol: HTTP
    description: Asks.
    controls:
      identity: {proofs: [mtls, wpt, dpop, session], mandate: true, attested: affirming}
policies: [one.cedar]
"""
POLICY = '@id("no-embedding") forbid (principal, action == Holdfast::Action::"embed", resource);\n'


def test_who_may_do_what_in_the_example_is_as_it_was_reviewed() -> None:
    tool = ROOT / "tools" / "generate_permission_matrix.py"
    done = subprocess.run(
        [sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_triple_stands_there_once_and_none_is_open_undeclared() -> None:
    found = permission_matrix(EXAMPLE)
    triples = [(row.principal, row.action, row.resource) for row in found.rows]
    parts = [{triple[at] for triple in triples} for at in range(3)]
    assert len(set(triples)) == len(triples) == len(parts[0]) * len(parts[1]) * len(parts[2])
    undeclared = [row for row in found.rows if row.relationship is None]
    assert {answer for row in undeclared for answer in row.answers} == {"undeclared"}


def test_each_kind_of_caller_is_told_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "holdfast.yaml").write_text(DEMANDING)
    (tmp_path / "one.cedar").write_text(POLICY)
    found = permission_matrix(tmp_path / "holdfast.yaml")
    rows = {(row.principal, row.action, row.resource): row for row in found.rows}
    assert found.kinds == ("key", "proof", "attested", "mandate")
    assert rows["desk", "generate", "shut"].answers == (
        "demand.proof", "demand.mandate", "demand.mandate", "allowed",
    )  # fmt: skip
    assert rows["desk", "generate", "open"].answers == ("allowed",) * 4
    assert rows["desk", "generate", "far"].answers == ("undeclared",) * 4
    refused = rows["desk", "embed", "open"]
    assert (refused.answers, refused.policies) == (("refused",) * 4, ("no-embedding",))
