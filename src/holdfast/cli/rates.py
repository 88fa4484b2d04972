"""What happened between two pictures of the system, by relationship. Pure."""

from collections import Counter
from collections.abc import Sequence
from operator import sub

import msgspec

from holdfast.app.picture import Picture
from holdfast.telemetry.tally import DURATION_BOUNDS, Spread, Tallied

_SECOND_US = 1_000_000


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One relationship: per second over ``window_s``. ``p95_us`` is read off a histogram: about
    right, and no more than its highest bound (``is_beyond``)."""

    relationship: str
    window_s: float
    in_flight: int
    calls: int
    failed: int
    refused: int
    tokens: int
    cost: int
    p95_us: float | None
    is_beyond: bool


def rows_of(before: Picture, now: Picture) -> list[Row]:
    """Every relationship that has calls, the busiest first."""
    window_s = max((now.live.at - before.live.at) / _SECOND_US, 0.001)
    old = {each.relationship: each for each in before.tallied}
    new = {each.relationship: each for each in now.tallied}
    busy = Counter(each.relationship for each in now.live.in_flight if each.relationship)
    names = dict.fromkeys([*new, *busy])
    rows = [_row(name, old.get(name), new.get(name), (window_s, busy[name])) for name in names]
    return sorted(rows, key=lambda row: (-row.calls, -row.in_flight, row.relationship))


def _row(name: str, old: Tallied | None, new: Tallied | None, seen: tuple[float, int]) -> Row:
    window_s, in_flight = seen
    if old is not None and new is not None and _calls(old) > _calls(new):
        old = None  # another instance counts now, from its own start
    p95, is_beyond = _percentile(_less(new, old, "duration"), 0.95)
    tokens = [_total(new, name) - _total(old, name) for name in ("tokens_in", "tokens_out")]
    return Row(
        relationship=name,
        window_s=window_s,
        in_flight=in_flight,
        calls=_calls(new) - _calls(old),
        failed=_calls(new, "failed") - _calls(old, "failed"),
        refused=_calls(new, "refused") - _calls(old, "refused"),
        tokens=round(sum(tokens)),
        cost=(new.cost if new else 0) - (old.cost if old else 0),
        p95_us=p95,
        is_beyond=is_beyond,
    )


def _calls(tallied: Tallied | None, outcome: str | None = None) -> int:
    ended = tallied.ended if tallied else ()
    return sum(each.calls for each in ended if outcome in (None, each.outcome))


def _spread(tallied: Tallied | None, name: str) -> Spread:
    return getattr(tallied, name) if tallied else Spread((), 0.0)


def _total(tallied: Tallied | None, name: str) -> float:
    return _spread(tallied, name).total


def _less(new: Tallied | None, old: Tallied | None, name: str) -> Sequence[int]:
    counts, gone = _spread(new, name).counts, _spread(old, name).counts
    return list(map(sub, counts, gone)) if gone else counts


def _percentile(counts: Sequence[int], share: float) -> tuple[float | None, bool]:
    """Microseconds, evenly spread inside a bucket; and whether it is above all bounds."""
    total = sum(counts)
    if not total:
        return None, False
    wanted, so_far = share * total, 0
    for place, inside in enumerate(counts):
        if so_far + inside >= wanted and inside:
            if place >= len(DURATION_BOUNDS):
                break
            low = DURATION_BOUNDS[place - 1] if place else 0.0
            part = (wanted - so_far) / inside
            return (low + (DURATION_BOUNDS[place] - low) * part) * _SECOND_US, False
        so_far += inside
    return DURATION_BOUNDS[-1] * _SECOND_US, True
