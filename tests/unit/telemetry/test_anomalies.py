"""Relationships unlike themselves: what is told on made-up traffic, what is not, and how it ends."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.history import Minute, Sketch
from holdfast.history.sketch import bucket_of
from holdfast.telemetry.anomalies import BUCKET_S, RELATIONSHIPS_MAX, Detector, Watch
from holdfast.telemetry.anomalies.scales import SCALES
from holdfast.telemetry.anomalies.season import Season

DAY = 86_400 // BUCKET_S
MONDAY_S = 1_700_438_400


def daily(step, chance, *, peak=400.0):
    """Calls in five minutes: a day's shape with a tenth of chance."""
    shape = 0.2 + 0.8 * math.exp(-(((step % DAY) / DAY * 24 - 14) ** 2) / 18)
    return round(peak * shape * chance.gauss(1, 0.05))


def fed(values, scale="count"):
    """Every verdict on a series that begins on a Monday."""
    detector = Detector(scale)
    return [
        detector.feed(MONDAY_S + step * BUCKET_S, value) for step, value in enumerate(values)
    ], detector


def usual(days, seed=1):
    chance = random.Random(seed)
    return [daily(step, chance) for step in range(days * DAY)]


def test_two_weeks_of_days_that_are_alike_raise_nothing_after_the_first():
    verdicts, _ = fed(usual(15))
    assert [step for step, each in enumerate(verdicts) if each.began and step > 2 * DAY] == []


@pytest.mark.parametrize("factor", [0.0, 0.3, 3.0])
def test_calls_that_stop_fall_or_multiply_are_told_within_a_quarter_of_an_hour(factor):
    values = usual(10)
    begin = 9 * DAY + DAY // 2
    for step in range(begin, begin + 12):
        values[step] = round(values[step] * factor)
    verdicts, _ = fed(values)
    told = [step for step, each in enumerate(verdicts) if each.began and step > 2 * DAY]
    assert told, "nothing was told"
    assert begin <= told[0] <= begin + 2
    first = verdicts[told[0]]
    assert (first.score > 0) == (factor > 1)
    assert first.baseline == "day"


def test_the_morning_is_no_anomaly_once_a_few_mornings_were_seen():
    """What is told is not that a value is large, but that it is large for its hour."""
    values = usual(6)
    night = 5 * DAY + DAY // 8
    values[night : night + 3] = [400, 400, 400]  # noon's value, at three in the morning
    verdicts, _ = fed(values)
    told = [step for step, each in enumerate(verdicts) if each.began and step > 2 * DAY]
    assert told == [night] or told == [night + 1]


def test_one_value_a_little_off_is_not_enough():
    values = usual(6)
    _, detector = fed(values)
    spread = detector._errors.spread
    expected = SCALES["count"].of(fed(values)[0][-1].expected)
    off = SCALES["count"].back(expected + 5 * max(spread, 1.0))
    verdict = detector.feed(MONDAY_S + len(values) * BUCKET_S, off)
    assert not verdict.began
    assert detector.feed(MONDAY_S + (len(values) + 1) * BUCKET_S, off).began


def test_nothing_is_told_before_half_a_day_was_seen():
    verdicts, _ = fed([10, 10_000] * 70)
    assert all(each.score is None for each in verdicts)


def test_a_level_that_stays_becomes_what_is_usual():
    values = usual(6) + [3 * each for each in usual(3, seed=2)]
    verdicts, _ = fed(values)
    assert any(each.began for each in verdicts[6 * DAY : 6 * DAY + 3])
    assert not verdicts[-1].is_anomalous


def test_an_anomaly_ends_when_there_is_nothing_to_say_a_value_of():
    values = usual(6)
    values[-3:] = [0, 0, 0]
    _, detector = fed(values)
    assert any(detector.pass_over() for _ in range(100))


def test_a_week_of_weeks_is_told_from_a_week_of_days():
    """Weekends are quiet: after some weeks the hour of the week is believed, so Saturday is none."""
    chance = random.Random(3)
    values = [
        round(daily(step, chance) * (0.2 if step // DAY % 7 >= 5 else 1))
        for step in range(35 * DAY)
    ]
    verdicts, _ = fed(values)
    last = verdicts[33 * DAY :]
    assert [each.at for each in last if each.began] == []
    assert sum(each.baseline == "week" for each in last) > len(last) / 2


@given(st.floats(0, 1e9), st.sampled_from(["count", "ratio", "plain"]))
def test_a_scale_leads_there_and_back(value, name):
    scale = SCALES[name]
    assert scale.back(scale.of(value)) == pytest.approx(value, rel=1e-6, abs=1e-6)


@given(st.floats(0, 1))
def test_the_scale_of_shares_leads_there_and_back(value):
    assert SCALES["share"].back(SCALES["share"].of(value)) == pytest.approx(value, abs=1e-9)


def test_what_the_season_keeps_is_bounded_and_a_year_of_silence_is_forgotten():
    season = Season()
    for hour in range(24 * 60):
        season.add(MONDAY_S + hour * 3600, 5.0)
    assert season.expected(MONDAY_S + 24 * 60 * 3600, 9.0, period_h=24) == pytest.approx(5.0)
    season.add(MONDAY_S + 400 * 86_400, 5.0)
    assert season.expected(MONDAY_S + 400 * 86_400, 9.0, period_h=24) is None


# -- relationships ---------------------------------------------------------------------------------


def minute(at, *, relationship="asks", calls=100, refused=0, ms=200):
    answered = calls - refused
    counts = dict.fromkeys(("failed", "cancelled", "unserved", "cost"), 0)
    return Minute(
        at=at,
        caller="desk",
        callee="main",
        relationship=relationship,
        calls=calls,
        answered=answered,
        refused=refused,
        tokens_in=answered * 100,
        tokens_out=answered * 50,
        durations=Sketch({bucket_of(ms * 1000): answered} if answered else {}),
        first_tokens=Sketch({}),
        speeds=Sketch({}),
        **counts,
    )


def at(step):
    return (MONDAY_S + step * BUCKET_S) * 1_000_000


def watched(steps):
    watch = Watch()
    for step in range(steps):
        assert watch.take(at(step), [minute(at(step), calls=90 + step % 20)]) == ()
    return watch


@pytest.mark.parametrize(
    ("changes", "measure", "direction"),
    [
        ({"ms": 2_000}, "latency", "above"),
        ({"refused": 60}, "refused", "above"),
        ({"calls": 2_000}, "rate", "above"),
        ({"calls": 0}, "rate", "below"),
    ],
)
def test_each_measure_is_told_by_its_name(changes, measure, direction):
    watch = watched(300)
    found = [c for step in (300, 301) for c in watch.take(at(step), [minute(at(step), **changes)])]
    told = {(each.anomaly.measure, each.anomaly.direction) for each in found if each.began}
    assert (measure, direction) in told
    assert watch.anomalies()[0].until is None


def test_an_anomaly_is_listed_while_it_lasts_and_after_it_ended():
    watch = watched(300)
    for step in (300, 301):
        watch.take(at(step), [minute(at(step), ms=2_000)])
    ended = [
        change
        for step in range(302, 360)
        for change in watch.take(at(step), [minute(at(step), calls=90 + step % 20)])
    ]
    assert [each.anomaly.measure for each in ended if not each.began] == ["latency"]
    (anomaly,) = watch.anomalies()
    assert anomaly.until is not None
    assert anomaly.since == at(300)


def test_calls_of_no_relationship_are_not_watched():
    watch = Watch()
    watch.take(at(0), [minute(at(0), relationship=None)])
    assert watch._watched == {}


def test_relationships_beyond_the_bound_are_counted_and_not_watched():
    watch = Watch()
    names = [f"r{number}" for number in range(RELATIONSHIPS_MAX + 3)]
    watch.take(at(0), [minute(at(0), relationship=name) for name in names])
    assert len(watch.left_out) == 3
