"""What a tally tells, and the bounds of its histograms.

The bounds are those that OpenTelemetry's GenAI semantic conventions give for
``gen_ai.client.operation.duration``, ``gen_ai.server.time_to_first_token`` and
``gen_ai.client.token.usage``, so that what is read here compares with what is measured elsewhere.
"""

from typing import Protocol

import msgspec

from holdfast.audit import RecordedOutcome

DURATION_BOUNDS = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
"""Seconds."""
FIRST_TOKEN_BOUNDS = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
"""Seconds."""
TOKENS_BOUNDS = (
    1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0,
    16777216.0, 67108864.0,
)  # fmt: skip

NO_RELATIONSHIP = "_none"
"""Calls that were refused before a relationship was found. No node or relationship has such an id."""
OTHER = "_other"
"""What found no place of its own."""


class Exemplar(msgspec.Struct, frozen=True, gc=False):
    """A call that stands for its bucket: ``at`` is when it ended, in seconds since 1970."""

    trace: str
    span: str
    value: float
    at: float


class Spread(msgspec.Struct, frozen=True, gc=False):
    """A histogram: how many fell into each bucket (not added up; the last is above all bounds), with
    the newest call of each, and the sum of all values."""

    counts: tuple[int, ...]
    total: float
    exemplars: tuple[Exemplar | None, ...] = ()


class Ended(msgspec.Struct, frozen=True, gc=False):
    """Calls that ended one way; ``rule`` is empty where none refused or failed them."""

    outcome: RecordedOutcome
    rule: str
    calls: int


class Tallied(msgspec.Struct, frozen=True, kw_only=True):
    """One relationship since the start. ``duration`` (seconds) is of calls that were let through,
    ``cost`` in billionths of the currency."""

    relationship: str
    ended: tuple[Ended, ...]
    duration: Spread
    first_token: Spread
    tokens_in: Spread
    tokens_out: Spread
    cost: int


def without_exemplars(tallied: Tallied) -> Tallied:
    """Its numbers alone."""
    names = ("duration", "first_token", "tokens_in", "tokens_out")
    spreads: dict[str, Spread] = {name: getattr(tallied, name) for name in names}
    bare = {name: Spread(each.counts, each.total) for name, each in spreads.items()}
    return msgspec.structs.replace(tallied, **bare)


class Tallies(Protocol):
    """Where it can be read."""

    def tallied(self) -> tuple[Tallied, ...]:
        """Every relationship that had calls, by its id."""
        ...

    def entries(self) -> int:
        """How many entries of the log were heard."""
        ...

    def dropped(self) -> dict[str, int]:
        """What telemetry lost, by where it was to go."""
        ...
