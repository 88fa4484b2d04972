"""Active health checks: each upstream that declares one is asked now and then, calls or no calls."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from holdfast.blueprint import Health
from holdfast.gateway.holding import Hold
from holdfast.gateway.places import Place
from holdfast.wire import ResponseHead, StaleError, WireError
from holdfast.world.ports import Entropy

FAILURES: Final = 2
"""In a row, until an upstream is taken out."""
SUCCESSES: Final = 2
"""In a row, until it is back."""


class HealthCheck:
    """Asks one place, again and again (a ``wire.Receiver`` of its answers)."""

    def __init__(
        self, place: Place, control: Health, *, entropy: Entropy, tell: Callable[[Place], None]
    ) -> None:
        self.place = place
        self._control = control
        self._entropy = entropy
        self._tell = tell
        self._streak = 0
        self._ticket: Hold | None = None
        self._timer: asyncio.TimerHandle | None = None
        upstream = place.upstream
        self._message = b"GET %b HTTP/1.1\r\n%b\r\n\r\n" % (
            control.path.encode("ascii"),
            upstream.head,
        )

    def start(self) -> None:
        """Begin at a moment of chance, so that many checks do not come at once."""
        self._after(self._control.every_s * self._entropy.jitter())

    def stop(self) -> None:
        """Ask no more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        if self._ticket is not None:
            self._ticket.cancel()
        self._timer = self._ticket = None

    def _after(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._ask)

    def _ask(self) -> None:
        self._ticket = self.place.upstream.pool.send(self._message, self)
        self._timer = asyncio.get_running_loop().call_later(self._control.timeout_s, self._late)

    def _late(self) -> None:
        if self._ticket is not None:
            self._ticket.cancel()
        self._judge(is_well=False)

    def on_head(self, head: ResponseHead) -> None:
        self._is_good = 200 <= head.status < 400

    def on_body(self, data: bytes) -> None:
        """What it says beside its status is not read."""

    def on_end(self) -> None:
        self._judge(is_well=self._is_good)

    def on_failure(self, error: WireError) -> None:
        if isinstance(error, StaleError) and self._timer is not None:
            # It says something of an idle connection, nothing of the upstream.
            self._ticket = self.place.upstream.pool.send(self._message, self, fresh=True)
        else:
            self._judge(is_well=False)

    def _judge(self, *, is_well: bool) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self._ticket = None
        place = self.place
        agrees = is_well != place.down
        self._streak = 0 if agrees else self._streak + 1
        if self._streak >= (SUCCESSES if is_well else FAILURES):
            self._streak = 0
            if place.set_down(down=not is_well):
                self._tell(place)
        # A tenth of chance either way keeps the checks of many workers apart.
        self._after(self._control.every_s * (0.9 + 0.2 * self._entropy.jitter()))


def start_checks(
    places: Iterable[Place], *, entropy: Entropy, tell: Callable[[Place], None]
) -> list[HealthCheck]:
    """A running check for every place that declares one."""
    checks = [
        HealthCheck(place, place.node.health, entropy=entropy, tell=tell)
        for place in places
        if place.node.health is not None
    ]
    for check in checks:
        check.start()
    return checks
