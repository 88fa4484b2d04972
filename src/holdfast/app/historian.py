"""Who keeps the history of a running instance: follows the log, and notes what happens beside it."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from holdfast.app.follower import Follower
from holdfast.app.history_file import HistoryFile
from holdfast.app.moments import Scribe
from holdfast.app.monitor import Monitor
from holdfast.audit import LogReader
from holdfast.history import History, Listener
from holdfast.world.ports import Clock

LOOK_S = 1.0
"""How often somebody looks when the log has nothing new."""
LAST_ROUNDS_MAX = 5
"""At the end: what is left then is taken at the next start."""


class Historian:
    """Works in threads of its own: it never holds up the loop, or the log."""

    def __init__(
        self, file: Path, reader: LogReader, *, clock: Clock, listeners: Sequence[Listener]
    ) -> None:
        self._clock = clock
        self._file = HistoryFile(file)
        self.scribe = Scribe()
        self._follower = Follower(
            reader, self._file, clock=clock, listeners=listeners, moments=self.scribe.taken
        )
        self._news = asyncio.Event()

    @property
    def history(self) -> History:
        """What is asked, once it is open."""
        return self._file.history

    def wake(self) -> None:
        """The log has something new."""
        self._news.set()

    def note(self, kind: str, *, subject: str, text: str = "") -> None:
        """Something happened beside the calls."""
        self.scribe.note(self._clock.now(), kind, subject=subject, text=text)

    async def open(self) -> None:
        """From here on the history answers; it may be far behind the log still."""
        await asyncio.to_thread(self._follower.open)

    async def serve(self, monitor: Monitor) -> None:
        """For ever."""
        while True:
            self._news.clear()
            self.scribe.look(monitor.live(), monitor.log_trouble)
            if await asyncio.to_thread(self._follower.follow):
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()

    async def finish(self) -> None:
        """The last records are in the log: everybody hears them, and the file is closed."""
        for _ in range(LAST_ROUNDS_MAX):
            if not await asyncio.to_thread(self._follower.follow):
                break
        await asyncio.to_thread(self._follower.close)
