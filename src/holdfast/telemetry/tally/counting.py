"""Counting calls as their records are heard. Pure: no lock, no clock."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from holdfast.audit import CallRecord, RecordedOutcome
from holdfast.core import trace_of
from holdfast.history import first_token_of
from holdfast.telemetry.tally.forms import (
    DURATION_BOUNDS,
    FIRST_TOKEN_BOUNDS,
    NO_RELATIONSHIP,
    OTHER,
    TOKENS_BOUNDS,
    Ended,
    Exemplar,
    Spread,
    Tallied,
)

RELATIONSHIPS_MAX = 200
"""Relationships that are told apart; calls over further ones are told together."""
RULES_MAX = 24
"""Ways to end that are told apart for one relationship; further ones are told together."""
_SECOND_US = 1_000_000


class _Buckets:
    """A histogram that grows."""

    __slots__ = ("_bounds", "_counts", "_newest", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        # Whose call it was is worked out for those only that are told.
        self._newest: list[tuple[float, CallRecord] | None] = [None] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float, record: CallRecord) -> None:
        """A bound is the largest value of its bucket, as Prometheus has it."""
        place = bisect_left(self._bounds, value)
        self._counts[place] += 1
        self._total += value
        self._newest[place] = value, record

    def spread(self) -> Spread:
        exemplars = tuple(None if each is None else _exemplar(*each) for each in self._newest)
        return Spread(tuple(self._counts), self._total, exemplars)


def _exemplar(value: float, record: CallRecord) -> Exemplar:
    trace = trace_of(record.call, record.trace)
    at = (record.at + record.duration_us) / _SECOND_US
    return Exemplar(trace.trace, trace.server, value, at)


class _Relationship:
    """All that is counted of one."""

    def __init__(self) -> None:
        self._ended: dict[tuple[RecordedOutcome, str], int] = {}
        self._duration = _Buckets(DURATION_BOUNDS)
        self._first_token = _Buckets(FIRST_TOKEN_BOUNDS)
        self._tokens_in = _Buckets(TOKENS_BOUNDS)
        self._tokens_out = _Buckets(TOKENS_BOUNDS)
        self._cost = 0

    def add(self, record: CallRecord) -> None:
        key = record.outcome, record.rule or ""
        if key not in self._ended and len(self._ended) >= RULES_MAX:
            key = record.outcome, OTHER
        self._ended[key] = self._ended.get(key, 0) + 1
        self._cost += record.cost or 0
        if record.outcome != "refused":
            self._duration.add(record.duration_us / _SECOND_US, record)
        first = first_token_of(record)
        if first is not None:
            self._first_token.add(first / _SECOND_US, record)
        if record.tokens_in is not None:
            self._tokens_in.add(record.tokens_in, record)
        if record.tokens_out is not None:
            self._tokens_out.add(record.tokens_out, record)

    def tallied(self, relationship: str) -> Tallied:
        return Tallied(
            relationship=relationship,
            ended=tuple(Ended(*key, calls) for key, calls in sorted(self._ended.items())),
            duration=self._duration.spread(),
            first_token=self._first_token.spread(),
            tokens_in=self._tokens_in.spread(),
            tokens_out=self._tokens_out.spread(),
            cost=self._cost,
        )


class Count:
    """One thread adds, others read ``told``: it is replaced, never changed."""

    def __init__(self) -> None:
        self._relationships: dict[str, _Relationship] = {}
        self.told: dict[str, Tallied] = {}

    def add(self, records: Iterable[CallRecord]) -> None:
        """The last records of calls."""
        touched: dict[str, _Relationship] = {}
        for record in records:
            name = self._place(record.relationship or NO_RELATIONSHIP)
            relationship = touched.get(name)
            if relationship is None:
                relationship = touched[name] = self._relationships.setdefault(name, _Relationship())
            relationship.add(record)
        fresh = {name: each.tallied(name) for name, each in touched.items()}
        self.told = dict(sorted({**self.told, **fresh}.items()))

    def _place(self, name: str) -> str:
        known = self._relationships
        return name if name in known or len(known) < RELATIONSHIPS_MAX else OTHER
