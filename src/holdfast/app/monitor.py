"""What the keeper knows of the running system, in the form that faces read."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from holdfast.app.alarms import overdue
from holdfast.app.channel import Report
from holdfast.app.merging import Past, merge_nodes, merge_upstreams, sum_totals, without_room
from holdfast.audit import INTENT_GRACE_S, Intent, LogReader
from holdfast.blueprint import Blueprint
from holdfast.core import Instant
from holdfast.faces import Live, WaitingCall, WorkerState
from holdfast.gateway import BudgetSeen, Seen
from holdfast.world.ports import Clock

RECENT_MAX = 200
CHANGE_S = 0.25
MOMENT_US = 250_000
"""How long one look at the system serves all who ask, while nothing is reported."""


class Monitor:
    """Gathers the workers' reports; a ``faces.SystemView``."""

    def __init__(
        self,
        *,
        clock: Clock,
        reader: LogReader,
        blueprint: Blueprint,
        workers: Callable[[], tuple[WorkerState, ...]],
        budgets: Callable[[], tuple[BudgetSeen, ...]],
        approvals: Callable[[], tuple[WaitingCall, ...]],
    ) -> None:
        self._clock = clock
        self._reader = reader
        self._blueprint = blueprint
        self._workers = workers
        self._budgets = budgets
        self._approvals = approvals
        self._reports: dict[int, Report] = {}
        self._past = Past()
        self._recent: deque[Seen] = deque(maxlen=RECENT_MAX)
        self._version = 0
        self._fleet: tuple[WorkerState, ...] = ()
        self._changed = asyncio.Condition()
        self._closed = False
        self._made: Live | None = None
        self._made_of = -1
        self.log_trouble: str | None = None
        self.alarms: tuple[Intent, ...] = ()

    def take(self, worker: int, report: Report) -> None:
        """A worker's newest report."""
        before = self._reports.get(worker)
        self._reports[worker] = report
        self._recent.extend(report.ended)
        self._version += report != before

    def forget(self, worker: int) -> None:
        """The worker has ended: what it counted stays counted."""
        report = self._reports.pop(worker, None)
        if report is not None:
            self._past.take(report)
        self._version += 1

    def note(self) -> None:
        """Something changed that no worker reports."""
        self._version += 1

    async def announce(self) -> None:
        """Wake whoever waits for changes; the keeper calls this at short intervals."""
        self._notice_workers()
        async with self._changed:
            self._changed.notify_all()

    async def close(self) -> None:
        self._closed = True
        await self.announce()

    def adopt(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._past.keep(blueprint.nodes)
        self._version += 1

    def look_for_alarms(self) -> tuple[Intent, ...]:
        """Calls that were begun, are not under way and have no outcome. Blocks: reads the log."""
        busy = {seen.call for report in tuple(self._reports.values()) for seen in report.in_flight}
        return overdue(self._reader, now=self._clock.now(), grace_s=INTENT_GRACE_S, busy=busy)

    # -- faces.SystemView ---------------------------------------------------------------------

    def blueprint(self) -> Blueprint:
        return self._blueprint

    def live(self) -> Live:
        """One moment for all who ask within it: what is drawn of it is drawn once."""
        self._notice_workers()
        now = self._clock.now()
        made = self._made
        if made is None or self._made_of != self._version or now - made.at >= MOMENT_US:
            made, self._made_of = self._look(now), self._version
            self._made = made
        return made

    def _notice_workers(self) -> None:
        """A worker comes, goes or is replaced without reporting it."""
        workers = self._workers()
        if workers != self._fleet:
            self._fleet = workers
            self._version += 1

    def _look(self, now: Instant) -> Live:
        newest_first = sorted(self._recent, key=lambda seen: seen.call, reverse=True)
        leaving = {worker.worker for worker in self._fleet if worker.leaving}
        reports = [
            without_room(report) if index in leaving else report
            for index, report in sorted(self._reports.items())
        ]
        busy = [seen for report in reports for seen in report.in_flight]
        return Live(
            now,
            self._fleet,
            sum_totals((self._past.totals, *(report.totals for report in reports))),
            tuple(sorted(busy, key=lambda seen: seen.call, reverse=True)),
            tuple(newest_first),
            merge_nodes(reports, self._past),
            merge_upstreams(reports, self._past),
            self._budgets(),
            self.alarms,
            self._approvals(),
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
            if worker.leaving:
                continue
            if not worker.ready:
                return f"worker {worker.worker} is not ready"
            if worker.fault is not None:
                return f"worker {worker.worker}: {worker.fault}"
        return None
