"""What calls add up to: counts exactly, percentiles within two percent."""

from collections import Counter
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.history import UNSERVED, Sketch
from holdfast.history.sketch import ACCURACY, bucket_of, merge, pack, percentile
from holdfast.testing import history_of

LONGEST_US = 86_400_000_000


@given(
    values=st.lists(st.integers(1, LONGEST_US), min_size=1), part=st.sampled_from((0.5, 0.95, 0.99))
)
def test_a_percentile_is_within_two_percent_of_the_true_one(values, part):
    true = sorted(values)[ceil(part * len(values)) - 1]
    found = percentile(Counter(map(bucket_of, values)), part)
    assert found is not None
    assert abs(found - true) <= ACCURACY * true + 0.5


@given(
    one=st.dictionaries(st.integers(0, 1023), st.integers(1, 2**24)),
    other=st.dictionaries(st.integers(0, 1023), st.integers(1, 2**24)),
)
def test_packed_sketches_add_up(one, other):
    together: dict[int, int] = {}
    merge(together, pack(one))
    merge(together, pack(other))
    assert together == dict(Counter(one) + Counter(other))


@given(values=st.lists(st.integers(0, LONGEST_US)), value=st.integers(0, LONGEST_US))
def test_how_many_were_within_is_right_but_for_those_very_near(values, value):
    sketch = Sketch(Counter(map(bucket_of, values)))
    assert sketch.count == len(values)
    low, high = value * (1 - 2 * ACCURACY) - 1, value * (1 + 2 * ACCURACY) + 1
    assert sum(v < low for v in values) <= sketch.within(value) <= sum(v <= high for v in values)


def minutes_of(past, records, since, until):
    """The records that began in whole minutes from that of ``since`` to that of ``until``."""
    first, end = since // past.minute, -(-until // past.minute)
    return [record for record in records if first <= record.at // past.minute < end]


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_traffic_adds_up_every_call_of_its_minutes_and_no_other(past, data):
    records = data.draw(past.records(days=data.draw(st.sampled_from((0.05, 3.0)))))
    history = history_of(records[: len(records) // 2])
    history.tell(*records[len(records) // 2 :])
    span = st.integers(0, 4 * 1440 * 60_000_000)
    until = past.now + 1 - data.draw(span)
    since = until - data.draw(span)
    for each in history.traffic(since, until):
        mine = [
            record
            for record in minutes_of(past, records, since, until)
            if (record.resource, record.relationship) == (each.callee, each.relationship)
            and (record.principal.rpartition("/")[2] if record.principal else None) == each.caller
        ]
        outcomes = Counter(record.outcome for record in mine)
        assert each.calls == len(mine)
        assert (each.answered, each.failed) == (outcomes["answered"], outcomes["failed"])
        assert each.tokens_in == sum(record.tokens_in or 0 for record in mine)
        assert (each.p95_us is None) == (not outcomes["answered"])
    found = sum(each.calls for each in history.traffic(since, until))
    assert found == len(minutes_of(past, records, since, until))
    # Over days, where minutes are told in longer stretches: those that came late as well.
    whole = history.traffic(past.now - 5 * 1440 * past.minute, past.now + 1)
    assert sum(each.calls for each in whole) == len(records)
    assert sum(each.cost for each in whole) == sum(record.cost or 0 for record in records)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_series_has_every_step_and_adds_up_to_the_traffic(past, data):
    records = data.draw(past.records(days=1.0))
    history = history_of(records[:10])
    history.tell(*records[10:])
    step_s = data.draw(st.sampled_from((300, 600, 1800, 3600, 7200, 86_400)))
    since, until = past.now - 86_400_000_000, past.now
    points = history.series("calls", since=since, until=until, step_s=step_s, callee="model")
    assert [b.at - a.at for a, b in zip(points, points[1:], strict=False)] == [
        step_s * 1_000_000
    ] * (len(points) - 1)
    assert points[0].at <= since < points[0].at + step_s * 1_000_000
    for point in points:
        end = point.at + step_s * 1_000_000
        mine = [r for r in records if r.resource == "model" and point.at <= r.at < end]
        assert point.value == len(mine)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_minutes_tell_each_pair_with_all_that_objectives_measure(past, data):
    records = data.draw(past.records(days=0.01))
    history = history_of(records)
    minutes = history.minutes(past.now - 20 * past.minute, past.now + past.minute)
    assert [each.at for each in minutes] == sorted(each.at for each in minutes)
    assert sum(each.calls for each in minutes) == len(records)
    assert sum(each.unserved for each in minutes) == sum(
        r.outcome == "refused" and r.rule in UNSERVED for r in records
    )
    assert sum(each.durations.count for each in minutes) == sum(
        r.outcome == "answered" for r in records
    )
    streams = [r for r in records if r.event == "closed"]
    assert sum(each.first_tokens.count for each in minutes) == len(streams)
    timed = [r for r in streams if r.outcome == "answered" and r.duration_us > r.stages_us[5]]
    assert sum(each.speeds.count for each in minutes) == len(timed)


def test_a_step_without_calls_counts_nothing_and_has_no_latency(past):
    history = history_of([past.record()])
    day = {"since": past.now - 3 * 3_600_000_000, "until": past.now + 1, "step_s": 3600}
    assert [p.value for p in history.series("calls", **day)] == [0.0, 0.0, 0.0, 1.0]
    (only,) = history.series("latency", **day)
    assert abs(only.value - 1_200) <= 24
