import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from holdfast.blueprint import Ejection
from holdfast.resilience.ejection import EJECTED_S_MAX, VOLUME_MIN, WINDOW_S, Ejector

SETTINGS = Ejection()


def feed(ejector, rates, *, at=0.0, calls=100, settings=SETTINGS):
    """One window in which upstream i succeeds at rates[i], and the look that ends it."""
    for index, rate in enumerate(rates):
        for call in range(calls):
            ejector.observe(index, call < rate * calls, at)
    ejector.observe(0, True, at + WINDOW_S)
    return at + WINDOW_S


def out(ejector, count, now):
    return [index for index in range(count) if ejector.ejected(index, now)]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 20])
def test_one_that_fails_far_more_than_its_peers_is_left_out(count):
    ejector = Ejector(SETTINGS, count=count)
    now = feed(ejector, [0.5] + [0.98] * (count - 1))
    assert out(ejector, count, now) == [0]
    assert out(ejector, count, now + SETTINGS.ejected_s) == []


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9, 1.0])
def test_when_all_fail_alike_nobody_is_left_out(count, rate):
    ejector = Ejector(SETTINGS, count=count)
    now = feed(ejector, [rate] * count)
    assert out(ejector, count, now) == []


@given(rates=st.lists(st.sampled_from([0.95, 0.96, 0.97, 0.98, 0.99, 1.0]), min_size=2, max_size=9))
def test_small_differences_eject_nobody(rates):
    ejector = Ejector(SETTINGS, count=len(rates))
    assert out(ejector, len(rates), feed(ejector, rates)) == []


def test_too_few_calls_are_no_evidence():
    ejector = Ejector(SETTINGS, count=3)
    now = feed(ejector, [0.0, 1.0, 1.0], calls=VOLUME_MIN - 2)
    assert out(ejector, 3, now) == []


def test_old_evidence_is_no_evidence():
    ejector = Ejector(SETTINGS, count=3)
    feed(ejector, [1.0, 1.0, 1.0])
    for index, ok in ((0, False), (1, True), (2, True)):
        for _ in range(100):
            ejector.observe(index, ok, 11.0)
    ejector.observe(0, True, 11.0 + 2 * WINDOW_S)
    assert out(ejector, 3, 11.0 + 2 * WINDOW_S) == []


def test_each_ejection_in_a_row_is_longer_up_to_a_bound():
    ejector, now, lengths = Ejector(SETTINGS, count=3), 0.0, []
    for _ in range(100):
        now = feed(ejector, [0.0, 1.0, 1.0], at=now)
        lengths.append(ejector.until(0) - now)
        now = ejector.until(0)
    grown = [min(SETTINGS.ejected_s * (i + 1), EJECTED_S_MAX) for i in range(100)]
    assert lengths == pytest.approx(grown)


def test_good_conduct_makes_the_next_ejection_short_again():
    ejector, now = Ejector(SETTINGS, count=3), 0.0
    for _ in range(3):
        now = feed(ejector, [0.0, 1.0, 1.0], at=now)
        now = ejector.until(0)
    for _ in range(3):
        now = feed(ejector, [1.0, 1.0, 1.0], at=now)
    now = feed(ejector, [0.0, 1.0, 1.0], at=now)
    assert ejector.until(0) - now == pytest.approx(SETTINGS.ejected_s)


def test_failures_in_a_row_eject_where_asked_for():
    ejector = Ejector(SETTINGS, count=3, failures=5)
    for _ in range(4):
        ejector.observe(1, False, 1.0)
    ejector.observe(1, True, 1.0)
    for _ in range(4):
        ejector.observe(1, False, 1.0)
    assert out(ejector, 3, 1.0) == []
    ejector.observe(1, False, 1.0)
    assert out(ejector, 3, 1.0) == [1]


def test_failures_in_a_row_are_otherwise_the_breakers():
    ejector = Ejector(SETTINGS, count=3)
    for _ in range(1000):
        ejector.observe(1, False, 1.0)
    assert out(ejector, 3, 1.0) == []


def test_in_panic_nobody_is_left_out_and_after_it_the_ejected_are_again():
    ejector = Ejector(SETTINGS, count=4)
    ejector.eject(0, 10.0)
    ejector.eject(1, 20.0)
    assert out(ejector, 4, 1.0) == [0, 1]
    ejector.eject(2, 5.0)
    assert ejector.panic(1.0)
    assert out(ejector, 4, 1.0) == []
    assert not ejector.panic(5.0)
    assert out(ejector, 4, 5.0) == [0, 1]


def test_the_only_upstream_is_never_left_out():
    ejector = Ejector(Ejection(share_max=1.0), count=1)
    ejector.eject(0, 10.0)
    assert not ejector.ejected(0, 1.0)


def test_a_passed_health_check_ends_an_ejection():
    ejector = Ejector(SETTINGS, count=4)
    ejector.eject(0, 10.0)
    ejector.eject(1, 20.0)
    ejector.readmit(1)
    assert out(ejector, 4, 1.0) == [0]
    ejector.readmit(0)
    assert out(ejector, 4, 1.0) == []


class Group(RuleBasedStateMachine):
    @initialize(
        count=st.integers(1, 9),
        share_max=st.floats(0, 1),
        failures=st.integers(0, 3),
        now=st.floats(0, 1e6),
    )
    def begin(self, count, share_max, failures, now):
        self.count, self.now = count, now
        self.settings = Ejection(share_max=share_max)
        self.ejector = Ejector(self.settings, count=count, failures=failures)

    @rule(data=st.data(), ok=st.booleans(), calls=st.integers(1, 120))
    def observe(self, data, ok, calls):
        index = data.draw(st.integers(0, self.count - 1))
        for _ in range(calls):
            self.ejector.observe(index, ok, self.now)

    @rule(passed_s=st.floats(0, 30))
    def wait(self, passed_s):
        self.now += passed_s

    @rule(data=st.data(), out_s=st.floats(-10, EJECTED_S_MAX))
    def hear_of_another_worker(self, data, out_s):
        self.ejector.eject(data.draw(st.integers(0, self.count - 1)), self.now + out_s)

    @rule(data=st.data())
    def readmit(self, data):
        self.ejector.readmit(data.draw(st.integers(0, self.count - 1)))

    @invariant()
    def never_more_than_the_share_are_left_out(self):
        left_out = len(out(self.ejector, self.count, self.now))
        assert left_out <= self.settings.share_max * self.count
        assert left_out < self.count

    @invariant()
    def nobody_is_left_out_for_ever(self):
        assert out(self.ejector, self.count, self.now + EJECTED_S_MAX) == []


TestGroup = Group.TestCase
