"""Which calls' spans are sent: all that went wrong or slowly, and a share of the rest."""

import pytest
from otlp_things import failed, record, refused

from holdfast.core import trace_of
from holdfast.telemetry.otlp import Sampler
from holdfast.telemetry.otlp.sampling import PAIRS_MAX, SLOW_AFTER

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LEFT_OUT = SAMPLED[:-2] + "00"


def judge(sampler, call):
    return sampler.judge(call, trace_of(call.call, call.trace))


@pytest.mark.parametrize(
    "call",
    [refused(), failed(), record(outcome="cancelled", rule="call.cancelled"), record(status=429)],
    ids=["refused", "failed", "cancelled", "error"],
)
def test_what_went_wrong_is_kept_whatever_the_share(call):
    assert judge(Sampler(0.0), call) == "ot=th:0"
    assert judge(Sampler(0.0, follows_callers=True), call) == "ot=th:0"


def test_all_is_kept_at_a_share_of_one_and_nothing_at_none():
    calls = [record(number) for number in range(100)]
    assert {judge(Sampler(1.0), call) for call in calls} == {"ot=th:0"}
    assert {judge(Sampler(0.0), call) for call in calls} == {None}


@pytest.mark.parametrize(("share", "digits"), [(0.5, "8"), (0.25, "c"), (0.1, "e6666666666668")])
def test_a_share_is_kept_by_the_trace_id_and_says_so(share, digits):
    states = [judge(Sampler(share), record(number)) for number in range(4_000)]
    assert set(states) == {None, f"ot=th:{digits}"}
    kept = sum(state is not None for state in states)
    assert kept == pytest.approx(4_000 * share, rel=0.15)


def test_everybody_keeps_the_same_traces():
    calls = [record(number) for number in range(500)]
    tenth, half = Sampler(0.1), Sampler(0.5)
    again = [judge(Sampler(0.1), call) for call in calls]
    assert [judge(tenth, call) for call in calls] == again
    assert all(judge(half, call) for call in calls if judge(Sampler(0.1), call))


def test_a_caller_that_is_followed_decides_for_its_own_traces():
    sampler = Sampler(0.0, follows_callers=True)
    assert judge(sampler, record(trace=SAMPLED)) == ""
    assert judge(Sampler(1.0, follows_callers=True), record(trace=LEFT_OUT)) is None
    assert judge(sampler, record()) is None
    assert judge(Sampler(1.0), record(trace=LEFT_OUT)) == "ot=th:0"


def test_a_slow_call_is_kept_once_it_is_known_what_is_slow():
    sampler = Sampler(0.0)
    slow = record(0, duration_us=5_000_000)
    assert judge(sampler, slow) is None
    for number in range(SLOW_AFTER):
        judge(sampler, record(number, duration_us=1_000 * (1 + number % 10)))
    assert judge(sampler, slow) == "ot=th:0"
    assert judge(sampler, record(1, duration_us=5_000)) is None
    assert judge(sampler, record(1, relationship="other", duration_us=5_000_000)) is None


def test_of_steady_calls_about_one_in_twenty_is_slow_at_most():
    sampler = Sampler(0.0)
    kept = [judge(sampler, record(n, duration_us=1_000 + n * 7919 % 9_000)) for n in range(5_000)]
    assert sum(each is not None for each in kept) < 0.06 * 5_000


def test_what_is_slow_is_forgotten_when_calls_become_slower():
    sampler = Sampler(0.0)
    for number in range(2_000):
        judge(sampler, record(number, duration_us=1_000))
    assert judge(sampler, record(0, duration_us=9_000)) == "ot=th:0"
    for number in range(20_000):
        judge(sampler, record(number % 100, duration_us=10_000))
    assert judge(sampler, record(0, duration_us=9_000)) is None


def test_relationships_that_are_told_apart_are_bounded():
    sampler = Sampler(0.0)
    for number in range(PAIRS_MAX + 5):
        judge(sampler, record(0, relationship=f"r-{number}"))
    for _ in range(SLOW_AFTER + 1):
        judge(sampler, record(0, relationship="late", duration_us=1))
    assert judge(sampler, record(0, relationship="late", duration_us=10**9)) is None
