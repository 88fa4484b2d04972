"""A model with few slots that goes on working on calls nobody waits for any more, and its troubles.

It knows no protocol, so that gateways and clients of any kind can be put before the same one.
"""

import asyncio
import math
from collections.abc import Callable
from random import Random
from typing import Final, Literal, TypeAlias

from holdfast.wire import Spawn

Trouble: TypeAlias = Literal["brown-out", "rate-limit", "hang", "errors", "slow-first-token"]
TROUBLES: Final[tuple[Trouble, ...]] = (
    "brown-out",
    "rate-limit",
    "hang",
    "errors",
    "slow-first-token",
)
SLOTS: Final = 10
SERVICE_S: Final = 0.5
SLOWER: Final = 8.0
RETRY_AFTER_S: Final = 1
"""What a refusal for the rate asks to wait."""


class SlottedModel:
    """Works on ``SLOTS`` calls at once, in order of arrival, and on abandoned ones to their end."""

    def __init__(self, spawn: Spawn, seed: str) -> None:
        self.trouble: Trouble | None = None
        self.attempts = 0
        self._spawn = spawn
        self._random = Random(seed)  # noqa: S311 - replayable by intent
        self._busy = 0
        self._waiting: list[asyncio.Future[None]] = []

    def ask(self, answer: Callable[[int], None]) -> None:
        """One call; ``answer`` gets its HTTP status at once, later, or never."""
        self.attempts += 1
        match self.trouble:
            case "rate-limit":
                answer(429)
            case "errors":
                answer(500)
            case "hang":
                """Never answered, not even when the trouble is over."""
            case _:
                self._spawn(self._work(answer))

    def recover(self) -> None:
        """The trouble is over; what waits is worked on."""
        self.trouble = None
        self._wake()

    async def _work(self, answer: Callable[[int], None]) -> None:
        if self._busy < self._slots:
            self._busy += 1
        else:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        slower = SLOWER if self.trouble == "slow-first-token" else 1.0
        await asyncio.sleep(slower * -SERVICE_S * math.log(1.0 - self._random.random()))
        self._busy -= 1
        self._wake()
        answer(200)

    @property
    def _slots(self) -> int:
        return SLOTS // 10 if self.trouble == "brown-out" else SLOTS

    def _wake(self) -> None:
        """Hand the free slots to those who wait: each is taken before its call goes on."""
        free = max(self._slots - self._busy, 0)
        for turn in self._waiting[:free]:
            self._busy += 1
            turn.set_result(None)
        del self._waiting[:free]
