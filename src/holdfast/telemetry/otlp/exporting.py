"""The way out: batches, one signal beside the other, again and again where a collector cannot now.

Promises: nothing here waits for ever; what a collector refuses is not sent again; while it cannot be
reached the queues fill, drop what comes, and say so; a stop gives what is left one last try.
"""

import asyncio
import contextlib
import gzip
from collections.abc import Callable, Coroutine, Mapping
from typing import Final, Protocol

import msgspec

from holdfast.core import HoldfastError
from holdfast.telemetry.otlp.answers import RETRYABLE, Answer, partial_of, retry_after_s
from holdfast.telemetry.otlp.feed import Feed
from holdfast.telemetry.otlp.forms import Signal, Source
from holdfast.telemetry.otlp.messages import Envelope
from holdfast.world.ports import Clock

BATCH_ITEMS_MAX: Final = 512
BATCH_BYTES_MAX: Final = 1024 * 1024
"""Before compression."""
EVERY_S: Final = 1.0
"""How long spans and log records wait for company."""
METRICS_EVERY_S: Final = 15.0
REQUEST_S: Final = 10.0
"""For one request, from its connection to its answer."""
BACKOFF_MIN_S: Final = 1.0
BACKOFF_MAX_S: Final = 30.0
GIVE_UP_S: Final = 300.0
"""How long one batch is tried."""
CLOSE_S: Final = 5.0
"""For all that is left, when the process ends."""
TOLD_EVERY_S: Final = 60.0
_LEVEL: Final = 1


class ExportError(HoldfastError):
    """The collector gave no answer."""

    code = "otlp.no-answer"


class Post(Protocol):
    """Sends one request; ``ExportError`` where no answer came. The caller holds a deadline."""

    def __call__(self, signal: Signal, body: bytes) -> Coroutine[None, None, Answer]: ...


class Watcher(Protocol):
    """Hears what an operator must know: at most once a minute of losses, and of every change
    between a collector that takes things and one that does not."""

    def lost(self, counts: Mapping[tuple[str, str], int]) -> None: ...

    def refused(self, signal: Signal, why: str) -> None: ...

    def stuck(self, signal: Signal, why: str) -> None: ...

    def recovered(self, signal: Signal) -> None: ...


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What the exporter works with. ``jitter`` gives a number in [0, 1)."""

    post: Post
    clock: Clock
    jitter: Callable[[], float]
    watcher: Watcher


class Exporter:
    """Runs until it is closed."""

    def __init__(self, feed: Feed, source: Source, means: Means) -> None:
        self._feed = feed
        self._envelope = Envelope(source)
        self._means = means
        self._closing = asyncio.Event()
        self._stuck: set[Signal] = set()
        self._quiet_until: dict[Signal, float] = {}
        self._told: Mapping[tuple[str, str], int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]]) -> None:
        """Begin to send."""
        works = [self._ship(signal) for signal in self._feed.backlogs]
        if Signal.METRICS in self._feed.signals:
            works.append(self._measure())
        self._tasks = [spawn(work) for work in (*works, self._tell())]

    async def close(self, *, within_s: float = CLOSE_S) -> None:
        """Send what is left, within the time; then whatever is still there is lost."""
        self._closing.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._tell_lost()

    # -- what is sent when ----------------------------------------------------------------------

    async def _ship(self, signal: Signal) -> None:
        backlog = self._feed.backlogs[signal]
        is_last = False
        while not is_last:
            is_last = await self._rest(EVERY_S)
            while batch := backlog.take(BATCH_ITEMS_MAX, BATCH_BYTES_MAX):
                if not await self._deliver(signal, batch, until_s=GIVE_UP_S):
                    self._feed.undelivered[signal] += len(batch)

    async def _measure(self) -> None:
        """One that does not arrive is not sent again: the next says the same and more."""
        is_last = False
        while not is_last:
            is_last = await self._rest(METRICS_EVERY_S)
            metrics = self._feed.metrics(self._means.clock.now())
            if metrics:
                await self._deliver(Signal.METRICS, metrics, until_s=METRICS_EVERY_S)

    async def _tell(self) -> None:
        while not await self._rest(TOLD_EVERY_S):
            self._tell_lost()

    def _tell_lost(self) -> None:
        lost = self._feed.lost()
        if lost != self._told:
            self._told = lost
            self._means.watcher.lost(lost)

    async def _rest(self, seconds: float) -> bool:
        """Whether it is time to end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        return self._closing.is_set()

    # -- one batch ------------------------------------------------------------------------------

    async def _deliver(self, signal: Signal, items: list[bytes], *, until_s: float) -> bool:
        """Whether the collector has it, or said that it does not want it."""
        body = gzip.compress(self._envelope.request(items), _LEVEL, mtime=0)
        means, wait_s = self._means, BACKOFF_MIN_S
        give_up = means.clock.monotonic() + until_s
        while True:
            answer, why = await self._ask(signal, body)
            if answer is not None and answer.status not in RETRYABLE:
                return self._judge(signal, answer)
            self._note_stuck(signal, why)
            asked_s = retry_after_s(answer, means.clock.now()) if answer is not None else None
            pause_s = asked_s if asked_s is not None else wait_s * (0.5 + means.jitter() / 2)
            if self._closing.is_set() or means.clock.monotonic() + pause_s > give_up:
                return False
            await self._rest(pause_s)
            wait_s = min(wait_s * 2, BACKOFF_MAX_S)

    async def _ask(self, signal: Signal, body: bytes) -> tuple[Answer | None, str]:
        try:
            async with asyncio.timeout(REQUEST_S):
                answer = await self._means.post(signal, body)
        except TimeoutError:
            return None, f"no answer within {REQUEST_S:g} s"
        except ExportError as error:
            return None, error.what
        return answer, f"it answers with status {answer.status}"

    def _judge(self, signal: Signal, answer: Answer) -> bool:
        if not 200 <= answer.status < 300:
            self._note_refused(signal, f"it answers with status {answer.status}")
            return False
        if signal in self._stuck:
            self._stuck.discard(signal)
            self._means.watcher.recovered(signal)
        partial = partial_of(answer.body)
        if partial is not None:
            what = f"it rejected {partial.rejected}: {partial.why}"
            self._note_refused(signal, what)
            if signal in self._feed.undelivered:
                self._feed.undelivered[signal] += partial.rejected
        return True

    def _note_refused(self, signal: Signal, why: str) -> None:
        now = self._means.clock.monotonic()
        if now >= self._quiet_until.get(signal, now):
            self._quiet_until[signal] = now + TOLD_EVERY_S
            self._means.watcher.refused(signal, why)

    def _note_stuck(self, signal: Signal, why: str) -> None:
        if signal not in self._stuck:
            self._stuck.add(signal)
            self._means.watcher.stuck(signal, why)
