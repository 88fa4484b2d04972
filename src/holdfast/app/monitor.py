"""What the keeper knows of the running system, in the form that faces read."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from holdfast.app.channel import Report
from holdfast.audit import LogReader
from holdfast.blueprint import Blueprint
from holdfast.faces import Live, WorkerState
from holdfast.gateway import Seen, Totals
from holdfast.world.ports import Clock

RECENT_MAX = 200
CHANGE_S = 0.25


class Monitor:
    """Gathers the workers' reports; a ``faces.SystemView``."""

    def __init__(
        self,
        *,
        clock: Clock,
        reader: LogReader,
        blueprint: Blueprint,
        workers: Callable[[], tuple[WorkerState, ...]],
    ) -> None:
        self._clock = clock
        self._reader = reader
        self._blueprint = blueprint
        self._workers = workers
        self._totals: dict[int, Totals] = {}
        self._past = Totals()
        self._in_flight: dict[int, tuple[Seen, ...]] = {}
        self._recent: deque[Seen] = deque(maxlen=RECENT_MAX)
        self._version = 0
        self._changed = asyncio.Condition()
        self._closed = False
        self.log_trouble: str | None = None

    def take(self, worker: int, report: Report) -> None:
        """A worker's newest report."""
        before = self._totals.get(worker)
        if before is not None and report.totals.calls < before.calls:
            # A replaced worker counts from nought: what its predecessor did stays counted.
            self._past = _sum((self._past, before))
        busy = tuple(report.in_flight)
        changed = bool(report.ended) or busy != self._in_flight.get(worker, ())
        self._totals[worker] = report.totals
        self._in_flight[worker] = busy
        self._recent.extend(report.ended)
        self._version += changed

    async def announce(self) -> None:
        """Wake whoever waits for changes; the keeper calls this at short intervals."""
        async with self._changed:
            self._changed.notify_all()

    async def close(self) -> None:
        self._closed = True
        await self.announce()

    def adopt(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._version += 1

    # -- faces.SystemView ---------------------------------------------------------------------

    def blueprint(self) -> Blueprint:
        return self._blueprint

    def live(self) -> Live:
        newest_first = sorted(self._recent, key=lambda seen: seen.call, reverse=True)
        busy = [seen for calls in self._in_flight.values() for seen in calls]
        return Live(
            self._clock.now(),
            self._workers(),
            _sum((self._past, *self._totals.values())),
            tuple(sorted(busy, key=lambda seen: seen.call, reverse=True)),
            tuple(newest_first),
        )

    async def changes(self) -> AsyncIterator[Live]:
        version = -1
        while not self._closed:
            if version != self._version:
                version = self._version
                yield self.live()
                await asyncio.sleep(CHANGE_S)
            else:
                async with self._changed:
                    await self._changed.wait()

    def log(self) -> LogReader:
        return self._reader

    def trouble(self) -> str | None:
        if self.log_trouble is not None:
            return self.log_trouble
        for worker in self._workers():
            if not worker.ready:
                return f"worker {worker.worker} is not ready"
            if worker.fault is not None:
                return f"worker {worker.worker}: {worker.fault}"
        return None


def _sum(parts: tuple[Totals, ...]) -> Totals:
    return Totals(
        calls=sum(p.calls for p in parts),
        answered=sum(p.answered for p in parts),
        refused=sum(p.refused for p in parts),
        failed=sum(p.failed for p in parts),
        cancelled=sum(p.cancelled for p in parts),
        tokens_in=sum(p.tokens_in for p in parts),
        tokens_out=sum(p.tokens_out for p in parts),
    )
