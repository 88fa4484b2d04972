"""The attacks: each test is named after one that has worked on somebody, with the input that did.

| # | attack | where |
|---|---|---|
| 1 | two parsers that read one request differently | test_attack_parsers.py |
| 2 | path confusion by the Host header | test_attack_requests.py |
| 3 | SQL injection in the key check | test_attack_credentials.py |
| 4 | collision in a token cache | test_attack_credentials.py |
| 5 | more authority than was given, by a field, a route, a link | test_attack_escalation.py |
| 6 | a MAC or token of one purpose offered for another | test_attack_purposes.py |
| 7 | a program named in a request | test_attack_commands.py |
| 8 | template and sandbox escape | test_attack_templates.py |
| 9 | a token of another audience, a token passed on | test_attack_tokens.py |
| 13 | an address inside in a tool's arguments, an upstream in a header | test_attack_egress.py |
| 14 | a redirect or header that carries a credential off | test_attack_tokens.py |
| 15 | a tool whose description misleads | test_attack_tools.py |
| 16 | a tool that changes after its approval, a tool that takes another's name | test_attack_tools.py |
| 17 | another's session, state or answer | test_attack_crossover.py |
| 18 | trust in headers that anybody can send | test_attack_requests.py |
| 19 | an endpoint open or rebindable by default | test_attack_requests.py |
| 20 | a supply chain that runs code, a model's file that does | test_attack_supply_chain.py |
| 21-27 | the console's door: tossed cookies, planted sessions, forged requests, redirects, used links, guesses, claimed roles | test_attack_console.py |

Tests of units stand where what they attack is tested.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# What tests of the whole system share lives with the integration tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from live import Home, ScriptedUpstream
from live.arena import Arena
from live.arena import arena as running_arena


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedUpstream]:
    """One upstream for all tests of a process."""
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[Home]:
    """A folder with a blueprint; what was started on it is gone when the test ends."""
    with Home(tmp_path, upstream.port) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Home]:
    """One running instance with a key for every caller, for tests that leave it as it is."""
    with Home(tmp_path_factory.mktemp("attacked"), upstream.port) as made:
        made.up()
        made.make_keys("desk", "clerk")
        yield made


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Arena]:
    """One running instance among models and servers of tools, some of which mean harm."""
    with running_arena(tmp_path_factory.mktemp("arena"), upstream) as made:
        yield made
