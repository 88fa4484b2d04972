"""Trouble of half a minute ends when it ends: goodput is back at once, and attempts stay near one."""

import pytest

from holdfast.testing.brownout import run_course
from holdfast.testing.slotted import TROUBLES

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_at_70_percent_load_goodput_is_back_within_a_second(trouble):
    courses = [run_course(trouble, load_share=0.7, seed=seed) for seed in SEEDS]
    back = sum(course.goodput(1, 10) for course in courses) / len(courses)
    assert back >= 0.95
    assert max(course.attempts_a_call for course in courses) <= 1.1


@pytest.mark.parametrize("trouble", TROUBLES)
def test_at_85_percent_load_goodput_is_back_within_ten_seconds(trouble):
    courses = [run_course(trouble, load_share=0.85, seed=seed) for seed in SEEDS]
    back = sum(course.goodput(10, 30) for course in courses) / len(courses)
    assert back >= 0.95
    assert max(course.attempts_a_call for course in courses) <= 1.1


def test_a_client_of_the_usual_kind_does_not_come_back():
    course = run_course("brown-out", load_share=0.7, system="naive", after_s=60)
    assert course.goodput(0, 60) < 0.5
    assert course.attempts_a_call > 1.5


def test_without_trouble_nothing_is_lost():
    course = run_course("brown-out", load_share=0.7)
    assert course.goodput(-60, -30) == 1.0


def test_without_being_told_how_much_a_model_bears_goodput_is_back_within_a_second():
    course = run_course("brown-out", load_share=0.7, system="holdfast-defaults")
    assert course.goodput(1, 30) >= 0.95
