"""Budgets and burn rates, held against the Site Reliability Workbook, chapter 5."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint import Objective, load
from holdfast.gateway.rules import RULES
from holdfast.history import UNSERVED, Minute, Sketch
from holdfast.history.sketch import bucket_of
from holdfast.telemetry.objectives import (
    ALERTS,
    BAD_MIN,
    COUNTED_MIN,
    Book,
    Ledger,
    Sums,
    allowance,
    burn_rate,
)

HOUR, DAY = 60, 24 * 60
MINUTE_US = 60_000_000
BEGIN = 30_000_000 // HOUR * HOUR
"""A minute since 1970 that begins an hour."""
THREE_NINES = Objective(kind="availability", days=30, share_micro=999_000)
FILE = """\
holdfast: 1
name: x
{top}nodes:
  desk: {{type: service, description: d}}
  main:
    type: ai:llm
    description: d
    controls: {{upstream: {{url: "http://127.0.0.1:1/v1"}}, price: {{input: 1, output: 1}}, objectives: {{{main}}}}}
relationships:
  - {{id: asks, connects: [desk, main]}}
"""


def book(main, top=""):
    return Book(load(FILE.format(main=main, top=top), source="f", read=lambda _: ""))


def sketch(*values):
    buckets = {}
    for value in values:
        buckets[bucket_of(value)] = buckets.get(bucket_of(value), 0) + 1
    return Sketch(buckets)


def minute(number, **changes):
    counts = dict.fromkeys(
        ("calls", "answered", "refused", "failed", "cancelled", "unserved", "tokens_in", "tokens_out", "cost"),
        0,
    )  # fmt: skip
    fields = {
        "at": (BEGIN + number) * MINUTE_US,
        "caller": "desk",
        "callee": "main",
        "relationship": "asks",
        "durations": sketch(),
        "first_tokens": sketch(),
        "speeds": sketch(),
    }
    return Minute(**counts | fields | changes)


def errors(share, minutes, *, first=0, calls=1000):
    return [
        minute(
            first + number,
            calls=calls,
            answered=round(calls * (1 - share)),
            failed=calls - round(calls * (1 - share)),
        )
        for number in range(minutes)
    ]


def judged(kept, number):
    (standing,) = kept.judge((BEGIN + number) * MINUTE_US)
    return standing


# -- the workbook's tables -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "errors_share", "exhausted_min"),
    [(1, 0.001, 30 * DAY), (2, 0.002, 15 * DAY), (10, 0.01, 3 * DAY), (1000, 1.0, 43.2)],
)
def test_burn_rates_and_times_to_exhaustion_are_those_of_table_5_4(
    rate, errors_share, exhausted_min
):
    sums = Sums(round(errors_share * 1_000_000), 1_000_000)
    found = burn_rate(THREE_NINES, sums, 60)
    assert found == pytest.approx(rate)
    assert 30 * DAY / found == pytest.approx(exhausted_min)


@pytest.mark.parametrize(
    ("long_min", "factor", "consumed"),
    [(HOUR, 14.4, 0.02), (6 * HOUR, 6, 0.05), (DAY, 3, 0.1), (3 * DAY, 1, 0.1)],
)
def test_alerts_burn_the_parts_of_a_budget_of_thirty_days_that_table_5_8_says(
    long_min, factor, consumed
):
    (alert,) = [each for each in ALERTS if each.long_min == long_min]
    assert alert.factor == factor
    assert alert.factor * long_min / (30 * DAY) == pytest.approx(consumed)
    assert alert.short_min * 12 == long_min


def told_after(share, *, limit_min=HOUR):
    """Minutes of errors until the first alert, after four days without."""
    kept = book("availability: {share: 99.9%, days: 30}")
    kept.take(errors(0, 4 * DAY))
    for number in range(limit_min):
        kept.take(errors(share, 1, first=4 * DAY + number))
        if judged(kept, 4 * DAY + number).alerts:
            return number + 1
    return None


def test_an_outage_of_everything_is_told_within_a_minute():
    assert told_after(1.0) == 1


def test_fifteen_percent_of_errors_are_told_after_six_minutes_and_calm_five_minutes_after():
    """Figure 5-6: 150 times too fast crosses 14.4 over an hour after 5.76 minutes, and the short
    window ends the alert soon after the errors."""
    assert told_after(0.15) == 6
    kept = book("availability: {share: 99.9%, days: 30}")
    kept.take(errors(0, 4 * DAY))
    kept.take(errors(0.15, 10, first=4 * DAY))
    fast = {(each.long_min) for each in judged(kept, 4 * DAY + 9).alerts}
    assert HOUR in fast
    kept.take(errors(0, 5, first=4 * DAY + 10))
    assert HOUR not in {each.long_min for each in judged(kept, 4 * DAY + 14).alerts}


def test_errors_below_the_rate_of_the_budget_wake_nobody():
    kept = book("availability: {share: 99.9%, days: 30}")
    kept.take(errors(0.0009, 4 * DAY, calls=10_000))
    standing = judged(kept, 4 * DAY - 1)
    assert (standing.state, standing.alerts) == ("holds", ())
    assert standing.left == pytest.approx(0.1)


# -- states ----------------------------------------------------------------------------------------


def test_nothing_counted_is_no_data_and_no_share():
    standing = judged(book("availability: 99.9%"), 5)
    assert (standing.state, standing.now, standing.left) == ("no-data", None, None)
    assert {each.rate for each in standing.burns} == {None}


def test_few_calls_say_nothing_however_bad():
    kept = book("availability: 99.9%")
    kept.take([minute(0, calls=COUNTED_MIN - 1, failed=COUNTED_MIN - 1)])
    standing = judged(kept, 0)
    assert (standing.state, standing.few, standing.alerts) == ("no-data", True, ())


def test_few_failures_of_a_quiet_hour_wake_nobody():
    kept = book("availability: {share: 99%, days: 28}")
    kept.take(errors(0, 3 * DAY, calls=10))
    bad = BAD_MIN - 1
    kept.take([minute(3 * DAY, calls=40, answered=40 - bad, failed=bad)])
    assert judged(kept, 3 * DAY).alerts == ()


def test_states_go_from_holds_to_burning_to_spent():
    kept = book("availability: {share: 99%, days: 2}")
    kept.take(errors(0, DAY))
    assert judged(kept, DAY - 1).state == "holds"
    kept.take(errors(0.5, 20, first=DAY))
    assert judged(kept, DAY + 19).state == "burning-fast"
    kept.take(errors(0.5, 60, first=DAY + 20))
    assert judged(kept, DAY + 79).state == "spent"


def test_what_is_older_than_the_window_is_forgotten():
    kept = book("availability: {share: 99%, days: 1}")
    kept.take(errors(1.0, 5))
    assert judged(kept, 10).counted == 5000
    kept.take(errors(0, 1, first=25 * HOUR))
    standing = judged(kept, 25 * HOUR)
    assert (standing.counted, standing.used) == (1000, 0)


def test_a_minute_told_again_replaces_what_it_said():
    kept = book("availability: 99%")
    kept.take([minute(0, calls=100, answered=100)])
    kept.take([minute(0, calls=120, answered=110, failed=10)])
    standing = judged(kept, 0)
    assert (standing.counted, standing.used) == (120, 10)


# -- what is counted -------------------------------------------------------------------------------


def test_refusals_somebody_declared_and_calls_given_up_do_not_count_and_those_nobody_served_do():
    kept = book("availability: 99%")
    kept.take([minute(0, calls=100, answered=50, refused=40, unserved=10, failed=5, cancelled=5)])
    standing = judged(kept, 0)
    assert (standing.counted, standing.used) == (65, 15)


def test_the_rules_that_count_as_unserved_are_those_of_status_500_and_more_and_the_rate_limit():
    expected = {code for code, rule in RULES.items() if rule.status >= 500}
    assert expected | {"upstream.rate-limited"} == UNSERVED


def test_times_and_speeds_are_counted_by_their_limits():
    durations = {"durations": sketch(*[100_000] * 30, *[900_000] * 10)}
    kept = book("duration: {within_ms: 500, share: 50%}")
    kept.take([minute(0, **durations)])
    assert (judged(kept, 0).counted, judged(kept, 0).used) == (40, 10)
    kept = book("tokens_per_s: {at_least: 20, share: 50%}")
    kept.take([minute(0, speeds=sketch(*[50_000] * 30, *[5_000] * 10))])
    assert (judged(kept, 0).counted, judged(kept, 0).used) == (40, 10)
    kept = book("first_token: {within_ms: 500, share: 50%}")
    kept.take([minute(0, first_tokens=sketch(*[100_000] * 30), **durations)])
    assert (judged(kept, 0).counted, judged(kept, 0).used) == (30, 0)


def test_money_a_day_burns_by_time_and_money_a_thousand_calls_by_calls():
    day = book("cost: {money: 24, per: day, days: 10}")
    day.take([minute(n, answered=100, cost=10**9) for n in range(HOUR)])
    standing = judged(day, HOUR - 1)
    assert standing.burn(HOUR) == pytest.approx(60)
    assert standing.left == pytest.approx(1 - 60 / 240)
    calls = book("cost: {money: 5, per: 1000-calls, days: 10}")
    calls.take([minute(n, answered=100, cost=10**9) for n in range(HOUR)])
    standing = judged(calls, HOUR - 1)
    assert standing.now == pytest.approx(10)
    assert standing.left == pytest.approx(-1)


def test_the_whole_system_counts_every_pair_and_a_node_its_own():
    kept = book("availability: 99%", top="objectives: {availability: 99%}\n")
    kept.take([minute(0, answered=10), minute(0, answered=5, callee="other", relationship=None)])
    system, node = kept.judge(BEGIN * MINUTE_US)
    assert (system.id, system.counted) == ("availability", 15)
    assert (node.id, node.counted) == ("nodes.main.availability", 10)


# -- properties ------------------------------------------------------------------------------------

shares = st.integers(1, 999_999)
counts = st.integers(1, 10**9)


@given(share=shares, counted=counts, data=st.data())
def test_what_is_left_and_what_is_spent_of_a_budget_are_the_whole(share, counted, data):
    objective = Objective(kind="availability", share_micro=share)
    used = data.draw(st.integers(0, counted))
    sums = Sums(used, counted)
    spent = used / allowance(objective, sums, HOUR)
    left = 1 - burn_rate(objective, sums, HOUR)
    assert left + spent == pytest.approx(1)


@given(share=shares, counted=counts, used=st.data())
def test_more_failures_never_leave_more_of_a_budget(share, counted, used):
    objective = Objective(kind="availability", share_micro=share)
    less = used.draw(st.integers(0, counted))
    more = used.draw(st.integers(less, counted))
    assert burn_rate(objective, Sums(more, counted), 1) >= burn_rate(
        objective, Sums(less, counted), 1
    )


@settings(max_examples=30, deadline=None)
@given(
    words=st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(0, 9), st.integers(0, 9)), max_size=40
    )
)
def test_a_ledger_adds_up_what_was_said_last_of_each_minute(words):
    ledger, model = Ledger(days=30), {}
    for number, used, counted in sorted(words):
        ledger.put(BEGIN + number, Sums(used, used + counted))
        model[number] = (used, used + counted)
    ledger.reach(BEGIN + 5_000)
    for window in (5, 60, 3 * DAY):
        inside = [both for number, both in model.items() if number > 5_000 - window]
        assert (
            ledger.within(window) == Sums(*map(sum, zip(*inside, strict=True))) if inside else True
        )
    whole = Sums(sum(u for u, _ in model.values()), sum(c for _, c in model.values()))
    assert ledger.whole() == whole
