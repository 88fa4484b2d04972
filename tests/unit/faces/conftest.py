"""The fake system, loaded by path so that the browser tests can use it too."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from holdfast.faces.service import make_app


@pytest.fixture(scope="session")
def fakes() -> SimpleNamespace:
    spec = importlib.util.spec_from_file_location(
        "fake_system", Path(__file__).with_name("fake_system.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.fakes


@pytest.fixture
def system(fakes):
    return fakes.busy_system()


@pytest.fixture
def app(system, fakes) -> FastAPI:
    return make_app(system, version="9.9.9", gateway="http://127.0.0.1:8080", vkey=fakes.vkey)


@pytest.fixture
def client(app) -> TestClient:
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=True)
