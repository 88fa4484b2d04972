"""What ``holdfast top`` reads off two pictures of the system."""

import pytest

from holdfast.app.picture import Busy, LiveSeen, Picture, Totals
from holdfast.cli.rates import rows_of
from holdfast.telemetry.tally import DURATION_BOUNDS, Ended, Spread, Tallied

NONE = (0,) * (len(DURATION_BOUNDS) + 1)


def spread(total=0.0, counts=NONE) -> Spread:
    return Spread(counts, total)


def tallied(name="a-b", *, answered=0, failed=0, refused=0, durations=NONE, tokens=0, cost=0):
    ways = (("answered", answered), ("failed", failed), ("refused", refused))
    return Tallied(
        relationship=name,
        ended=tuple(Ended(way, "", n) for way, n in ways if n),
        duration=spread(counts=durations),
        first_token=spread(),
        tokens_in=spread(tokens),
        tokens_out=spread(),
        cost=cost,
    )


def picture(at_s, *rows, busy=()):
    calls = tuple(Busy(str(i), 0, "routed", None, None, name) for i, name in enumerate(busy))
    live = LiveSeen(round(at_s * 1e6), (), Totals(0, 0, 0, 0, 0, 0, 0), calls, (), (), (), (), ())
    return Picture(system="s", blueprint="d", trouble=None, live=live, tallied=rows)


def in_bucket(place, calls):
    return tuple(calls if i == place else 0 for i in range(len(NONE)))


def test_a_row_is_what_was_added_between_two_pictures():
    before = picture(1, tallied(answered=10, tokens=100, cost=5))
    now = picture(3, tallied(answered=14, failed=2, refused=1, tokens=160, cost=9), busy=["a-b"])
    [row] = rows_of(before, now)
    assert (row.calls, row.failed, row.refused, row.tokens, row.cost) == (7, 2, 1, 60, 4)
    assert (row.window_s, row.in_flight) == (2.0, 1)


def test_a_relationship_that_is_new_counts_from_nothing():
    [row] = rows_of(picture(1), picture(2, tallied(answered=3)))
    assert row.calls == 3


def test_one_with_calls_under_way_alone_is_told():
    [row] = rows_of(picture(1), picture(2, busy=["a-b", "a-b", None]))
    assert (row.relationship, row.in_flight, row.calls) == ("a-b", 2, 0)


def test_a_restart_between_the_pictures_counts_from_its_own_start():
    [row] = rows_of(picture(1, tallied(answered=100)), picture(2, tallied(answered=4)))
    assert row.calls == 4


def test_the_busiest_comes_first():
    now = picture(2, tallied("x", answered=1), tallied("y", answered=9), tallied("z", answered=1))
    assert [row.relationship for row in rows_of(picture(1), now)] == ["y", "x", "z"]


@pytest.mark.parametrize("place", range(len(DURATION_BOUNDS)))
def test_the_percentile_is_inside_the_bucket_that_has_it(place):
    now = picture(2, tallied(answered=100, durations=in_bucket(place, 100)))
    [row] = rows_of(picture(1), now)
    low = DURATION_BOUNDS[place - 1] if place else 0.0
    assert low < row.p95_us / 1e6 <= DURATION_BOUNDS[place]
    assert not row.is_beyond


def test_above_all_bounds_it_says_so():
    now = picture(2, tallied(answered=9, durations=in_bucket(len(DURATION_BOUNDS), 9)))
    [row] = rows_of(picture(1), now)
    assert (row.p95_us, row.is_beyond) == (DURATION_BOUNDS[-1] * 1e6, True)


def test_without_calls_there_is_no_percentile():
    [row] = rows_of(picture(1), picture(2, tallied(refused=3)))
    assert row.p95_us is None
