import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.blueprint import Concurrency
from holdfast.resilience.limiter import WINDOW_S_MIN, ConcurrencyLimiter


def make(start=20, least=1, most=None, calls_max=1024):
    return ConcurrencyLimiter(
        Concurrency(calls_start=start, calls_min=least, calls_max=most), calls_max=calls_max
    )


class Upstream:
    """So many places and a service time: what waits beyond them makes first tokens later.

    A round is one first token of each of ``offered`` calls, as far as the limit lets them in.
    """

    def __init__(self, limiter, *, places, service_s=0.5):
        self.limiter, self.places, self.service_s = limiter, places, service_s
        self.now = 100.0

    def rounds(self, count, *, offered):
        for _ in range(count):
            in_flight = min(self.limiter.limit, offered)
            took_s = self.service_s * max(1.0, in_flight / self.places)
            for index in range(in_flight):
                self.now += took_s / in_flight
                self.limiter.observe(took_s, in_flight - index // in_flight, self.now)
        return self.limiter.limit

    def refuse(self, count=1):
        for _ in range(count):
            self.now += 0.001
            self.limiter.overloaded(
                self.now, sent_at=self.now - 0.001, in_flight=self.limiter.limit
            )

    def time_out(self, count, *, after_s=4.0):
        for _ in range(count):
            self.now += 0.1
            self.limiter.overloaded(
                self.now, sent_at=self.now - after_s, in_flight=self.limiter.limit
            )


EVENTS = st.lists(
    st.tuples(
        st.booleans(), st.floats(0, 100), st.integers(0, 5000), st.floats(0, 10, exclude_min=True)
    ),
    max_size=200,
)


@given(
    start=st.integers(0, 2000),
    least=st.integers(0, 50),
    most=st.none() | st.integers(1, 500),
    calls_max=st.integers(1, 500),
    events=EVENTS,
)
def test_whatever_is_seen_the_limit_stays_within_its_bounds(start, least, most, calls_max, events):
    limiter = make(start, least, most, calls_max)
    upper = min(most or calls_max, calls_max)
    lower = max(1, min(least, upper))
    now = 0.0
    for is_good, took_s, in_flight, later_s in events:
        assert lower <= limiter.limit <= upper
        assert limiter.usual_s >= 0
        now += later_s
        if is_good:
            limiter.observe(took_s, in_flight, now)
        else:
            limiter.overloaded(now, sent_at=now - took_s, in_flight=in_flight)
    assert lower <= limiter.limit <= upper


def test_an_upstream_that_keeps_its_time_is_given_as_much_as_is_asked_of_it():
    upstream = Upstream(make(), places=10_000)
    assert upstream.rounds(20, offered=300) >= 300


def test_a_limit_that_nobody_needs_does_not_grow():
    upstream = Upstream(make(start=20), places=10_000)
    assert upstream.rounds(100, offered=5) == 20


def test_what_is_no_longer_needed_is_given_back_down_to_the_start():
    upstream = Upstream(make(start=20), places=10_000)
    assert upstream.rounds(20, offered=300) >= 300
    assert upstream.rounds(1000, offered=5) == 20


@pytest.mark.parametrize("places", [2, 10, 100])
def test_under_overload_the_limit_settles_near_what_the_upstream_can_hold(places):
    upstream = Upstream(make(), places=places)
    upstream.rounds(30, offered=places // 2 or 1)
    limits = [upstream.rounds(1, offered=100_000) for _ in range(60)][20:]
    assert places <= min(limits)
    assert max(limits) <= 3 * places + 8


def test_a_brown_out_cuts_the_limit_to_the_few_that_are_served_and_its_end_gives_it_back():
    upstream = Upstream(make(), places=10)
    usual = upstream.rounds(40, offered=10)
    upstream.time_out(60)
    assert upstream.limiter.limit <= 2
    upstream.service_s = 0.5
    assert upstream.rounds(5, offered=10) >= 10
    assert usual >= 10


def test_one_flight_of_refusals_cuts_once():
    upstream = Upstream(make(start=64), places=1000)
    sent_at = upstream.now
    for _ in range(64):
        upstream.now += 0.001
        upstream.limiter.overloaded(upstream.now, sent_at=sent_at, in_flight=64)
    assert upstream.limiter.limit == 32
    upstream.refuse()
    assert upstream.limiter.limit == 16


def test_a_cut_is_of_what_is_in_flight_and_not_of_what_would_have_been_allowed():
    limiter = make(start=200)
    limiter.overloaded(1.0, sent_at=0.9, in_flight=10)
    assert limiter.limit == 5


def test_one_call_stuck_among_many_that_are_not_changes_little():
    upstream = Upstream(make(), places=100)
    before = upstream.rounds(40, offered=40)
    for _ in range(10):
        upstream.rounds(1, offered=40)
        upstream.time_out(1)
    assert upstream.rounds(1, offered=40) >= before * 0.8


def test_a_call_that_was_given_up_does_not_teach_that_first_tokens_take_so_long():
    upstream = Upstream(make(), places=10)
    upstream.rounds(40, offered=10)
    usual_s = upstream.limiter.usual_s
    upstream.time_out(100)
    assert upstream.limiter.usual_s == pytest.approx(usual_s)


def test_first_tokens_that_stay_late_with_fewer_calls_are_the_upstreams_own_and_are_learnt():
    """Prompts grew: every first token takes three times as long, and no queue is the reason."""
    upstream = Upstream(make(), places=10_000)
    upstream.rounds(40, offered=200)
    upstream.service_s *= 3
    upstream.rounds(60, offered=200)
    assert upstream.limiter.usual_s > 0.8 * upstream.service_s
    assert upstream.limiter.limit >= 200


def test_first_tokens_that_come_sooner_with_fewer_calls_were_waiting_for_ours():
    upstream = Upstream(make(), places=10)
    upstream.rounds(40, offered=10)
    upstream.rounds(60, offered=1000)
    assert upstream.limiter.usual_s < 1.5 * upstream.service_s


def test_the_first_answers_which_are_the_fastest_of_their_kind_do_not_become_the_rule():
    limiter = make()
    limiter.observe(0.01, 1, 1.0)
    now = 1.0
    for _ in range(40):
        now += 0.1
        limiter.observe(0.5, 5, now)
    assert limiter.usual_s == pytest.approx(0.5, rel=0.1)
    assert limiter.limit == 20


@given(samples=st.integers(1, 300))
def test_between_two_steps_at_least_a_window_passes(samples):
    """What is seen within one window moves the limit at most once."""
    limiter = make(start=1)
    limits = {limiter.limit}
    limiter.observe(0.01, 1, 1.0)
    limits.add(limiter.limit)
    for index in range(samples):
        limiter.observe(0.01, 1, 1.0 + WINDOW_S_MIN * 0.99 * index / samples)
        limits.add(limiter.limit)
    assert len(limits) <= 2
