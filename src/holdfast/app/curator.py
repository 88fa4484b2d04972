"""The keeper's side of tools: notes what servers show, and tells workers what is approved.

The database is the truth: a command decides there, then asks the keeper to look.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from holdfast.app.channel import Message, PinsNews, ToolsSeen
from holdfast.audit import Act
from holdfast.core import RANDOM_BYTES, HoldfastError, NodeId, ulid
from holdfast.registry import Descriptor, PinChange, Pins, ToolPins
from holdfast.world.ports import Clock, Entropy

KEEPER = "keeper"
"""Who notes what servers show, in the log."""
WAITING_MAX = 256
"""Reports of workers that wait; a further one is dropped, for workers tell again."""

log = structlog.get_logger("holdfast.curator")


class Curator:
    """Takes reports one after the other; ``insist`` returns when every worker knows."""

    def __init__(
        self,
        pins: ToolPins,
        *,
        clock: Clock,
        entropy: Entropy,
        insist: Callable[[bytes], Awaitable[int]],
    ) -> None:
        self._pins = pins
        self._clock = clock
        self._entropy = entropy
        self._insist = insist
        self._current: Pins = pins.approved()
        self._reports: asyncio.Queue[ToolsSeen] = asyncio.Queue(WAITING_MAX)
        self._is_taking = False

    @property
    def is_idle(self) -> bool:
        """Whether every report was taken."""
        return self._reports.empty() and not self._is_taking

    def greeting(self) -> tuple[Message, ...]:
        """What a worker must know before it takes calls."""
        return (PinsNews(0, self._current.encode()),)

    def hear(self, report: ToolsSeen) -> None:
        """A worker has seen what a server shows."""
        if self._reports.full():
            log.warning("tools.report-dropped", server=report.server)
        else:
            self._reports.put_nowait(report)

    async def serve(self) -> None:
        """Take reports, for ever."""
        while True:
            report = await self._reports.get()
            self._is_taking = True
            try:
                await self._take(report)
            except HoldfastError as error:
                log.error("tools.not-noted", server=report.server, reason=str(error))
            finally:
                self._is_taking = False

    async def adopt(self) -> int:
        """What was decided is in force on every worker when this returns; how many those are."""
        self._current = await asyncio.to_thread(self._pins.approved)
        return await self._insist(self._current.encode())

    async def _take(self, report: ToolsSeen) -> None:
        changes = await asyncio.to_thread(self._note, report)
        for each in changes:
            _tell(each)
        if any(each.change in ("drifted", "restored") for each in changes):
            await self.adopt()

    def _note(self, report: ToolsSeen) -> tuple[PinChange, ...]:
        seen = [Descriptor.read(item.kind, item.body) for item in report.items]
        return self._pins.see(NodeId(report.server), seen, act=self.act)

    def act(self, reason: str = "") -> Act:
        """What the keeper does by itself."""
        now = self._clock.now()
        name = ulid(now, self._entropy.noise(RANDOM_BYTES))
        return Act(id=name, by=KEEPER, at=now, reason=reason)


def _tell(done: PinChange) -> None:
    of = done.pin.descriptor
    name, server = of.name[:200], done.pin.server
    if done.change not in ("quarantined", "drifted"):
        log.info(
            "tools.noted",
            change=done.change,
            server=server,
            kind=of.kind,
            name=name,
            digest=of.digest,
        )
        return
    log.warning(
        "tools.suspect",
        change=done.change,
        server=server,
        kind=of.kind,
        name=name,
        digest=of.digest,
        signs=[each.rule for each in done.pin.suspicions],
    )
