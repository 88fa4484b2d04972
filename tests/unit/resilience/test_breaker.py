from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from holdfast.blueprint import Breaker
from holdfast.resilience.breaker import PASSED_BY_MIN, PROBES_ANSWERING_MAX, CircuitBreaker

SETTINGS = Breaker()
NEVER_BY_SHARE = 10**9


def opened(at=100.0, settings=SETTINGS):
    breaker = CircuitBreaker(settings)
    breaker.open(at)
    return breaker


def failed(breaker, now, times):
    """Whether it opened at any of so many failures."""
    return True in {breaker.fail(now) for _ in range(times)}


def test_it_opens_on_so_many_failures_in_a_row():
    breaker = CircuitBreaker(SETTINGS)
    for _ in range(SETTINGS.failures - 1):
        assert not breaker.fail(1.0)
    assert breaker.admits(1.0)
    assert breaker.fail(1.0)
    assert breaker.state == "open"
    assert not breaker.admits(1.0)


def test_a_success_between_failures_begins_the_count_anew():
    breaker = CircuitBreaker(Breaker(calls_min=NEVER_BY_SHARE))
    for _ in range(100):
        for _ in range(SETTINGS.failures - 1):
            breaker.fail(1.0)
        breaker.succeed(1.0)
    assert breaker.state == "closed"


@given(good=st.integers(0, 60), bad=st.integers(1, 60), start=st.floats(0, 1e6))
def test_it_opens_when_a_share_of_enough_calls_in_the_window_failed(good, bad, start):
    breaker = CircuitBreaker(Breaker(failures=NEVER_BY_SHARE))
    for _ in range(good):
        breaker.succeed(start)
    is_open = failed(breaker, start, bad)
    is_too_much = any(
        good + n >= SETTINGS.calls_min and n >= (good + n) * SETTINGS.share
        for n in range(1, bad + 1)
    )
    assert is_open is is_too_much


@given(passed_s=st.floats(SETTINGS.window_s, 1e6))
def test_what_lies_before_the_window_is_forgotten(passed_s):
    breaker = CircuitBreaker(Breaker(failures=NEVER_BY_SHARE))
    for _ in range(SETTINGS.calls_min - 1):
        breaker.fail(7.0)
    assert not breaker.fail(7.0 + passed_s)
    assert breaker.state == "closed"


def test_a_slow_trickle_of_failures_among_successes_does_not_open_it():
    breaker = CircuitBreaker(SETTINGS)
    for second in range(1000):
        breaker.fail(second + 0.0)
        for _ in range(3):
            breaker.succeed(second + 0.5)
    assert breaker.state == "closed"


def test_while_probes_fail_at_once_one_goes_every_open_s():
    breaker = opened(100.0)
    sent = []
    for step in range(100):
        now = 100.0 + step * 0.125
        if breaker.admits(now):
            breaker.fail(now, breaker.begin(now))
            sent.append(now)
    assert sent == [100.5 + 0.5 * i for i in range(24)]


def test_while_a_probe_hangs_no_other_is_sent():
    breaker = opened(100.0)
    era = breaker.begin(100.5)
    assert not any(breaker.admits(101.0 + step) for step in range(60))
    breaker.fail(160.5, era)
    assert breaker.admits(160.5)


@given(chance=st.floats(0, 1, exclude_max=True))
def test_after_a_probe_that_hung_the_next_waits_up_to_as_long_again(chance):
    breaker = opened(100.0)
    breaker.fail(110.5, breaker.begin(100.5), chance=chance)
    assert breaker.until == pytest.approx(max(101.0, 110.5 + 10 * chance))


def test_where_many_ask_another_probe_goes_though_the_last_one_hangs():
    breaker = opened(at=0.0)
    breaker.begin(1.0)
    for _ in range(PASSED_BY_MIN):
        assert not breaker.admits(1e6)
        breaker.pass_by()
    assert not breaker.admits(1.0 + SETTINGS.open_s / 2)
    assert breaker.admits(1.0 + SETTINGS.open_s)
    breaker.begin(1.0 + SETTINGS.open_s)
    assert not breaker.admits(1e6)  # and those that come now are counted anew


def test_where_many_ask_nobody_waits_for_as_long_as_the_last_probe_hung():
    breaker = opened(at=0.0)
    era = breaker.begin(1.0)
    breaker.fail(5.0, era, chance=1.0)
    assert not breaker.admits(8.9)
    for _ in range(PASSED_BY_MIN):
        breaker.pass_by()
    assert breaker.admits(5.0)


def test_a_probe_whose_answer_has_begun_lets_the_next_one_go():
    breaker = opened(100.0)
    breaker.answers(breaker.begin(100.5))
    assert not breaker.admits(100.9)
    assert breaker.admits(101.0)
    assert breaker.state == "half-open"


def test_answers_that_begin_and_then_hang_do_not_pile_up():
    breaker = opened(100.0)
    eras = []
    for second in range(101, 201):
        if breaker.admits(second):
            eras.append(breaker.begin(second))
            breaker.answers(eras[-1])
    assert len(eras) == PROBES_ANSWERING_MAX
    breaker.fail(201.0, eras[0], has_begun=True)
    assert breaker.admits(201.0)


def test_the_first_success_of_a_probe_closes_it():
    breaker = opened(100.0)
    era = breaker.begin(101.0)
    assert breaker.state == "half-open"
    assert breaker.succeed(101.2, era)
    assert breaker.state == "closed"
    assert breaker.admits(101.2)


def test_a_failed_probe_leaves_it_open_until_the_next():
    breaker = opened(100.0)
    assert not breaker.fail(101.2, breaker.begin(101.0))
    assert breaker.state == "open"
    assert not breaker.admits(101.4)
    assert breaker.until == 101.5
    assert breaker.admits(101.5)


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_probe_whose_caller_left_gives_its_place_to_the_next(has_begun):
    breaker = opened(100.0)
    era = breaker.begin(101.0)
    if has_begun:
        breaker.answers(era)
    breaker.leave(era, has_begun=has_begun)
    assert breaker.state == "open"
    assert not breaker.is_in_vain, "nobody knows what would have come of it"
    assert not breaker.admits(101.4)
    assert breaker.admits(101.5)
    assert breaker.succeed(101.7, breaker.begin(101.5))


def test_it_is_in_vain_from_a_probes_failure_until_it_closes():
    breaker = opened(100.0)
    assert not breaker.is_in_vain
    breaker.fail(100.6, breaker.begin(100.5))
    assert breaker.is_in_vain
    breaker.succeed(101.6, breaker.begin(101.5))
    breaker.open(102.0)
    assert not breaker.is_in_vain


def test_what_began_before_it_opened_frees_no_place_of_a_probe():
    breaker = CircuitBreaker(SETTINGS)
    eras = [breaker.begin(1.0) for _ in range(3)]
    breaker.open(2.0)
    breaker.begin(3.0)
    breaker.fail(9.0, eras[0])
    breaker.leave(eras[1], has_begun=False)
    breaker.answers(eras[2])
    assert not breaker.admits(9.0)


def test_a_look_takes_no_probe():
    breaker = opened(100.0)
    assert all(breaker.admits(101.0) for _ in range(10))
    assert breaker.state == "open"


def test_a_call_that_began_before_it_opened_does_not_close_it():
    breaker = CircuitBreaker(SETTINGS)
    era = breaker.begin(1.0)
    breaker.open(2.0)
    breaker.begin(3.0)
    assert not breaker.succeed(3.1, era)
    assert breaker.state == "half-open"


def test_a_call_that_began_before_it_closed_does_not_open_it_again():
    breaker = CircuitBreaker(SETTINGS)
    eras = [breaker.begin(1.0) for _ in range(100)]
    breaker.open(2.0)
    breaker.succeed(3.1, breaker.begin(3.0))
    assert {breaker.fail(4.0, era) for era in eras} == {False}
    assert breaker.state == "closed"


def test_a_success_without_a_probe_closes_nothing():
    breaker = opened(100.0)
    assert not breaker.succeed(100.1)
    assert breaker.state == "open"


def test_a_call_sent_in_spite_of_it_is_as_good_as_a_probe():
    breaker = opened(100.0)
    assert breaker.succeed(100.2, breaker.begin(100.1))


def test_another_workers_news_neither_lengthen_nor_hide_an_opening():
    breaker = opened(100.0)
    breaker.open(100.4)
    assert breaker.until == 100.5
    breaker.close()
    assert breaker.state == "closed"
    breaker.close()
    assert breaker.admits(100.4)


def test_after_closing_it_counts_anew():
    breaker = CircuitBreaker(SETTINGS)
    for _ in range(SETTINGS.failures):
        breaker.fail(1.0)
    breaker.succeed(2.0, breaker.begin(2.0))
    assert not failed(breaker, 2.0, SETTINGS.failures - 1)


@dataclass(eq=False)
class Call:
    era: int
    is_probe: bool
    has_begun: bool = False


class Calls(RuleBasedStateMachine):
    """Calls over one upstream, with verdicts in any order, and a plain model beside."""

    @initialize(failures=st.integers(1, 6), open_s=st.floats(0.1, 10), now=st.floats(0, 1e6))
    def begin(self, failures, open_s, now):
        settings = Breaker(failures=failures, open_s=open_s, window_s=5.0, calls_min=10)
        self.settings, self.now = settings, now
        self.breaker = CircuitBreaker(settings)
        self.out = []
        self.probes = []
        self.turned_away = 0

    @rule(passed_s=st.floats(0, 20))
    def wait(self, passed_s):
        self.now += passed_s

    @rule()
    def send(self):
        if not self.breaker.admits(self.now):
            return
        is_probe = self.breaker.is_open
        if is_probe:
            self.probes.append(self.now)
        self.out.append(Call(self.breaker.begin(self.now), is_probe))

    @rule(calls=st.integers(1, 2 * PASSED_BY_MIN))
    def turn_away(self, calls):
        if self.breaker.is_open:
            self.turned_away += calls
            for _ in range(calls):
                self.breaker.pass_by()

    @precondition(lambda self: any(not call.has_begun for call in self.out))
    @rule(data=st.data())
    def answer(self, data):
        call = data.draw(st.sampled_from([call for call in self.out if not call.has_begun]))
        self.breaker.answers(call.era)
        call.has_begun = True

    @precondition(lambda self: self.out)
    @rule(data=st.data(), ok=st.booleans())
    def verdict(self, data, ok):
        call = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        before = self.breaker.is_open
        if ok:
            told = self.breaker.succeed(self.now, call.era)
        else:
            told = self.breaker.fail(self.now, call.era, has_begun=call.has_begun)
        after = self.breaker.is_open
        assert told is (before != after)
        assert not told or after is not ok
        if told:
            self._turned()

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def leave(self, data):
        call = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.breaker.leave(call.era, has_begun=call.has_begun)

    @rule()
    def hear_of_another_worker(self):
        if not self.breaker.is_open:
            self._turned()
        self.breaker.open(self.now)

    def _turned(self):
        """It opened or closed: what is out is no probe any more."""
        self.probes.clear()
        self.turned_away = 0
        for call in self.out:
            call.is_probe = False

    def _probes_out(self, *, has_begun):
        return sum(call.is_probe and call.has_begun is has_begun for call in self.out)

    @invariant()
    def probes_keep_their_distance(self):
        gaps = [b - a for a, b in zip(self.probes, self.probes[1:], strict=False)]
        assert all(gap >= self.settings.open_s * (1 - 1e-6) for gap in gaps)

    @invariant()
    def one_probe_at_a_time_waits_for_its_answer(self):
        assert self._probes_out(has_begun=False) <= 1 + self.turned_away // PASSED_BY_MIN
        assert self._probes_out(has_begun=True) <= PROBES_ANSWERING_MAX

    @invariant()
    def an_open_one_gets_a_probe_soon_when_none_is_out(self):
        is_free = not any(call.is_probe for call in self.out)
        assert self.breaker.admits(self.now + self.settings.open_s) or not is_free

    def teardown(self):
        """Once all that is out has ended and the upstream answers, one probe is enough."""
        if not hasattr(self, "breaker") or not self.breaker.is_open:
            return
        now = self.now + self.settings.open_s
        for call in self.out:
            self.breaker.leave(call.era, has_begun=call.has_begun)
        assert self.breaker.admits(now)
        assert self.breaker.succeed(now, self.breaker.begin(now))
        assert self.breaker.state == "closed"


TestCalls = Calls.TestCase


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_it_may_first_be_used_at_any_time(seconds):
    breaker = CircuitBreaker(SETTINGS)
    breaker.succeed(seconds)
    assert failed(breaker, seconds, SETTINGS.failures)
