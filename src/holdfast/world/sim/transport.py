"""One end of a simulated connection."""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Protocol, TypeAlias, TypeVar

from holdfast.world.sim.loop import SimLoop
from holdfast.world.sim.processes import SimProcess, current_process
from holdfast.world.sim.trace import END, RESET, Trace
from holdfast.world.sim.weather import NetworkFaults

T = TypeVar("T")
Message: TypeAlias = bytes | ConnectionError | None
"""Bytes, the end of a direction, or a reset."""

HIGH_WATER_BYTES = 64 * 1024
OVERRUN_BYTES_MAX = 8 * 1024 * 1024
"""What may be written to a connection that asked to wait, before it is called heedless."""
TICK_S = 1e-7
"""Between two deliveries of one connection, so that their order is their timers' order."""


class Wires(Protocol):
    """What a transport needs of its network."""

    loop: SimLoop
    random: Random
    trace: Trace
    world: SimProcess
    open: dict["SimTransport", None]
    holding: dict["SimTransport", None]
    tainted: set[int]
    broken: list[str]

    def state(self, key: tuple[str, int]) -> NetworkFaults:
        """The state of the way to an address."""
        ...

    def latency(self, key: tuple[str, int]) -> float:
        """What the next message takes."""
        ...


class SimTransport(asyncio.Transport):
    """Bytes arrive at the other end later, in order, maybe in pieces, maybe not at all."""

    def __init__(self, network: Wires, key: tuple[str, int], *, number: int, peer: str) -> None:
        super().__init__({"peername": (peer, number)})
        self.number = number
        self.owner: SimProcess = current_process() or network.world
        self.is_listener = False
        self._network = network
        self._loop = network.loop
        self._key = key
        self._next_delivery = 0.0
        self._wire_free = 0.0
        self._in_flight = 0
        self._held: deque[Message] = deque()
        self._inbox: deque[Message] = deque()
        self._reading = True
        self._writable = True
        self._closing = False
        self._lost = False
        self._has_refused = False
        self.protocol: asyncio.Protocol
        self._other: SimTransport

    def join(self, other: "SimTransport", protocol: asyncio.Protocol) -> None:
        self._other = other
        self.protocol = protocol
        self._network.open[self] = None

    def begin(self) -> None:
        self.protocol.connection_made(self)

    @property
    def peer_owner(self) -> SimProcess:
        """The process at the other end."""
        return self._other.owner

    def as_owner(self, work: Callable[[], T]) -> T:
        """Call ``work`` as the process that this end belongs to."""
        return self.owner.run(work)

    # -- what protocols call ------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or not data:
            return
        state = self._network.state(self._key)
        whole = bytes(data)
        self._in_flight += len(whole)
        if state.is_rough and self._is_harmed(whole, state):
            return
        if state.split_share:
            draw = self._network.random
            while len(whole) > 1 and draw.random() < state.split_share:
                cut = draw.randrange(1, len(whole))
                self._post(whole[:cut])
                whole = whole[cut:]
        self._post(whole)
        if self._in_flight > HIGH_WATER_BYTES:
            self._ask_to_wait(len(whole))

    def write_eof(self) -> None:
        """This end has no more to say; it still listens."""
        self._post(None)

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._post(None)
            self._soon(self.lose, None)

    def abort(self) -> None:
        if not self._lost:
            self._closing = True
            self._soon(self.lose, None)
            self._send_reset("reset by peer")

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return self._in_flight

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._soon(self._drain_inbox)

    def is_reading(self) -> bool:
        return self._reading

    # -- harm ---------------------------------------------------------------------------------

    def _is_harmed(self, whole: bytes, state: NetworkFaults) -> bool:
        """Whether the write came to harm, and was dealt with here."""
        draw = self._network.random
        if draw.random() < state.cut_share:
            self._soon(self.lose, ConnectionResetError("cut by the network"))
            self._other._soon(self._other.lose, ConnectionResetError("cut by the network"))  # noqa: SLF001
            return True
        if draw.random() < state.truncated_share:
            self._post(whole[: draw.randrange(len(whole))])
            self._post(None)
            self._soon(self.lose, ConnectionResetError("truncated by the network"))
            return True
        if draw.random() < state.half_close_share:
            self._post(whole)
            self._post(None)
            return True
        if self.is_listener and draw.random() < state.corrupted_share:
            damaged = bytearray(whole)
            damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
            self._network.tainted.add(self.number)
            self._post(bytes(damaged))
            return True
        return False

    def die(self) -> None:
        """The process of this end is gone: nobody here hears of it, the other end sees a reset."""
        if not self._lost:
            self._lost = self._closing = True
            self._network.open.pop(self, None)
            self._send_reset("reset by peer")

    def _send_reset(self, why: str) -> None:
        # In its turn: what was sent before a reset arrives, unless its reader is slow.
        self._post(ConnectionResetError(why))

    def _ask_to_wait(self, size: int) -> None:
        if self._writable:
            self._writable = False
            self.protocol.pause_writing()
        elif self._in_flight > OVERRUN_BYTES_MAX + size:
            self._network.broken.append(
                f"connection {self.number}: {self._in_flight} bytes written to a reader that "
                "asked to wait"
            )

    # -- the way of the bytes -----------------------------------------------------------------

    def _is_held(self) -> bool:
        state = self._network.state(self._key)
        return state.is_black or (state.is_mute and self.is_listener)

    def _post(self, data: Message) -> None:
        if self._held or self._is_held():
            self._held.append(data)
            self._network.holding[self] = None
            return
        network = self._network
        due = self._loop.time() + network.latency(self._key)
        width = network.state(self._key).bytes_per_s
        if width and isinstance(data, bytes):
            self._wire_free = max(self._loop.time(), self._wire_free) + len(data) / width
            due += self._wire_free - self._loop.time()
        self._next_delivery = max(due, self._next_delivery + TICK_S)
        self._other._at(self._next_delivery, self._other.arrive, data)  # noqa: SLF001

    def release(self) -> None:
        """What was held goes on its way, unless another fault still holds it."""
        if not self._is_held():
            held, self._held = self._held, deque()
            self._network.holding.pop(self, None)
            for data in held:
                self._post(data)

    def arrive(self, data: Message) -> None:
        if self._lost:
            if isinstance(data, bytes) and not self._has_refused:
                # Nobody is here to take it: the sender is told, or it would wait for ever.
                self._has_refused = True
                self._send_reset("reset by peer")
            return
        if isinstance(data, ConnectionError):
            self.lose(data)
            return
        self._inbox.append(data)
        self._drain_inbox()

    def _drain_inbox(self) -> None:
        while self._inbox and self._reading and not self._lost:
            data = self._inbox.popleft()
            if data is None:
                self._network.trace.ended(self._loop.time(), self.number, END)
                self._take_end()
                return
            assert isinstance(data, bytes)
            self._network.trace.arrived(self._loop.time(), self.number, data)
            self._other.delivered(len(data))
            self.protocol.data_received(data)

    def _take_end(self) -> None:
        keeps_writing = self.protocol.eof_received()
        if keeps_writing or self._lost:
            return
        if not self._closing:
            self._post(None)
        self._closing = True
        self.lose(None)

    def delivered(self, size: int) -> None:
        self._in_flight -= size
        if not self._writable and self._in_flight < HIGH_WATER_BYTES // 2 and not self._lost:
            self._writable = True
            self.as_owner(self.protocol.resume_writing)

    def lose(self, error: Exception | None) -> None:
        if not self._lost:
            if error is not None:
                self._network.trace.ended(self._loop.time(), self.number, RESET)
            self._lost = self._closing = True
            self._network.open.pop(self, None)
            self.protocol.connection_lost(error)

    # -- callbacks run as the process whose end this is ---------------------------------------

    def _soon(self, callback: Callable[..., None], *args: object) -> None:
        self._loop.call_soon(callback, *args, context=self.owner.context)

    def _at(self, when: float, callback: Callable[..., None], *args: object) -> None:
        self._loop.call_at(when, callback, *args, context=self.owner.context)
