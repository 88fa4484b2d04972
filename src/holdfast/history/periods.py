"""What calls add up to, per minute and pair; and, for minutes that are over, per ten minutes, hour
and day, so that a long time is summed up from few rows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypeAlias, cast

from msgspec import json

from holdfast.audit import CallRecord
from holdfast.history.minutes import SPEED_TOKENS_MIN, UNSERVED
from holdfast.history.sketch import Buckets, bucket_of, merge, pack
from holdfast.history.tables import ALL_PAIRS, SPANS
from holdfast.world.ports import Row, Transaction, Value

_Key: TypeAlias = tuple[int, int]

COUNTS = (
    *("calls", "answered", "refused", "failed", "cancelled", "unserved"),
    *("tokens_in", "tokens_out", "cost"),
)
SKETCHES = ("durations", "first_tokens", "speeds")
"""Columns of a row, after ``span``, ``pair`` and ``minute``: these, after the counts."""
_OPEN_MINUTES = 2
"""Minutes that still get calls: they are told in longer stretches when they are over."""
_FOLD_MINUTES = 5
_GAP = 10
_DAY_MINUTES = 1440
_MILLI_PER_US = 1_000_000_000
_READ = (
    f"SELECT pair, minute, {', '.join(SKETCHES)} FROM periods WHERE span = ? "
    "AND pair IN (SELECT value FROM json_each(?)) AND minute BETWEEN ? AND ?"
)
_MINUTES = (
    f"SELECT pair, minute, {', '.join((*COUNTS, *SKETCHES))} FROM periods WHERE span = 1 "
    f"AND pair IN (SELECT {ALL_PAIRS} UNION SELECT id FROM pairs) AND minute >= ? AND minute < ?"
)
_ADD = (
    f"INSERT INTO periods VALUES ({', '.join('?' * (3 + len(COUNTS) + len(SKETCHES)))}) "
    "ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in COUNTS)
    + "".join(f", {name} = excluded.{name}" for name in SKETCHES)
)
_counts = attrgetter(*COUNTS)


@dataclass(slots=True)
class Sum:
    """Calls of one pair in one stretch of time."""

    calls: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    cancelled: int = 0
    unserved: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: int = 0
    durations: Buckets = field(default_factory=Buckets)
    first_tokens: Buckets = field(default_factory=Buckets)
    speeds: Buckets = field(default_factory=Buckets)

    def count(self, record: CallRecord, first_token_us: int | None) -> None:
        """One more call."""
        self.calls += 1
        self.tokens_in += record.tokens_in or 0
        self.tokens_out += record.tokens_out or 0
        self.cost += record.cost or 0
        if first_token_us is not None:
            _put(self.first_tokens, first_token_us)
        outcome = record.outcome
        if outcome == "answered":
            self.answered += 1
            _put(self.durations, record.duration_us)
            if first_token_us is not None:
                self._time(record, first_token_us)
        elif outcome == "refused":
            self.refused += 1
            self.unserved += record.rule in UNSERVED
        elif outcome == "failed":
            self.failed += 1
        elif outcome == "cancelled":
            self.cancelled += 1

    def _time(self, record: CallRecord, first_token_us: int) -> None:
        tokens, took_us = record.tokens_out or 0, record.duration_us - first_token_us
        if tokens >= SPEED_TOKENS_MIN and took_us > 0:
            _put(self.speeds, tokens * _MILLI_PER_US // took_us)

    def add(self, other: "Sum") -> None:
        self.calls += other.calls
        self.answered += other.answered
        self.refused += other.refused
        self.failed += other.failed
        self.cancelled += other.cancelled
        self.unserved += other.unserved
        self.tokens_in += other.tokens_in
        self.tokens_out += other.tokens_out
        self.cost += other.cost
        for mine, theirs in zip(self.sketches(), other.sketches(), strict=True):
            for bucket, count in theirs.items():
                mine[bucket] = mine.get(bucket, 0) + count

    @classmethod
    def of(cls, row: Row) -> "Sum":
        """Of a row's counts and packed sketches."""
        found = cls(**dict(zip(COUNTS, cast("tuple[int, ...]", row), strict=False)))  # pyright: ignore[reportArgumentType] - sketches are no counts
        for buckets, packed in zip(found.sketches(), row[len(COUNTS) :], strict=True):
            merge(buckets, cast("bytes | None", packed))
        return found

    def counts(self) -> tuple[int, ...]:
        """In the order of ``COUNTS``."""
        return _counts(self)

    def sketches(self) -> tuple[Buckets, Buckets, Buckets]:
        return self.durations, self.first_tokens, self.speeds


def _put(buckets: Buckets, value: int) -> None:
    bucket = bucket_of(value)
    buckets[bucket] = buckets.get(bucket, 0) + 1


class Sums:
    """The sums of one batch, by pair and minute."""

    __slots__ = ("_minutes", "newest")

    def __init__(self) -> None:
        self._minutes: dict[_Key, Sum] = {}
        self.newest = 0

    def of(self, pair: int, minute: int) -> Sum:
        found = self._minutes.get((pair, minute))
        if found is None:
            found = self._minutes[pair, minute] = Sum()
            self.newest = max(self.newest, minute)
        return found

    def write(self, change: Transaction, *, folded: int) -> int:
        """Add them to what is there; up to which minute longer stretches are told after it.

        ``folded`` is that minute before it: what comes late is added to the longer stretches too.
        """
        sums = self._minutes
        for (_, minute), each in tuple(sums.items()):
            self.of(ALL_PAIRS, minute).add(each)
        _add(change, 1, sums)
        _add_longer(change, {key: each for key, each in sums.items() if key[1] < folded})
        upto = self.newest - _OPEN_MINUTES
        if upto < folded + _FOLD_MINUTES:
            return folded
        _fold(change, folded, upto)
        return upto


def _fold(change: Transaction, first: int, end: int) -> None:
    """Tell whole minutes in longer stretches, a day's at a time so that memory has a bound."""
    oldest = change.query(
        "SELECT min(minute) FROM periods WHERE span = 1 AND pair = ?", (ALL_PAIRS,)
    )
    first = max(first, cast("int", oldest[0][0]))
    for start in range(first, end, _DAY_MINUTES):
        rows = change.query(_MINUTES, (start, min(start + _DAY_MINUTES, end)))
        _add_longer(change, {cast("_Key", row[:2]): Sum.of(row[2:]) for row in rows})


def _add_longer(change: Transaction, sums: Mapping[_Key, Sum]) -> None:
    for span in SPANS[1:]:
        sums = _coarser(sums, span)
        _add(change, span, sums)


def _add(change: Transaction, span: int, sums: Mapping[_Key, Sum]) -> None:
    known = _known(change, span, sums)
    change.execute_many(_ADD, [_row(span, key, sums[key], known) for key in sorted(sums)])


def _known(
    change: Transaction, span: int, keys: Collection[_Key]
) -> Mapping[_Key, tuple[bytes | None, ...]]:
    """The sketches that are there already, by pair and minute."""
    pairs = json.encode(sorted({pair for pair, _ in keys})).decode()
    found: dict[_Key, tuple[bytes | None, ...]] = {}
    for first, last in _runs(sorted({minute for _, minute in keys}), gap=_GAP * span):
        for row in change.query(_READ, (span, pairs, first, last)):
            found[cast("_Key", row[:2])] = cast("tuple[bytes | None, ...]", row[2:])
    return found


def _runs(minutes: Sequence[int], *, gap: int) -> Iterator[tuple[int, int]]:
    """Stretches with no hole longer than ``gap``: one call from long ago must not have all that was
    since then read."""
    first = last = minutes[0] if minutes else 0
    for minute in minutes[1:]:
        if minute - last > gap:
            yield first, last
            first = minute
        last = minute
    if minutes:
        yield first, last


def _coarser(sums: Mapping[_Key, Sum], span: int) -> Mapping[_Key, Sum]:
    found: dict[_Key, Sum] = {}
    for (pair, minute), each in sums.items():
        key = pair, minute - minute % span
        if key not in found:
            found[key] = Sum()
        found[key].add(each)
    return found


def _row(
    span: int, key: _Key, each: Sum, known: Mapping[_Key, tuple[bytes | None, ...]]
) -> tuple[Value, ...]:
    sketches, there = each.sketches(), known.get(key)
    if there is None:
        return (span, *key, *each.counts(), *map(pack, sketches))
    packed: list[bytes | None] = []
    for buckets, before in zip(sketches, there, strict=True):
        together = dict(buckets)  # a copy: the sum is needed as it is for the longer stretches
        merge(together, before)
        packed.append(pack(together))
    return (span, *key, *each.counts(), *packed)
