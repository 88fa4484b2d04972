"""The tests of trends, against counting every order."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.loops.drift.signals import WEEKS_MIN, holm, kendall, trend


def s_of(values) -> int:
    n = len(values)
    return sum(
        (values[j] > values[i]) - (values[j] < values[i]) for j in range(n) for i in range(j)
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=6))
def test_the_probability_is_that_of_all_orders_counted(values):
    orders = list(permutations(values))
    expected = sum(abs(s_of(each)) >= abs(s_of(values)) for each in orders) / len(orders)
    assert kendall(values) == pytest.approx(expected)


def test_a_rise_is_told_with_its_slope_however_wild_one_value_is():
    found = trend([1, 2, 3, 4, 900, 6, 7, 8, 9, 10])
    assert found is not None
    assert found.slope == pytest.approx(1.0)
    assert found.p_slope < 0.01


def test_a_step_is_told_with_its_place():
    found = trend([1, 2, 1, 2, 1, 2, 1, 2, 9, 8, 9, 8, 9, 8, 9, 8])
    assert found is not None
    assert found.step == 7
    assert found.p_step < 0.05


def test_too_few_weeks_have_no_trend():
    assert trend([1.0] * (WEEKS_MIN - 1)) is None


def test_a_level_line_has_no_trend():
    found = trend([5.0] * 12)
    assert found is not None
    assert (found.slope, found.p_slope) == (0.0, 1.0)


def test_corrected_probabilities_are_holm_s():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_a_correction_never_makes_anything_more_likely_to_be_believed(probabilities):
    corrected = holm(probabilities)
    assert all(c >= p for c, p in zip(corrected, probabilities, strict=True))
