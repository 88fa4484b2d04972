"""A gateway that verifies, over loopback, and agents with identities of its issuer."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from verifying_gateway import VerifyingGateway


@pytest.fixture
def gateway() -> Iterator[VerifyingGateway]:
    with VerifyingGateway() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[VerifyingGateway]:
    """Another origin, which takes note of what it is sent."""
    with VerifyingGateway() as running:
        yield running
