"""A network in memory, as unkind as the seed wants: slow, in odd pieces, refusing, cutting."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.world.ports import Address
from holdfast.world.sim.loop import SimLoop

HIGH_WATER_BYTES = 64 * 1024
TICK_S = 1e-7
"""Between two deliveries of one connection, so that their order is their timers' order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFaults:
    """Shares are probabilities; times are seconds of virtual time."""

    latency_s: tuple[float, float] = (0.0001, 0.002)
    refused_share: float = 0.0
    """Of connection attempts."""
    cut_share: float = 0.0
    """Of writes, after which the connection is reset."""
    split_share: float = 0.3
    """Of writes, that arrive in several pieces."""


class SimNetwork:
    """Listeners by address; connections as pairs of transports."""

    def __init__(self, loop: SimLoop, *, faults: NetworkFaults | None = None) -> None:
        self.loop = loop
        self.faults = faults or NetworkFaults()
        self.listeners: dict[tuple[str, int], Callable[[], asyncio.Protocol]] = {}

    async def listen(
        self, factory: Callable[[], asyncio.Protocol], *, sock: socket.socket | Address
    ) -> "SimListener":
        if not isinstance(sock, Address):
            raise OSError("the simulated network listens at an Address")
        key = (sock.host, sock.port)
        if key in self.listeners:
            raise OSError(f"address {sock} is already in use")
        self.listeners[key] = factory
        return SimListener(self, key)

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], *, address: Address
    ) -> asyncio.Protocol:
        await asyncio.sleep(self.latency())
        accept = self.listeners.get((address.host, address.port))
        if accept is None or self.loop.random.random() < self.faults.refused_share:
            raise ConnectionRefusedError(f"{address} refused the connection")
        near, far = SimTransport(self, "sim-server"), SimTransport(self, "sim-client")
        near.join(far, factory())
        far.join(near, accept())
        far.begin()
        near.begin()
        return near.protocol

    def latency(self) -> float:
        low, high = self.faults.latency_s
        return low + (high - low) * self.loop.random.random()


class SimListener:
    """A listening address."""

    def __init__(self, network: SimNetwork, key: tuple[str, int]) -> None:
        self._network = network
        self._key = key

    def close(self) -> None:
        self._network.listeners.pop(self._key, None)


class SimTransport(asyncio.Transport):
    """One end of a connection: bytes arrive at the other end later, in order, maybe in pieces."""

    def __init__(self, network: SimNetwork, peer_name: str) -> None:
        super().__init__({"peername": (peer_name, 0)})
        self._network = network
        self._loop = network.loop
        self._next_delivery = 0.0
        self._in_flight = 0
        self._inbox: deque[bytes | None] = deque()
        self._reading = True
        self._writable = True
        self._closing = False
        self._lost = False
        self.protocol: asyncio.Protocol
        self._other: SimTransport

    def join(self, other: "SimTransport", protocol: asyncio.Protocol) -> None:
        self._other = other
        self.protocol = protocol

    def begin(self) -> None:
        self.protocol.connection_made(self)

    # -- what protocols call ------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or not data:
            return
        rng, faults = self._loop.random, self._network.faults
        if rng.random() < faults.cut_share:
            self._loop.call_soon(self.lose, ConnectionResetError("cut by the network"))
            self._loop.call_soon(self._other.lose, ConnectionResetError("cut by the network"))
            return
        whole = bytes(data)
        self._in_flight += len(whole)
        while len(whole) > 1 and rng.random() < faults.split_share:
            cut = rng.randrange(1, len(whole))
            self._post(whole[:cut])
            whole = whole[cut:]
        self._post(whole)
        if self._in_flight > HIGH_WATER_BYTES and self._writable:
            self._writable = False
            self.protocol.pause_writing()

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._post(None)
            self._loop.call_soon(self.lose, None)

    def abort(self) -> None:
        if not self._lost:
            self._closing = True
            self._loop.call_soon(self.lose, None)
            reset = ConnectionResetError("reset by peer")
            self._loop.call_later(self._network.latency(), self._other.lose, reset)

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return self._in_flight

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.call_soon(self._drain_inbox)

    def is_reading(self) -> bool:
        return self._reading

    # -- the way of the bytes -----------------------------------------------------------------

    def _post(self, data: bytes | None) -> None:
        due = self._loop.time() + self._network.latency()
        self._next_delivery = max(due, self._next_delivery + TICK_S)
        self._loop.call_at(self._next_delivery, self._other.arrive, data)

    def arrive(self, data: bytes | None) -> None:
        self._inbox.append(data)
        self._drain_inbox()

    def _drain_inbox(self) -> None:
        while self._inbox and self._reading and not self._lost:
            data = self._inbox.popleft()
            if data is None:
                self.protocol.eof_received()
                self._closing = True
                self.lose(None)
                return
            self._other.delivered(len(data))
            self.protocol.data_received(data)

    def delivered(self, size: int) -> None:
        self._in_flight -= size
        if not self._writable and self._in_flight < HIGH_WATER_BYTES // 2 and not self._lost:
            self._writable = True
            self.protocol.resume_writing()

    def lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = self._closing = True
            self.protocol.connection_lost(error)
