"""Traces that are sent to a running instance: taken, put together, counted, kept as counts.

A span waits in memory until its trace is whole and is counted then; counts go to the database every
few seconds. A crash loses what was not counted yet: sightings of half a minute, and nothing that
anybody was promised.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable

import structlog

from holdfast.app.sightings import Sighted, day_of, sight_records
from holdfast.audit import LogReader, NoLogError
from holdfast.blueprint import Blueprint
from holdfast.core import HoldfastError, Instant
from holdfast.loops.drift import (
    Answer,
    Gathering,
    Period,
    Question,
    Report,
    SightingStore,
    Span,
    Tally,
    TracesError,
    TracesSizeError,
    compare,
    observe_trace,
    read_request,
    split_by_time,
    taken,
    turned_down,
)
from holdfast.world.ports import Clock, Store

FLUSH_S = 5.0
DAY_US = 86_400_000_000
WINDOW_US = 7 * DAY_US
HISTORY_US = 182 * DAY_US
REPORT_KEPT_S = 15.0
"""How long a report is given again before it is made anew."""

log = structlog.get_logger("holdfast.traces")


class TraceDesk:
    """A ``faces`` ``TraceIntake`` and ``DriftView``. Its methods block; threads share it."""

    def __init__(
        self,
        store: Store,
        reader: LogReader,
        *,
        clock: Clock,
        blueprint: Callable[[], Blueprint],
    ) -> None:
        self._kept = SightingStore(store)
        self._reader = reader
        self._clock = clock
        self._blueprint = blueprint
        self._gathering = Gathering()
        self._tally = Tally()
        self._alone = threading.Lock()
        self._reporting = threading.Lock()
        self._report: tuple[float, str, Report] | None = None

    def take(self, body: bytes, *, media: str, encoding: str) -> Answer:
        """One request of OTLP/HTTP."""
        with self._alone:
            if self._gathering.is_full:
                return turned_down(429, "too many spans wait for their traces", media=media)
        try:
            spans = read_request(body, media=media, encoding=encoding)
        except TracesSizeError as error:
            return turned_down(413, str(error), media=media)
        except TracesError as error:
            return turned_down(400, str(error), media=media)
        now = self._clock.now()
        kept, refused = split_by_time(spans, now=now)
        with self._alone:
            self._count(self._gathering.add(kept, now))
        return taken(media, refused=refused)

    def _count(self, traces: Iterable[list[Span]]) -> None:
        for trace in traces:
            observe_trace(trace, self._tally)

    def flush(self, *, everything: bool = False) -> None:
        """Bring what is counted into the database; ``everything`` waits for no span any more."""
        now = self._clock.now()
        with self._alone:
            self._count(self._gathering.rest() if everything else self._gathering.due(now))
            tally, self._tally = self._tally, Tally()
        if tally.is_empty:
            return
        try:
            dropped = self._kept.add(tally, now=now)
        except HoldfastError:
            with self._alone:  # so that the next time brings them
                tally.merge(self._tally)
                self._tally = tally
            raise
        if dropped:
            log.warning("traces.no-room", dropped=dropped)

    async def serve(self) -> None:
        """Flush for ever."""
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await asyncio.to_thread(self.flush)
            except HoldfastError as error:
                log.error("traces.not-kept", reason=str(error))

    def report(self) -> Report:
        """What was recorded and told, against the blueprint in force."""
        with self._reporting:
            blueprint, moment = self._blueprint(), self._clock.monotonic()
            if self._report is not None:
                made, digest, report = self._report
                if digest == blueprint.digest and moment - made < REPORT_KEPT_S:
                    return report
            report = self._judged(blueprint)
            self._report = (moment, blueprint.digest, report)
            return report

    def _judged(self, blueprint: Blueprint) -> Report:
        now = self._clock.now()
        sighted = Sighted(tally=self._kept.read())
        try:
            since = Instant(now - HISTORY_US)
            sight_records(self._reader, blueprint, sighted, since=since)
        except NoLogError:
            pass
        start = (sighted.tally.span() or (now, now))[0]
        period = Period(start=start, now=now, window_us=WINDOW_US)
        return compare(
            sighted.tally, Question(blueprint=blueprint, period=period, today=day_of(now))
        )
