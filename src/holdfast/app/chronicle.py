"""The records of changes on their way from the database to the log.

Commands and the keeper write a change and its record in one transaction; only the keeper brings the
record into a journal, as a worker does with a call's.
"""

import asyncio

import structlog

from holdfast.audit import LogReader, Outbox, Recorder, decode_change
from holdfast.core import HoldfastError

BATCH_MAX = 256
"""Records taken in one round; the next comes a second later."""

log = structlog.get_logger("holdfast.chronicle")


class Chronicle:
    """Takes records out of the outbox, each exactly once."""

    def __init__(self, outbox: Outbox, recorder: Recorder, reader: LogReader) -> None:
        self._outbox = outbox
        self._recorder = recorder
        self._reader = reader
        self._taking = asyncio.Lock()
        self._is_stuck = False

    async def flush(self) -> None:
        """Everything that waits is durable in a journal when this returns, or is told to be stuck.

        A crash between journal and outbox leaves a record in both: it is found in the log then.
        """
        try:
            async with self._taking:
                await self._take_batch()
        except HoldfastError as error:
            if not self._is_stuck:
                log.error("changes.stuck", reason=str(error))
            self._is_stuck = True
            return
        if self._is_stuck:
            log.info("changes.recovered")
        self._is_stuck = False

    async def close(self) -> None:
        """Take what waits, then no more."""
        await self.flush()
        await self._recorder.close()

    async def _take_batch(self) -> None:
        for number, entry in await asyncio.to_thread(self._outbox.waiting, BATCH_MAX):
            if not await asyncio.to_thread(self._is_known, entry):
                await self._record(entry)
            await asyncio.to_thread(self._outbox.taken, number)

    def _is_known(self, entry: bytes) -> bool:
        return bool(self._reader.find(decode_change(entry).change))

    async def _record(self, entry: bytes) -> None:
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: HoldfastError | None) -> None:
            if durable.done():
                return
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)

        self._recorder.submit(entry, done)
        await durable
