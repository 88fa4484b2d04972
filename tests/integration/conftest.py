"""Real processes over loopback: a scripted upstream, and Holdfast as a person would start it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test modules are imported one by one (importlib mode): what they share must be on the path.
sys.path.insert(0, str(Path(__file__).parent))

from live import Home, ScriptedUpstream


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedUpstream]:
    """One upstream for all tests of a process; each call says itself how it is answered."""
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
    with Home(tmp_path_factory.mktemp("shared"), upstream.port) as made:
        made.up()
        made.make_keys("desk", "clerk")
        yield made
