"""The contracts in pyproject.toml, tried: one copy of the code breaks every one of them at once."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What is planted, and where: at least one import against each contract.
PLANTED = {
    "core/ids.py": ["holdfast.wire", "logging", "uvloop", "yaml", "time", "httptools", "asyncio"],
    "wire/headers.py": ["holdfast.world.real", "cryptography", "click", "cedarpy", "pydantic"],
    "world/ports/clock.py": ["holdfast.world.sim", "holdfast.core.digests"],
    "world/real/clock.py": ["holdfast.world.sim.clock", "holdfast.world.ports.blobs"],
    "world/sim/clock.py": ["holdfast.world.real.clock", "os"],
    "gateway/stages/accept.py": [
        "holdfast.gateway.stages.route",
        "fastapi",
        "holdfast.wire.server",
    ],
    "gateway/path.py": ["holdfast.audit.log", "holdfast.blueprint.parts", "holdfast.policy.errors"],
    "gateway/rules.py": [
        "holdfast.gateway.path",
        "holdfast.identity.store",
        "holdfast.registry.store",
    ],
    "gateway/replies.py": [
        "holdfast.providers.openai",
        "holdfast.resilience.breaker",
        "holdfast.guards.redaction",
        "holdfast.loops.drift.intake",
        "holdfast.history.forms",
    ],
    "faces/api/models.py": ["holdfast.faces.web", "holdfast.gateway.path", "holdfast.app.logs"],
    "app/logs.py": [
        "holdfast.testing.caller",
        "holdfast.faces.view",
        "holdfast.telemetry.otlp.spans",
        "holdfast.cli.key",
        "holdfast.client.errors",
    ],
    "client/errors.py": ["fastapi"],
}


def _contracts(folder: Path) -> dict[str, str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(  # in the copy, so that the copy's sources are the ones imported
        [*command, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "COLUMNS": "500"},
        capture_output=True,
        text=True,
        check=False,
    )
    names = [
        contract["name"]
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
            "importlinter"
        ]["contracts"]
    ]
    said: dict[str, str] = {}
    for name in names:
        line = next((x for x in done.stdout.splitlines() if x.startswith(name + " ")), "")
        said[name] = line.removeprefix(name).split()[0] if line else f"not run:\n{done.stdout}"
    return said


def _copy(folder: Path) -> None:
    shutil.copytree(
        ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "static")
    )
    shutil.copy(ROOT / "pyproject.toml", folder)


def test_every_import_contract_is_kept() -> None:
    assert set(_contracts(ROOT).values()) == {"KEPT"}


def test_every_import_contract_catches_what_it_forbids(tmp_path: Path) -> None:
    _copy(tmp_path)
    for name, imports in PLANTED.items():
        with (tmp_path / "src" / "holdfast" / name).open("a") as file:
            file.writelines(f"import {module}\n" for module in imports)
    assert {name: said for name, said in _contracts(tmp_path).items() if said != "BROKEN"} == {}


def test_a_new_folder_must_be_given_its_place_in_the_layers(tmp_path: Path) -> None:
    _copy(tmp_path)
    (tmp_path / "src" / "holdfast" / "newcomer").mkdir()
    (tmp_path / "src" / "holdfast" / "newcomer" / "__init__.py").touch()
    assert _contracts(tmp_path)["An arrow only ever points down"] == "BROKEN"


def test_every_module_has_a_front_door_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    doors = {c["protected_modules"][0] for c in contracts["contracts"] if "Front" in c["name"]}
    package = ROOT / "src" / "holdfast"
    modules = {f"holdfast.{folder.parent.name}" for folder in package.glob("*/__init__.py")}
    modules |= {f"holdfast.world.{f.parent.name}" for f in package.glob("world/*/__init__.py")}
    assert doors == {f"{module}.*" for module in modules - {"holdfast.world"}}
