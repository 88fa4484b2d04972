from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.quantile import (
    RELATIVE_ERROR,
    REUSED_S,
    SAMPLES_MIN,
    SECONDS_MAX,
    SECONDS_MIN,
    SLICE_S,
    SLICES,
    Percentile,
)

TIMES = st.lists(st.floats(SECONDS_MIN, SECONDS_MAX), min_size=SAMPLES_MIN, max_size=200)


def exact(times, percentile):
    return sorted(times)[max(1, ceil(len(times) * percentile / 100)) - 1]


@given(times=TIMES, percentile=st.sampled_from([0.0, 10.0, 50.0, 90.0, 95.0]))
def test_every_percentile_is_within_its_relative_error_of_the_exact_one(times, percentile):
    seen = Percentile()
    for index, seconds in enumerate(times):
        seen.observe(seconds, 1000.0 + index / 100)
    value = seen.value(percentile, 1002.0)
    assert value == pytest.approx(exact(times, percentile), rel=RELATIVE_ERROR * 1.001)


@given(times=TIMES)
def test_a_higher_percentile_is_never_a_shorter_time(times):
    seen = Percentile()
    for seconds in times:
        seen.observe(seconds, 5.0)
    values = [seen.value(percentile, 5.0) for percentile in (5.0, 50.0, 75.0, 95.0)]
    assert values == sorted(values)


@pytest.mark.parametrize(("percentile", "needed"), [(50.0, 20), (95.0, 20), (99.0, 100)])
def test_it_says_nothing_until_enough_was_seen_to_put_one_beyond(percentile, needed):
    seen = Percentile()
    for _ in range(needed - 1):
        seen.observe(1.0, 0.0)
        assert seen.value(percentile, 0.0) is None
    seen.observe(1.0, 0.0)
    assert seen.value(percentile, 0.0) == pytest.approx(1.0, rel=RELATIVE_ERROR)


@given(later=st.floats(SLICES * SLICE_S, 1e6))
def test_what_was_seen_more_than_a_window_ago_is_forgotten(later):
    seen = Percentile()
    for index in range(100):
        seen.observe(9.0, index / 2)
    last = 99 / 2
    assert seen.value(50.0, last) is not None
    assert seen.value(50.0, last + later) is None
    for _ in range(SAMPLES_MIN):
        seen.observe(0.5, last + later)
    assert seen.value(95.0, last + later) == pytest.approx(0.5, rel=RELATIVE_ERROR)


def test_a_window_holds_at_least_its_slices_less_one():
    seen = Percentile()
    for _ in range(SAMPLES_MIN):
        seen.observe(1.0, 0.0)
    assert seen.value(50.0, (SLICES - 1) * SLICE_S - 0.001) is not None


def test_a_value_is_at_most_a_quarter_of_a_second_old():
    seen = Percentile()
    for _ in range(SAMPLES_MIN):
        seen.observe(1.0, 0.0)
    before = seen.value(50.0, 0.0)
    for _ in range(10 * SAMPLES_MIN):
        seen.observe(2.0, 0.1)
    assert seen.value(50.0, 0.2) == before
    assert seen.value(50.0, REUSED_S) == pytest.approx(2.0, rel=RELATIVE_ERROR)


@pytest.mark.parametrize(("seconds", "counted"), [(0.0, SECONDS_MIN), (1e9, SECONDS_MAX)])
def test_times_beyond_the_range_count_as_its_bound(seconds, counted):
    seen = Percentile()
    for _ in range(SAMPLES_MIN):
        seen.observe(seconds, 0.0)
    assert seen.value(50.0, 0.0) == pytest.approx(counted, rel=2 * RELATIVE_ERROR)
