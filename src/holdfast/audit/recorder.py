"""The way of a record onto the disk: group commit into this worker's journal. Hot path.

Everything submitted while an append is under way goes out with the next one, so the cost of a sync
is shared by all who wait for it. Nothing is acknowledged before it is durable.
"""

import asyncio
from collections.abc import Callable
from typing import TypeAlias
from zlib import crc32

from holdfast.audit.errors import (
    AuditError,
    EntrySizeError,
    RecorderClosedError,
    RecorderFullError,
    UnavailableError,
)
from holdfast.audit.frames import (
    FRAME,
    SEAL,
    WORKER_MAX,
    first_frame,
    header,
    journal_name,
    journal_stamp,
)
from holdfast.core import HoldfastError
from holdfast.world.ports import Clock, Journals, JournalWriter, WorldError

ENTRY_BYTES_MAX = 8_192
PENDING_BYTES_MAX = 16 * 1024 * 1024
"""Entries that wait for the disk, in all; the next one is refused at once."""
JOURNAL_BYTES_MAX = 64 * 1024 * 1024
"""A journal this large is sealed and a new one begun, so that old ones can go."""
APPEND_S_MAX = 30.0
"""A disk that takes longer than this to sync counts as failed."""
GATHER_S = 0.002
"""How long an append waits for company while many calls are under way: an append costs 100 us of
CPU (a thread's turn, the write, the sync), whoever shares it, and a model's call takes seconds."""
RETRY_AFTER_S = 1.0
"""After a failure, how long every submission fails at once before the disk is tried again."""

Done: TypeAlias = Callable[[HoldfastError | None], None]
"""Called once for every entry: None when it is durable, else why it is not. Must not raise."""
Crowd: TypeAlias = Callable[[], int]
"""How many calls are under way, each of which will need a record."""
OnFault: TypeAlias = Callable[[AuditError | None], None]


def _ignore(_fault: AuditError | None) -> None:
    """Nobody wants to hear of faults as they come; ``fault`` tells."""


def _alone() -> int:
    """Nobody else is known of: an append waits for nobody."""
    return 0


class Recorder:
    """One worker's recorder, on one event loop.

    ``fault`` is why records cannot be taken now, None while they can; ``on_fault`` hears of every
    change of it. A fault is over when an append has succeeded again.
    """

    def __init__(
        self,
        journals: Journals,
        clock: Clock,
        *,
        worker: int,
        on_fault: OnFault = _ignore,
        journal_bytes_max: int = JOURNAL_BYTES_MAX,
    ) -> None:
        if not 0 <= worker <= WORKER_MAX:
            raise AuditError(f"no worker has the number {worker}", fix=f"use 0 to {WORKER_MAX}")
        self.fault: AuditError | None = None
        self._journals = journals
        self._clock = clock
        self._worker = worker
        self._journal_bytes_max = journal_bytes_max
        self._on_fault = on_fault
        self._crowd: Crowd = _alone
        self._wanted = 0
        self._all_here: asyncio.Future[None] | None = None
        self._frames: list[bytes] = []
        self._dones: list[Done] = []
        self._pending_bytes = 0
        self._writer: JournalWriter | None = None
        self._journal_bytes = 0
        self._stamp = 0
        self._retry_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self._is_flowing = False  # the writing task runs, with no fault and no close

    def gather_for(self, crowd: Crowd) -> None:
        """Let appends wait a moment for company when ``crowd`` says that company is to come."""
        self._crowd = crowd

    def submit(self, entry: bytes, done: Done) -> None:
        """Make ``entry`` durable, then call ``done(None)``.

        ``done(error)`` when that fails; when it fails at once, before this returns. After an error
        the entry may or may not be in the log: a disk can keep what it said it could not.
        """
        size = len(entry)
        if (
            not self._is_flowing
            or self._pending_bytes + size > PENDING_BYTES_MAX
            or not 0 < size <= ENTRY_BYTES_MAX
        ):
            refusal = self._refusal(size)
            if refusal is not None:
                done(refusal)
                return
            self._start()
        frames = self._frames
        self._pending_bytes += size
        frames.append(FRAME.pack(size, crc32(entry)))
        frames.append(entry)
        self._dones.append(done)
        if self._all_here is not None and len(self._dones) >= self._wanted:
            self._go_on()

    async def close(self) -> None:
        """Write what waits, seal the journal, and take no more. Idempotent."""
        self._is_closed = True
        self._is_flowing = False
        if self._task is not None:
            await asyncio.shield(self._task)
        await self._seal()

    def _refusal(self, size: int) -> AuditError | None:
        if not 0 < size <= ENTRY_BYTES_MAX:
            return EntrySizeError(
                f"an entry has 1 to {ENTRY_BYTES_MAX} bytes, this has {size}",
                fix="shorten the names in the blueprint that make the record long",
            )
        if self._is_closed:
            return RecorderClosedError(
                "the recorder is closed", fix="send the call to another worker"
            )
        if self._pending_bytes + size > PENDING_BYTES_MAX:
            return RecorderFullError(
                f"{self._pending_bytes} bytes of records wait for the disk",
                fix="send less, or put the data directory on a faster disk",
            )
        if self.fault is not None and self._clock.monotonic() < self._retry_at:
            return self.fault
        return None

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_all())
        self._is_flowing = self.fault is None

    async def _write_all(self) -> None:
        """Append until nothing waits. Started by the first entry, so that rest costs nothing."""
        try:
            while self._dones:
                await self._gather()
                await self._write_batch()
        finally:
            self._task = None
            self._is_flowing = False
            if self._dones:  # something unforeseen ended the loop: nobody may wait for ever
                self._fail(self._take()[1], AuditError("the recorder stopped", fix="restart it"))

    async def _gather(self) -> None:
        """Wait a moment for the records of the other calls under way, and no longer than for all."""
        wanted = self._crowd()
        if len(self._dones) >= wanted:
            return
        loop = asyncio.get_running_loop()
        self._wanted, self._all_here = wanted, loop.create_future()
        timer = loop.call_later(GATHER_S, self._go_on)
        try:
            await self._all_here
        finally:
            timer.cancel()
            self._all_here = None

    def _go_on(self) -> None:
        if self._all_here is not None and not self._all_here.done():
            self._all_here.set_result(None)

    async def _write_batch(self) -> None:
        frames, dones = self._take()
        taken = self._pending_bytes
        try:
            await self._append(frames)
        except (WorldError, TimeoutError) as error:
            self._break(dones, error)
            return
        except BaseException:
            self._fail(dones, UnavailableError("the write was cut off", fix="restart Holdfast"))
            raise
        self._pending_bytes -= taken
        if self.fault is not None:
            self._set_fault(None)
        _tell(dones, None)

    def _take(self) -> tuple[list[bytes], list[Done]]:
        frames, dones = self._frames, self._dones
        self._frames, self._dones = [], []
        return frames, dones

    async def _append(self, frames: list[bytes]) -> None:
        """A crash in here leaves a prefix of the append; no frame of it was acknowledged."""
        frames[0] = first_frame(frames[1])
        if self._journal_bytes >= self._journal_bytes_max:
            await self._seal()
        if self._writer is None:
            self._writer = self._open()
            frames.insert(0, header(self._worker))
        data = b"".join(frames)
        async with asyncio.timeout(APPEND_S_MAX):
            await self._writer.append(data)
        self._journal_bytes += len(data)

    def _open(self) -> JournalWriter:
        """A journal whose name sorts after all of this worker's, whatever the clock did."""
        prefix = journal_name(self._worker, 0).partition("-")[0] + "-"
        ours = [name for name in self._journals.names() if name.startswith(prefix)]
        newest = max((journal_stamp(name) or 0 for name in ours), default=0)
        self._stamp = max(self._clock.now(), newest + 1, self._stamp + 1)
        self._journal_bytes = 0
        return self._journals.create(journal_name(self._worker, self._stamp))

    async def _seal(self) -> None:
        """Say that this journal ended in order. Failing to only costs the saying."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            async with asyncio.timeout(APPEND_S_MAX):
                await writer.append(SEAL)
        except (WorldError, TimeoutError):
            return
        finally:
            writer.close()

    def _break(self, dones: list[Done], error: WorldError | TimeoutError) -> None:
        """Give up this journal, fail everybody, and leave the disk alone for a while."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if isinstance(error, WorldError):
            what, fix = error.what, error.fix
        else:
            what = f"the disk did not sync within {APPEND_S_MAX:g} s"
            fix = "check the disk's health and load"
        fault = UnavailableError(f"records cannot be made durable: {what}", fix=fix)
        self._retry_at = self._clock.monotonic() + RETRY_AFTER_S
        self._set_fault(fault)
        self._fail(dones + self._take()[1], fault)

    def _fail(self, dones: list[Done], error: AuditError) -> None:
        self._pending_bytes = 0
        _tell(dones, error)

    def _set_fault(self, fault: AuditError | None) -> None:
        self.fault = fault
        self._is_flowing = fault is None and not self._is_closed
        self._on_fault(fault)


def _tell(dones: list[Done], error: HoldfastError | None) -> None:
    for done in dones:
        try:
            done(error)
        except Exception as raised:  # noqa: BLE001 - one caller's fault must not rob the others
            asyncio.get_running_loop().call_exception_handler(
                {"message": "an audit callback raised", "exception": raised}
            )
