"""The way out: batches, patience, and never a wait without an end."""

import asyncio
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from otlp_things import AT, REQUESTS, feed, record, refused

from holdfast.core import Instant
from holdfast.history import Heard
from holdfast.telemetry.otlp import Answer, Exporter, ExportError, Means, Signal, Source
from holdfast.telemetry.otlp import exporting as limits
from holdfast.telemetry.otlp.answers import partial_of, retry_after_s
from holdfast.telemetry.otlp.backlog import Backlog
from holdfast.world.sim import SimClock, simulate

TAKEN = Answer(status=200)
NEVER = "never"


class Collector:
    """Answers traces as it is told to, one after the other; then it takes everything."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, signal, body):
        at = asyncio.get_running_loop().time()
        request = REQUESTS[signal].FromString(gzip.decompress(body))
        self.asked.append((signal, at, request))
        answer = self.answers.pop(0) if signal is Signal.TRACES and self.answers else TAKEN
        if answer == NEVER:
            await asyncio.sleep(10**6)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def times(self, signal=Signal.TRACES):
        return [at for which, at, _ in self.asked if which is signal]

    def names(self):
        return [
            span.name
            for which, _, request in self.asked
            if which is Signal.TRACES
            for group in request.resource_spans
            for span in group.scope_spans[0].spans
        ]


class Watcher:
    def __init__(self):
        self.heard = []

    def lost(self, counts):
        self.heard.append(("lost", dict(counts)))

    def refused(self, signal, why):
        self.heard.append(("refused", why))

    def stuck(self, signal, why):
        self.heard.append(("stuck", why))

    def recovered(self, signal):
        self.heard.append(("recovered", signal.value))


def run(scenario, *answers, fed=None):
    """``scenario(fed)`` while an exporter runs; the collector and what the operator heard."""
    fed, collector, watcher = fed or feed(), Collector(*answers), Watcher()

    async def main(loop):
        means = Means(post=collector, clock=SimClock(loop), jitter=lambda: 0.0, watcher=watcher)
        exporter = Exporter(fed, Source(resource={}, version="1"), means)
        exporter.start(loop.create_task)
        await scenario(fed)
        began = loop.time()
        await exporter.close()
        return loop.time() - began

    took_s = simulate(1, main)
    return collector, watcher.heard, took_s


def hear(fed, *records):
    fed.hear([Heard(number, each) for number, each in enumerate(records)])


def test_what_is_heard_is_sent_in_batches():
    async def scenario(fed):
        hear(fed, *[refused(number) for number in range(1_200)])
        await asyncio.sleep(2)

    collector, heard, _ = run(scenario)
    sizes = [
        len(request.resource_spans[0].scope_spans[0].spans)
        for signal, _, request in collector.asked
        if signal is Signal.TRACES
    ]
    assert sizes == [512, 512, 176]
    assert heard == []


def test_metrics_are_sent_at_their_own_pace():
    async def scenario(fed):
        hear(fed, record())
        await asyncio.sleep(46)

    collector, _, _ = run(scenario)
    assert collector.times(Signal.METRICS)[:3] == pytest.approx([15, 30, 45], abs=0.1)
    assert len(collector.times(Signal.METRICS)) == 4  # one more at the end


def test_nothing_is_sent_where_nothing_happened():
    async def scenario(fed):
        await asyncio.sleep(100)

    collector, _, _ = run(scenario)
    assert collector.asked == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_collector_that_cannot_now_is_asked_again_ever_more_patiently(status):
    async def scenario(fed):
        hear(fed, refused())
        await asyncio.sleep(30)

    collector, heard, _ = run(scenario, *[Answer(status=status)] * 4)
    times = collector.times()
    pauses = [later - sooner for sooner, later in zip(times, times[1:], strict=False)]
    assert pauses == pytest.approx([0.5, 1.0, 2.0, 4.0], abs=0.01)
    assert heard == [("stuck", f"it answers with status {status}"), ("recovered", "traces")]


def test_a_collector_that_says_when_is_not_asked_before():
    async def scenario(fed):
        hear(fed, refused())
        await asyncio.sleep(60)

    collector, _, _ = run(scenario, Answer(status=503, retry_after="42"))
    first, second = collector.times()
    assert second - first == pytest.approx(42, abs=0.01)


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500, 302])
def test_what_a_collector_refuses_is_not_sent_again(status):
    async def scenario(fed):
        hear(fed, refused(1))
        await asyncio.sleep(5)
        hear(fed, refused(2))
        await asyncio.sleep(70)

    collector, heard, _ = run(scenario, *[Answer(status=status)] * 2)
    assert len(collector.times()) == 2
    assert heard == [
        ("refused", f"it answers with status {status}"),
        ("lost", {("traces", "lost"): 2}),
    ]


def test_a_collector_that_cannot_be_reached_or_does_not_answer_is_asked_again():
    async def scenario(fed):
        hear(fed, refused())
        await asyncio.sleep(30)

    collector, heard, _ = run(scenario, ExportError("refused"), NEVER)
    assert len(collector.times()) == 3
    assert collector.names() == ["POST /v1/chat/completions"] * 3
    assert heard == [("stuck", "refused"), ("recovered", "traces")]


def test_a_batch_is_given_up_after_a_time_and_the_next_has_its_turn():
    async def scenario(fed):
        hear(fed, refused(1))
        await asyncio.sleep(1.5)
        hear(fed, *[refused(number) for number in (2, 3)])
        await asyncio.sleep(limits.GIVE_UP_S + limits.TOLD_EVERY_S)

    collector, heard, _ = run(scenario, *[Answer(status=503)] * 100)
    assert heard[:2] == [
        ("stuck", "it answers with status 503"),
        ("lost", {("traces", "lost"): 1}),
    ]
    spans = collector.asked[-1][2].resource_spans[0].scope_spans[0].spans
    assert len(spans) == 2


def test_what_a_collector_takes_in_part_is_not_sent_again():
    partial = ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
    answer = ExportTraceServiceResponse(partial_success=partial).SerializeToString()

    async def scenario(fed):
        hear(fed, record())
        await asyncio.sleep(61)

    collector, heard, _ = run(scenario, Answer(status=200, body=answer))
    assert len(collector.times()) == 1
    assert heard == [("refused", "it rejected 1: too old"), ("lost", {("traces", "lost"): 1})]


def test_losses_are_told_once_a_minute_and_only_when_there_are_more():
    async def scenario(fed):
        fed.backlogs[Signal.TRACES].dropped = 5
        await asyncio.sleep(200)
        fed.backlogs[Signal.TRACES].dropped = 6
        await asyncio.sleep(200)

    _, heard, _ = run(scenario)
    assert heard == [("lost", {("traces", "full"): 5}), ("lost", {("traces", "full"): 6})]


def test_the_end_sends_what_is_left():
    async def scenario(fed):
        await asyncio.sleep(0.1)
        hear(fed, record())

    collector, _, took_s = run(scenario)
    assert {signal for signal, _, _ in collector.asked} == {Signal.TRACES, Signal.METRICS}
    assert took_s < 0.1


@pytest.mark.parametrize("answer", [NEVER, Answer(status=503, retry_after="300")])
def test_the_end_does_not_wait_for_a_collector_for_ever(answer):
    async def scenario(fed):
        await asyncio.sleep(0.1)
        hear(fed, *[refused(number) for number in range(5_000)])
        await asyncio.sleep(2)

    _, heard, took_s = run(scenario, *[answer] * 100)
    assert took_s <= limits.CLOSE_S + 0.1
    assert any(kind == "stuck" for kind, _ in heard) or answer == NEVER


def test_while_nobody_takes_it_the_queue_is_bounded_and_old_things_stay():
    backlog = Backlog(items_max=3, bytes_max=100)
    for number in range(5):
        backlog.put(b"%d" % number)
    assert (len(backlog), backlog.dropped) == (3, 2)
    assert backlog.take(10, 100) == [b"0", b"1", b"2"]


@given(
    st.lists(
        st.integers(0, 60).map(lambda size: ("put", size))
        | st.integers(1, 5).map(lambda n: ("take", n)),
        max_size=60,
    )
)
def test_a_backlog_never_holds_more_than_its_bounds_and_loses_nothing_in_silence(steps):
    backlog = Backlog(items_max=5, bytes_max=120)
    put = taken = 0
    held = []
    for kind, amount in steps:
        if kind == "put":
            put += 1
            before = backlog.dropped
            backlog.put(b"x" * amount)
            if backlog.dropped == before:
                held.append(amount)
        else:
            batch = backlog.take(amount, 50)
            assert [len(each) for each in batch] == held[: len(batch)]
            assert len(batch) <= amount
            assert len(batch) == 1 or sum(map(len, batch)) <= 50
            del held[: len(batch)]
            taken += len(batch)
        assert len(backlog) == len(held) <= 5
        assert sum(held) <= 120
    assert put == taken + len(held) + backlog.dropped


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("99999", 300.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("Mon, 21 Sep 2026 14:13:25 GMT", 5.0),
        ("Mon, 21 Sep 2020 14:13:25 GMT", 0.0),
        ("Mon, 99 Foo 2026", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(sent, seconds):
    assert AT == 1_790_000_000 * 10**6  # Mon, 21 Sep 2026 14:13:20 GMT
    assert retry_after_s(Answer(status=503, retry_after=sent), Instant(AT)) == seconds


@given(st.binary(max_size=60))
def test_any_answer_s_body_is_read_without_a_fault(body):
    found = partial_of(body)
    assert found is None or found.rejected >= 0


@given(st.integers(0, 2**62), st.text(max_size=20))
def test_a_partial_success_is_read_as_the_collector_wrote_it(rejected, why):
    partial = ExportTracePartialSuccess(rejected_spans=rejected, error_message=why)
    found = partial_of(ExportTraceServiceResponse(partial_success=partial).SerializeToString())
    if rejected or why:
        assert found is not None
        assert (found.rejected, found.why) == (rejected, why)
    else:
        assert found is None
