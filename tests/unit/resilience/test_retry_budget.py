import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from holdfast.resilience.retry_budget import BURST, WINDOW_S, RetryBudget


class Budget(RuleBasedStateMachine):
    """The law, however calls, retries, refunds and time are interleaved."""

    @initialize(share=st.floats(0, 1), per_s_min=st.floats(0, 50), now=st.floats(0, 1e6))
    def begin(self, share, per_s_min, now):
        self.share, self.per_s_min = share, per_s_min
        self.start = self.now = now
        self.calls = self.taken = 0
        self.budget = RetryBudget(share, per_s_min=per_s_min, now=now)

    @rule(calls=st.integers(1, 200))
    def call(self, calls):
        for _ in range(calls):
            self.budget.deposit()
        self.calls += calls

    @rule(passed_s=st.floats(0, 100))
    def wait(self, passed_s):
        self.now += passed_s

    @rule(times=st.integers(1, 100))
    def retry(self, times):
        for _ in range(times):
            self.taken += self.budget.take(self.now)

    @rule()
    def give_back(self):
        if self.taken:
            self.budget.refund()
            self.taken -= 1

    @rule(behind_s=st.floats(0, 10))
    def be_told_an_earlier_time(self, behind_s):
        self.taken += self.budget.take(self.now - behind_s)

    @invariant()
    def retries_stay_within_their_share(self):
        earned = self.share * self.calls + self.per_s_min * (self.now - self.start)
        assert self.taken <= earned * (1 + 1e-9) + BURST + 1e-6
        assert self.budget.level >= 0


TestBudget = Budget.TestCase


@given(calls=st.integers(0, 500), seconds=st.floats(0, 1000))
def test_a_share_of_nothing_never_buys_a_retry(calls, seconds):
    budget = RetryBudget(0.0, per_s_min=0.0, now=0.0)
    for _ in range(calls):
        budget.deposit()
    assert not budget.take(seconds)


@pytest.mark.parametrize("per_minute", [1, 60, 6000])
def test_slow_traffic_too_gets_its_share_of_retries(per_minute):
    budget = RetryBudget(0.1, per_s_min=0.0, now=0.0)
    taken = 0
    for call in range(1000):
        budget.deposit()
        taken += budget.take(call * 60 / per_minute)
    assert taken == pytest.approx(100, abs=1)


def test_quiet_traffic_may_retry_at_once():
    budget = RetryBudget(0.1, per_s_min=1.0, now=50.0)
    assert sum(budget.take(50.0) for _ in range(100)) == BURST


def test_a_calm_hour_does_not_pay_for_a_storm():
    budget = RetryBudget(0.1, per_s_min=0.0, now=0.0)
    for _ in range(3600 * 100):
        budget.deposit()
    saved = sum(budget.take(3600.0) for _ in range(10_000))
    assert saved <= 0.1 * 100 * WINDOW_S


@given(step_s=st.sampled_from([0.01, 0.1, 1.0]))
def test_looking_often_earns_no_more_than_looking_seldom(step_s):
    rate = 1000
    often = RetryBudget(0.1, per_s_min=0.0, now=0.0)
    for step in range(int(30 / step_s)):
        for _ in range(int(rate * step_s)):
            often.deposit()
        often.settle((step + 1) * step_s)
    assert often.level == pytest.approx(0.1 * rate * WINDOW_S, rel=0.1)


def test_what_was_not_sent_is_given_back():
    budget = RetryBudget(0.0, per_s_min=1.0, now=0.0)
    while budget.take(0.0):
        pass
    assert not budget.take(0.0)
    budget.refund()
    assert budget.take(0.0)
