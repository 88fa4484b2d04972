"""Records as gateways write them, from few words so that they meet."""

from types import SimpleNamespace

import pytest
from hypothesis import strategies as st

from holdfast.audit import RECORD_VERSION, CallRecord
from holdfast.core import Instant, ulid

NOW = 1_795_250_096_123_456
MINUTE = 60_000_000
SPIFFE = "spiffe://holdfast.local/t/default/service/"


def record(at: int = NOW, noise: int = 0, **changes) -> CallRecord:
    fields = {
        "action": "chat",
        "at": at,
        "attempts": 1,
        "blueprint": "sha256:" + "b" * 64,
        "bundle": "sha256:" + "c" * 64,
        "call": ulid(Instant(at), noise.to_bytes(10, "big")),
        "decision": "allow",
        "duration_us": 1_200,
        "event": "call",
        "node": "model",
        "outcome": "answered",
        "policies": ("declared",),
        "principal": SPIFFE + "desk",
        "prompt": "hmac-sha256:" + "d" * 64,
        "relationship": "desk-asks-model",
        "resource": "model",
        "stages_us": (11, 16, 25, 27, 42, 1_000, 1_200),
        "status": 200,
        "tenant": "default",
        "v": RECORD_VERSION,
        "worker": 0,
    }
    return CallRecord(**fields | changes)


def _refusals(rule: str) -> dict[str, object]:
    return {"outcome": "refused", "decision": "refuse", "rule": rule, "relationship": None}


_ENDS = st.sampled_from(
    (
        {},
        {"event": "closed", "tokens_out": 40},
        {"outcome": "failed", "rule": "upstream.timeout", "status": 504},
        {"outcome": "cancelled", "rule": "call.cancelled", "status": 499},
        _refusals("relationship.undeclared"),
        _refusals("load.shed"),
    )
)
_TRACES = (
    None,
    "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    "00-" + "c" * 32 + "-" + "d" * 16 + "-00",
)


@st.composite
def records(draw, days: float = 0.2, size: int = 40) -> list[CallRecord]:
    """In the order of a log, where calls end in another order than they begin."""
    time = st.one_of(
        st.integers(0, int(days * 86_400_000_000)),
        st.integers(0, 5).map(lambda n: n * 300),  # within one millisecond, or at one instant
    )
    times = draw(st.lists(time, max_size=size))
    noises = draw(st.lists(st.integers(0, 3), min_size=len(times), max_size=len(times)))
    return [
        record(NOW - time, noise << 64 | place, **(draw(_WORDS) | draw(_ENDS)))
        for place, (time, noise) in enumerate(zip(times, noises, strict=True))
    ]


_WORDS = st.fixed_dictionaries(
    {
        "principal": st.sampled_from((None, SPIFFE + "desk", SPIFFE + "clerk")),
        "resource": st.sampled_from((None, "model", "tools")),
        "relationship": st.sampled_from(("one", "two")),
        "tool": st.sampled_from((None, "search")),
        "session": st.sampled_from((None, None, "talk", "a" * 32)),
        "trace": st.sampled_from(_TRACES),
        "tokens_in": st.sampled_from((None, 10)),
        "cost": st.sampled_from((None, 7)),
        "duration_us": st.integers(0, 10**8),
    }
)


@pytest.fixture(scope="session")
def past() -> SimpleNamespace:
    return SimpleNamespace(record=record, records=records, now=NOW, minute=MINUTE, spiffe=SPIFFE)
