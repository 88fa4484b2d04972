"""The fake system, loaded by path so that the browser tests can use it too."""

import importlib.util
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from holdfast.app.registers import StoredRegisters
from holdfast.faces import Windows
from holdfast.faces.service import make_app
from holdfast.identity import SigningKey
from holdfast.loops.drift import Period, Question, Report, Tally, compare
from holdfast.world.real import SystemClock
from holdfast.world.sim import SimStore

REGISTRY_KEY = SigningKey.from_seed(b"r" * 32)


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


@pytest.fixture(scope="session")
def people() -> SimpleNamespace:
    """The fakes around the console's entrance."""
    spec = importlib.util.spec_from_file_location(
        "fake_people", Path(__file__).with_name("fake_people.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.people


@pytest.fixture(scope="session")
def lasting_house(people, fakes):
    return people.House(fakes.busy_system())


@pytest.fixture
def house(lasting_house):
    """A console that asks who comes in. One for all tests, each of which finds it a week later:
    sessions, links and counts of the tests before are over."""
    lasting_house.a_week_later()
    return lasting_house


@pytest.fixture
def system(fakes):
    return fakes.busy_system()


@pytest.fixture
def rows() -> Iterator[SimStore]:
    """The database behind passports and revocations."""
    made = SimStore()
    yield made
    made.close()


class _NothingSeen:
    """A view on drift before anything was seen."""

    def __init__(self, blueprint) -> None:
        self._blueprint = blueprint

    def report(self) -> Report:
        period = Period(start=1, now=2, window_us=1)
        question = Question(blueprint=self._blueprint, period=period, today=date(2026, 11, 21))
        return compare(Tally(), question)


@pytest.fixture
def app(system, fakes, rows) -> FastAPI:
    registers = StoredRegisters(
        rows, key=REGISTRY_KEY, clock=SystemClock(), uri="http://localhost/api/status-list"
    )
    return make_app(
        system,
        version="9.9.9",
        gateway="http://127.0.0.1:8080",
        vkey=fakes.vkey,
        windows=Windows(
            history=system.history,
            registers=registers,
            drift=_NothingSeen(system.blueprint()),
        ),
    )


@pytest.fixture
def client(app) -> TestClient:
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=True)
