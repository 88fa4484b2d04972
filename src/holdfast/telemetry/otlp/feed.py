"""Where records come in: made into spans, events and metrics, and queued. No call waits for it."""

from collections.abc import Collection, Sequence
from typing import Final

from holdfast.audit import CallRecord
from holdfast.core import Instant, trace_of
from holdfast.history import Heard
from holdfast.telemetry.otlp import names
from holdfast.telemetry.otlp.backlog import Backlog
from holdfast.telemetry.otlp.counting import count_call
from holdfast.telemetry.otlp.events import Meaning, change_event, event_of
from holdfast.telemetry.otlp.forms import Event, Signal
from holdfast.telemetry.otlp.messages import encode_event, encode_span
from holdfast.telemetry.otlp.metrics import Labels, Meter
from holdfast.telemetry.otlp.sampling import Sampler
from holdfast.telemetry.otlp.spans import Telling, spans_of

ALL: Final = tuple(Signal)
QUEUED: Final = (Signal.TRACES, Signal.LOGS)
WAITING_MAX: Final = 50_000
WAITING_BYTES_MAX: Final = 64 * 1024 * 1024
"""Spans, and log records, that wait for the collector; newer ones are dropped, and counted."""


class Feed:
    """A listener (``history.Listener``): one thread calls ``hear``, the exporter takes."""

    def __init__(
        self,
        sampler: Sampler,
        telling: Telling,
        *,
        meaning: Meaning,
        began: Instant,
        signals: Collection[Signal] = ALL,
    ) -> None:
        self._sampler = sampler
        self._telling = telling
        self._meaning = meaning
        self.meter = Meter(began)
        self.signals = frozenset(signals)
        self.backlogs = {
            signal: Backlog(items_max=WAITING_MAX, bytes_max=WAITING_BYTES_MAX)
            for signal in QUEUED
            if signal in self.signals
        }
        self.undelivered = dict.fromkeys(self.backlogs, 0)
        """What the exporter had to give up, by signal; it counts here."""

    def hear(self, heard: Sequence[Heard]) -> None:
        """Every entry of the log once, in order. What is old was told by an earlier process."""
        for each in heard:
            if each.is_old:
                continue
            if isinstance(each.record, CallRecord):
                self._call(each.record)
            else:
                self._log(change_event(each.record, each.index))
        self.meter.publish()

    def lost(self) -> dict[tuple[str, str], int]:
        """What did not reach the collector, by signal and reason: ``full``, or ``lost``."""
        counts: dict[tuple[str, str], int] = {}
        for signal, backlog in self.backlogs.items():
            counts[signal.value, "full"] = backlog.dropped
            counts[signal.value, "lost"] = self.undelivered[signal]
        return {key: count for key, count in counts.items() if count}

    def metrics(self, now: Instant) -> list[bytes]:
        """Every metric as it stands."""
        dropped: dict[Labels, int] = {
            ((names.REASON, reason), (names.SIGNAL, signal)): count
            for (signal, reason), count in self.lost().items()
        }
        return self.meter.encoded(now, dropped=dropped)

    def _call(self, record: CallRecord) -> None:
        if not record.is_last:
            return
        ids = trace_of(record.call, record.trace)
        state = self._sampler.judge(record, ids)
        count_call(self.meter, record, ids if state is not None else None, self._telling)
        spans = self.backlogs.get(Signal.TRACES)
        if state is not None and spans is not None:
            for span in spans_of(record, ids, state, self._telling):
                spans.put(encode_span(span))
        self._log(event_of(record, ids, meaning=self._meaning))

    def _log(self, event: Event | None) -> None:
        events = self.backlogs.get(Signal.LOGS)
        if event is not None and events is not None:
            events.put(encode_event(event))
