from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.load import DECAY_S, Load

SECONDS = st.floats(0.001, 60)


def seen(first_token_s, *, in_flight=0, tokens_per_s=None, now=0.0, tokens=0):
    load = Load()
    load.begin(0, now)
    load.first_token(first_token_s, now)
    load.end(100 if tokens_per_s else 0, 100 / (tokens_per_s or 1), now, tokens=0)
    for _ in range(in_flight):
        load.begin(tokens, now)
    return load


@given(
    ends=st.lists(st.tuples(st.integers(0, 10_000), st.booleans()), max_size=40),
    begun_before=st.integers(0, 5),
)
def test_what_began_is_in_flight_until_it_ends_well_or_badly(ends, begun_before):
    load = Load()
    for tokens, _ in ends:
        load.begin(tokens, 0.0)
    for _ in range(begun_before):
        load.begin(7, 0.0)
    for tokens, ok in ends:
        if ok:
            load.first_token(0.5, 0.5)
            load.end(10, 1.0, 1.0, tokens=tokens)
        else:
            load.fail(1.0, tokens=tokens, waited_s=1.0)
    assert (load.in_flight, load.tokens_in_flight) == (begun_before, 7 * begun_before)
    assert load.sent == len(ends) + begun_before
    assert load.failed == sum(not ok for _, ok in ends)


@given(first_s=SECONDS, in_flight=st.integers(0, 50))
def test_one_more_in_flight_always_makes_it_worse(first_s, in_flight):
    fewer, more = seen(first_s, in_flight=in_flight), seen(first_s, in_flight=in_flight + 1)
    assert fewer.score(1.0) < more.score(1.0)


@given(first_s=SECONDS, slower_s=SECONDS, rate=st.floats(1, 200), better=st.floats(1.01, 10))
def test_slower_first_tokens_and_fewer_tokens_per_second_both_make_it_worse(
    first_s, slower_s, rate, better
):
    fast = seen(first_s, tokens_per_s=rate * better).score(0.0)
    assert fast < seen(first_s, tokens_per_s=rate).score(0.0)
    assert fast < seen(first_s + slower_s, tokens_per_s=rate * better).score(0.0)


def test_long_prompts_in_flight_weigh_more_than_short_ones():
    assert seen(1.0, in_flight=3).score(0.0) < seen(1.0, in_flight=3, tokens=30_000).score(0.0)


@given(times=st.lists(st.tuples(SECONDS, st.floats(0, 30)), min_size=1, max_size=30))
def test_a_rise_of_first_token_time_counts_at_once_and_a_fall_stays_between(times):
    load = Load()
    now = 0.0
    for seconds, later_s in times:
        before, now = load.first_token_s, now + later_s
        load.first_token(seconds, now)
        if before is None or seconds >= before:
            assert load.first_token_s == seconds
        else:
            assert seconds <= load.first_token_s <= before * (1 + 1e-9)


def test_a_slow_first_token_fades_so_that_the_upstream_is_tried_again():
    slow, usual = seen(5.0), seen(0.5, now=4 * DECAY_S)
    assert slow.score(0.0) > usual.score(4 * DECAY_S) > slow.score(4 * DECAY_S)


@given(rates=st.lists(st.floats(1, 1000), min_size=1, max_size=20))
def test_tokens_per_second_stay_within_what_was_seen(rates):
    load = Load()
    for index, rate in enumerate(rates):
        load.begin(0, float(index))
        load.first_token(0.0, float(index))
        load.end(1000, 1000 / rate, float(index), tokens=0)
        low, high = min(rates), max(rates)
        assert low * (1 - 1e-9) <= load.tokens_per_s <= high * (1 + 1e-9)


def test_an_upstream_without_history_gets_one_call_and_then_waits_for_what_it_shows():
    new, known = Load(), seen(2.0, in_flight=10)
    assert new.score(0.0) < known.score(0.0)
    new.begin(0, 0.0)
    assert new.score(0.0) > known.score(0.0)


def test_failing_fast_does_not_make_an_upstream_look_fast():
    load = seen(1.0)
    before = load.score(0.0)
    load.begin(0, 0.0)
    load.fail(0.0, tokens=0, waited_s=0.0)
    assert load.score(0.0) == before


def test_an_answer_without_a_stream_says_nothing_of_tokens_per_second():
    assert seen(1.0).tokens_per_s is None


@given(first_s=st.floats(0.001, 5), waited_s=st.floats(5.1, 60))
def test_one_that_was_waited_for_in_vain_is_worse_than_one_that_answers_sooner(first_s, waited_s):
    hung, well = seen(first_s), seen(first_s)
    hung.begin(0, 0.0)
    hung.fail(waited_s, tokens=0, waited_s=waited_s)
    well.begin(0, waited_s - first_s)
    well.first_token(first_s, waited_s)
    well.end(0, 0.0, waited_s, tokens=0)
    assert hung.score(waited_s) > well.score(waited_s)


def test_a_wait_in_vain_counts_while_it_lasts():
    hung, well = seen(0.1), seen(0.2)
    assert hung.score(0.0) < well.score(0.0)
    hung.begin(0, 0.0)
    assert hung.score(1.0) > well.score(0.0), "not only when its time is over"


def test_the_silence_of_a_stream_that_has_begun_is_no_wait_in_vain():
    load = seen(0.1)
    load.begin(0, 0.0)
    load.first_token(0.1, 0.1)
    assert load.score(60.0) < 0.1
    load.leave(60.0, tokens=0, waited_s=None)
    assert load.score(60.0) < 0.1


def test_a_wait_in_vain_fades_so_that_the_upstream_is_tried_again():
    hung = seen(0.1)
    hung.begin(0, 0.0)
    hung.leave(10.0, tokens=0, waited_s=10.0)
    assert hung.score(10.0) > 5.0
    assert hung.score(10.0 + 6 * DECAY_S) < 0.1


@given(waited_s=st.floats(0, 60), in_flight=st.integers(0, 3), first_s=st.none() | SECONDS)
def test_a_failure_never_makes_it_look_better_than_before_it_was_sent(waited_s, in_flight, first_s):
    load = Load() if first_s is None else seen(first_s)
    for _ in range(in_flight):
        load.begin(0, 0.0)
    before = load.score(waited_s)
    load.begin(0, 0.0)
    load.fail(waited_s, tokens=0, waited_s=waited_s)
    assert load.score(waited_s) >= before
