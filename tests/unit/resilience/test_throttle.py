import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.throttle import (
    BELIEVED,
    BUCKET_S,
    BUCKETS,
    REQUESTS_MIN,
    SHED_MAX,
    Throttle,
)

ORDER = ("critical", "standard", "sheddable")
CHANCES = st.floats(0, 1, exclude_max=True)
STEPS = st.lists(
    st.tuples(st.sampled_from(["accepted", "rejected"]), st.floats(0, 20)), max_size=150
)


def after(steps):
    throttle, now = Throttle(), 0.0
    for what, later_s in steps:
        now += later_s
        getattr(throttle, what)(now)
    return throttle, now


def asked(count, *, accepted, now=0.0):
    """Asked ``count`` times; the accepted came evenly between the rejected."""
    throttle = Throttle()
    for index in range(count):
        takes = (index + 1) * accepted // count > index * accepted // count
        (throttle.accepted if takes else throttle.rejected)(now)
    return throttle


@given(steps=STEPS, chance=CHANCES)
def test_a_higher_criticality_is_never_shed_where_a_lower_passes(steps, chance):
    throttle, now = after(steps)
    shares = [throttle.probability(now, criticality=which) for which in ORDER]
    assert shares == sorted(shares)
    assert [chance < share for share in shares] == sorted(chance < share for share in shares)


@given(steps=STEPS)
def test_a_tenth_always_passes(steps):
    throttle, now = after(steps)
    for which in ORDER:
        assert 0 <= throttle.probability(now, criticality=which) <= SHED_MAX
        assert not throttle.sheds(now, chance=SHED_MAX, criticality=which)


@given(chance=CHANCES)
def test_with_too_few_requests_nothing_is_shed(chance):
    throttle, now = Throttle(), 0.0
    for _ in range(REQUESTS_MIN - 1):
        throttle.rejected(now)
    for which in ORDER:
        assert not throttle.sheds(now, chance=chance, criticality=which)


@pytest.mark.parametrize(
    ("which", "share"), [("critical", 0.0), ("standard", 0.5), ("sheddable", 0.625)]
)
def test_the_share_is_the_books_formula(which, share):
    """SRE book chapter 21: max(0, (requests - K accepts) / (requests + 1))."""
    throttle = asked(1000, accepted=250)
    assert throttle.probability(0.0, criticality=which) == pytest.approx(
        max(0.0, {"critical": 250, "standard": 500, "sheddable": 625}[which] / 1001)
    )
    assert throttle.probability(0.0, criticality=which) == pytest.approx(share, abs=0.26)


@given(accepted=st.integers(667, 1000), chance=CHANCES)
def test_an_upstream_that_takes_two_thirds_is_not_throttled(accepted, chance):
    throttle = asked(1000, accepted=accepted)
    for which in ORDER:
        assert not throttle.sheds(0.0, chance=chance, criticality=which)


def test_what_is_shed_counts_as_a_request_so_that_the_share_reaches_its_bound():
    throttle = asked(100, accepted=40)
    for _ in range(2000):
        throttle.sheds(0.0, chance=0.0, criticality="standard")
    assert throttle.probability(0.0, criticality="standard") == SHED_MAX


def test_an_upstream_that_accepts_again_is_believed_after_a_few_answers_in_a_row():
    throttle = asked(5000, accepted=0)
    for _ in range(BELIEVED - 1):
        throttle.accepted(1.0)
    assert throttle.probability(1.0, criticality="standard") == SHED_MAX
    throttle.accepted(1.0)
    assert throttle.probability(1.0, criticality="sheddable") == 0


def test_one_that_takes_some_and_refuses_most_is_not_believed():
    throttle = asked(1000, accepted=300)
    assert throttle.probability(0.0, criticality="standard") == pytest.approx(400 / 1001)


@given(later=st.floats(BUCKETS * BUCKET_S, 1e9))
def test_after_two_minutes_all_is_forgotten(later):
    throttle = asked(1000, accepted=0, now=50.0)
    assert throttle.probability(50.0, criticality="critical") == SHED_MAX
    assert throttle.probability(50.0 + later, criticality="sheddable") == 0
    throttle.rejected(50.0 + later)
    assert throttle.probability(50.0 + later, criticality="sheddable") == 0


def test_the_window_slides_by_buckets():
    throttle = Throttle()
    for bucket in range(3 * BUCKETS):
        for _ in range(10):
            throttle.rejected(bucket * BUCKET_S)
    now = (3 * BUCKETS - 1) * BUCKET_S
    assert throttle.probability(now, criticality="critical") == SHED_MAX
    assert throttle.probability(now + (BUCKETS - 2) * BUCKET_S, criticality="critical") == SHED_MAX
    # Two buckets of ten make just enough requests; one alone does not.
    assert throttle.probability(now + (BUCKETS - 1) * BUCKET_S, criticality="critical") == 0
