"""``holdfast export`` and ``holdfast infra``: what they write, what they say, how they end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast.cli import main

BLUEPRINT = """
holdfast: 1
name: shop
nodes:
  web: {type: service, description: A shop.}
  db: {type: database, description: A store., facts: {encrypted_at_rest: true}}
relationships:
  - {id: web-asks-db, connects: [web, db], facts: {port: 5432}}
"""
OPEN = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: more, namespace: shop}
spec: {podSelector: {}, ingress: [{}], egress: [{}]}
"""


def plan_of(**values: bool) -> str:
    after = {"tags": {"holdfast-node": "db"}, **values}
    change = {"actions": ["create"], "before": None, "after": after, "after_unknown": {}}
    stored = {"address": "aws_db_instance.db", "mode": "managed", "type": "aws_db_instance",
              "name": "db", "change": change}  # fmt: skip
    return json.dumps({"format_version": "1.2", "resource_changes": [stored]})


POD = """
kind: Pod
metadata: {name: web, namespace: shop, labels: {app.kubernetes.io/name: web}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "holdfast.yaml"
    path.write_text(BLUEPRINT)
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_what_is_exported_is_checked_and_holds(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    written = run("export", "kubernetes", file, "--flavour", "all", "-o", folder)
    assert written.exit_code == 0, written.output
    assert sorted(path.name for path in folder.iterdir()) == [
        "cilium-policies.yaml", "network-policies.yaml",
    ]  # fmt: skip
    for name in ("network-policies.yaml", "cilium-policies.yaml"):
        checked = run("export", "kubernetes", file, "--check", folder / name)
        assert checked.exit_code == 0, checked.output


def test_differences_end_with_1_and_what_cannot_be_judged_with_2(
    file: Path, tmp_path: Path
) -> None:
    (tmp_path / "policies").mkdir()
    policies = tmp_path / "policies" / "all.yaml"
    policies.write_text(OPEN)
    found = run("export", "kubernetes", file, "--check", policies, "--json")
    assert found.exit_code == 1
    excess = json.loads(found.output)["excess"]
    assert ("db", "web") in {(each["source"], each["destination"]) for each in excess}
    policies.write_text(run("export", "kubernetes", file).stdout)
    elsewhere = "---\napiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\n"
    (tmp_path / "policies" / "more.yaml").write_text(f"{elsewhere}metadata: {{name: x}}\n")
    assert run("export", "kubernetes", file, "--check", tmp_path / "policies").exit_code == 2


def test_manifests_that_cannot_be_read_are_told_with_their_place(
    file: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(f"{OPEN}\n---\na: [\n")
    found = run("export", "kubernetes", file, "--check", broken, "--json")
    assert found.exit_code == 1
    assert json.loads(found.output)["error"]["code"] == "kubernetes.invalid"


def test_plans_and_manifests_are_judged_together(file: Path, tmp_path: Path) -> None:
    plan, pod = tmp_path / "plan.json", tmp_path / "web.yaml"
    plan.write_text(plan_of())
    pod.write_text(POD)
    found = run("infra", "check", plan, pod, "--blueprint", file, "--json")
    assert found.exit_code == 1
    said = json.loads(found.output)
    assert [each["rule"] for each in said["broken"]] == ["IAC-05"]
    assert said["bound"] == {"aws_db_instance.db": "db", "shop/web[Pod]": "web"}
    plan.write_text(plan_of(storage_encrypted=True))
    assert run("infra", "check", plan, pod, "--blueprint", file).exit_code == 0
    modules = tmp_path / "approved.yaml"
    modules.write_text("modules: []\n")
    found = run("infra", "check", plan, pod, "--blueprint", file, "--modules", modules)
    assert found.exit_code == 1
    assert "IAC-02" in found.output
