"""Vendored files are the ones that were reviewed, and the OpenAPI file is the one served."""

import hashlib
import importlib.util
import json
from pathlib import Path

from holdfast.faces import web

VENDOR = Path(web.__file__).parent / "static" / "vendor"
OTHER_PATHS = ("/healthz", "/readyz", "/metrics")
OPENAPI = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
GENERATOR = Path(__file__).parents[3] / "tools" / "generate_openapi.py"


def test_vendored_files_have_the_recorded_hashes():
    lines = [
        line.split(maxsplit=4)
        for line in (VENDOR / "HASHES").read_text("ascii").splitlines()
        if not line.startswith("#")
    ]
    assert {line[1] for line in lines} | {"HASHES"} == {path.name for path in VENDOR.iterdir()}
    for digest, name, version, licence, _ in lines:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
        assert version
        assert licence


def test_own_scripts_are_small():
    scripts = [path.read_text("utf-8") for path in VENDOR.parent.glob("*.js")]
    assert scripts
    assert sum(script.count("\n") for script in scripts) <= 600


def test_the_openapi_file_describes_what_can_be_served():
    spec = importlib.util.spec_from_file_location("generate_openapi", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    described = json.loads(json.dumps(generator.application().openapi()))
    assert json.loads(OPENAPI.read_text("utf-8")) == described, "run tools/generate_openapi.py"


def test_the_openapi_file_describes_what_is_served(client):
    described = json.loads(OPENAPI.read_text("utf-8"))["paths"]
    assert set(client.get("/api/openapi.json").json()["paths"]) <= set(described)


def test_every_api_path_is_described_and_console_paths_are_not(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    assert all(path.startswith(("/api/", "/log/")) or path in OTHER_PATHS for path in paths)
    for operations in paths.values():
        assert set(operations) == {"get"}
        assert operations["get"]["summary"]
        assert operations["get"]["description"]
