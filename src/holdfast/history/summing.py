"""Traffic, series and their percentiles, from the coarsest rows that fit."""

from collections.abc import Iterator
from operator import add
from typing import NamedTuple, cast

from holdfast.history.errors import QueryError
from holdfast.history.forms import Measure, Point, Traffic
from holdfast.history.minutes import Minute
from holdfast.history.periods import COUNTS, SKETCHES
from holdfast.history.sketch import Buckets, Sketch, merge, percentile
from holdfast.history.tables import ALL_PAIRS, MINUTE_US, SPANS, read_cursor
from holdfast.world.ports import Row, Transaction, Value

POINTS_MAX = 2_000
"""Steps of one series."""
MINUTES_MAX = 1_441
"""Minutes of one answer: a day, and one for where it begins."""

_COLUMNS = ", ".join((*COUNTS, *SKETCHES))
_SUMS = f"""
SELECT pair, {_COLUMNS} FROM periods
WHERE span = ? AND pair IN (SELECT id FROM pairs WHERE ? IS NULL OR caller = ?)
AND minute >= ? AND minute < ?
"""
_MINUTES = f"""
SELECT minute, caller, callee, relationship, {_COLUMNS} FROM periods JOIN pairs ON id = pair
WHERE span = 1 AND minute >= ? AND minute < ? ORDER BY minute, pair
"""
_MEASURES: dict[Measure, str] = {
    "calls": "sum(calls)",
    "failed": "sum(failed)",
    "refused": "sum(refused)",
    "tokens": "sum(tokens_in) + sum(tokens_out)",
    "cost": "sum(cost)",
}


class _Sum:
    __slots__ = ("counts", "sketches")

    def __init__(self) -> None:
        self.counts = [0] * len(COUNTS)
        self.sketches: tuple[Buckets, ...] = tuple({} for _ in SKETCHES)

    def add(self, row: Row) -> None:
        """A row of counts and packed sketches."""
        counts = cast("tuple[int, ...]", row[: len(COUNTS)])
        self.counts = list(map(add, self.counts, counts))
        for buckets, packed in zip(self.sketches, row[len(COUNTS) :], strict=True):
            merge(buckets, cast("bytes | None", packed))


def sum_traffic(
    view: Transaction, since: int, until: int, *, caller: str | None = None
) -> tuple[Traffic, ...]:
    """Every pair (of one caller) that had calls from the minute of ``since`` on and in minutes that
    began before ``until``."""
    sums: dict[Value, _Sum] = {}
    for span, first, end in _pieces(view, since // MINUTE_US, -(-until // MINUTE_US)):
        for row in view.query(_SUMS, (span, caller, caller, first, end)):
            sums.setdefault(row[0], _Sum()).add(row[1:])
    if not sums:
        return ()
    rows = view.query("SELECT id, caller, callee, relationship FROM pairs")
    found = [_traffic(row[1:], sums[row[0]]) for row in rows if row[0] in sums]
    found.sort(key=lambda each: (each.caller or "", each.callee or "", each.relationship or ""))
    return tuple(found)


def _traffic(pair: Row, sums: _Sum) -> Traffic:
    caller, callee, relationship = cast("tuple[str | None, str | None, str | None]", pair)
    counts = dict(zip(COUNTS, sums.counts, strict=True))
    durations, first_tokens, _ = sums.sketches
    return Traffic(
        caller=caller,
        callee=callee,
        relationship=relationship,
        calls=counts["calls"],
        answered=counts["answered"],
        refused=counts["refused"],
        failed=counts["failed"],
        cancelled=counts["cancelled"],
        tokens_in=counts["tokens_in"],
        tokens_out=counts["tokens_out"],
        cost=counts["cost"],
        p50_us=percentile(durations, 0.5),
        p95_us=percentile(durations, 0.95),
        p99_us=percentile(durations, 0.99),
        first_token_p95_us=percentile(first_tokens, 0.95),
    )


def read_minutes(view: Transaction, since: int, until: int) -> list[Row]:
    """Every pair's minutes, oldest first: ``minute_of`` makes sense of each, once others may read."""
    first, end = since // MINUTE_US, -(-until // MINUTE_US)
    if end - first > MINUTES_MAX:
        raise QueryError(
            f"{end - first} minutes are too many", fix=f"ask for at most {MINUTES_MAX} at once"
        )
    return view.query(_MINUTES, (first, end))


def minute_of(row: Row) -> Minute:
    """One of them."""
    minute, caller, callee, relationship = cast(
        "tuple[int, str | None, str | None, str | None]", row[:4]
    )
    sums = _Sum()
    sums.add(row[4:])
    counts = dict(zip(COUNTS, sums.counts, strict=True))
    durations, first_tokens, speeds = map(Sketch, sums.sketches)
    return Minute(
        at=minute * MINUTE_US,
        caller=caller,
        callee=callee,
        relationship=relationship,
        durations=durations,
        first_tokens=first_tokens,
        speeds=speeds,
        **counts,
    )


def _pieces(view: Transaction, first: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Minutes from ``first`` and before ``end`` as whole days, hours and so on down; the newest
    ones, of which longer stretches do not tell yet, as they are."""
    folded = min(max(first, read_cursor(view).folded), end)
    yield from _whole(first, folded, SPANS)
    if folded < end:
        yield 1, folded, end


def _whole(first: int, end: int, spans: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    if first >= end:
        return
    span, finer = spans[-1], spans[:-1]
    low, high = -(-first // span) * span, end // span * span
    if low >= high:
        yield from _whole(first, end, finer)
        return
    yield span, low, high
    yield from _whole(first, low, finer)
    yield from _whole(high, end, finer)


def sum_series(
    view: Transaction,
    measure: Measure,
    *,
    since: int,
    until: int,
    step_s: int,
    relationship: str | None = None,
    callee: str | None = None,
) -> tuple[Point, ...]:
    """One value a step; steps begin at multiples of their length, the first with ``since``."""
    if step_s < 60 or step_s % 60:
        raise QueryError(f"a step of {step_s} s", fix="take a multiple of 60")
    step = step_s // 60
    first = since // MINUTE_US // step * step
    end = -(-until // (MINUTE_US * step)) * step
    if end - first > POINTS_MAX * step:
        raise QueryError(
            f"{(end - first) // step} steps are too many",
            fix=f"ask for at most {POINTS_MAX}: take longer steps",
        )
    found = _latencies if measure == "latency" else _sums
    return found(view, _Steps(measure, first, end, step), _pairs(relationship, callee))


class _Steps(NamedTuple):
    measure: Measure
    first: int
    end: int
    step: int

    def pieces(self, view: Transaction) -> Iterator[tuple[int, int, int]]:
        """The longest stretches that steps are made of, while those tell of it; then minutes."""
        span = max(each for each in SPANS if self.step % each == 0)
        folded = read_cursor(view).folded
        middle = min(max(self.first, folded - folded % span), self.end)
        yield span, self.first, middle
        yield 1, middle, self.end


class _Pairs(NamedTuple):
    """Those that a series is about: a list of numbers for SQL, and its values."""

    numbers: str
    values: tuple[Value, ...]


def _pairs(relationship: str | None, callee: str | None) -> _Pairs:
    given = {"relationship": relationship, "callee": callee}
    asked = {name: value for name, value in given.items() if value is not None}
    if not asked:
        return _Pairs(str(ALL_PAIRS), ())
    where = " AND ".join(f"{name} = ?" for name in asked)
    return _Pairs(f"SELECT id FROM pairs WHERE {where}", tuple(asked.values()))


_WHERE = "FROM periods WHERE span = ? AND pair IN ({}) AND minute >= ? AND minute < ?"


def _sums(view: Transaction, steps: _Steps, pairs: _Pairs) -> tuple[Point, ...]:
    _, first, end, step = steps
    where = _WHERE.format(pairs.numbers)
    sql = f"SELECT minute / {step}, {_MEASURES[steps.measure]} {where} GROUP BY 1"
    known: dict[int, int] = {}
    for span, low, high in steps.pieces(view):
        rows = view.query(sql, (span, *pairs.values, low, high))
        for at, value in cast("list[tuple[int, int]]", rows):
            known[at] = known.get(at, 0) + value
    return tuple(
        Point(at * MINUTE_US, float(known.get(at // step, 0))) for at in range(first, end, step)
    )


def _latencies(view: Transaction, steps: _Steps, pairs: _Pairs) -> tuple[Point, ...]:
    sql = f"SELECT minute, durations {_WHERE.format(pairs.numbers)}"
    found: dict[int, Buckets] = {}
    for span, low, high in steps.pieces(view):
        rows = view.query(sql, (span, *pairs.values, low, high))
        for minute, packed in cast("list[tuple[int, bytes | None]]", rows):
            merge(found.setdefault(minute // steps.step, {}), packed)
    values = ((at, percentile(buckets, 0.95)) for at, buckets in sorted(found.items()))
    return tuple(
        Point(at * steps.step * MINUTE_US, float(value))
        for at, value in values
        if value is not None
    )
