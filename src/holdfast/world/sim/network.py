"""A network in memory, as unkind as the seed wants: slow, in odd pieces, refusing, cutting, lying."""

import asyncio
import random
import socket
from collections.abc import Callable, Collection
from typing import TypeAlias

from holdfast.world.ports import Address, ListenTls
from holdfast.world.sim.faults import Fault
from holdfast.world.sim.loop import SimLoop
from holdfast.world.sim.processes import NOBODY, SimProcess, current_process
from holdfast.world.sim.trace import Trace
from holdfast.world.sim.transport import SimTransport
from holdfast.world.sim.weather import NetworkFaults

Key: TypeAlias = tuple[str, int]

EVERYWHERE = "*"


class SimNetwork:
    """Listeners by address; connections as pairs of transports.

    ``faults`` is the state everywhere, ``begin`` and ``end`` change it for a while and for one
    address. At a ``shared`` address several may listen (SO_REUSEPORT): a connection goes to one of
    them by chance. ``open`` are the ends of connections that are not lost; ``tainted`` the numbers
    of connections on which a bit was flipped.
    """

    def __init__(
        self,
        loop: SimLoop,
        *,
        faults: NetworkFaults | None = None,
        shared: Collection[Address] = (),
        trace: Trace | None = None,
    ) -> None:
        self.loop = loop
        self.world = SimProcess(NOBODY)
        """Whoever belongs to no process: it never dies."""
        self.faults = faults or NetworkFaults()
        self.trace = trace or Trace()
        self.random = random.Random(f"network {loop.random.random()}")  # noqa: S311 - replayable by intent
        self.listeners: dict[Key, list[SimListener]] = {}
        self.open: dict[SimTransport, None] = {}
        self.holding: dict[SimTransport, None] = {}
        """Ends that have sent what a fault holds; they may be closed by now."""
        self.tainted: set[int] = set()
        self.broken: list[str] = []
        """Promises of a transport's user that were broken, for whoever checks."""
        self._shared = {(address.host, address.port) for address in shared}
        self._lasting: list[Fault] = []
        self._states: dict[Key, NetworkFaults] = {}
        self._everywhere = self.faults
        self._calm: asyncio.Event = asyncio.Event()
        self._count = 0

    async def listen(
        self,
        factory: Callable[[], asyncio.Protocol],
        *,
        sock: socket.socket | Address,
        tls: ListenTls | None = None,
    ) -> "SimListener":
        if not isinstance(sock, Address):
            raise OSError("the simulated network listens at an Address")
        if tls is not None:
            raise OSError("the simulated network speaks no TLS")
        key = (sock.host, sock.port)
        here = self.listeners.setdefault(key, [])
        if here and key not in self._shared:
            raise OSError(f"address {sock} is already in use")
        listener = SimListener(self, key, factory)
        here.append(listener)
        return listener

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], *, address: Address
    ) -> asyncio.Protocol:
        key = (address.host, address.port)
        await asyncio.sleep(self.latency(key))
        while self.state(key).is_black:
            await self._calm.wait()
        listeners = self.listeners.get(key)
        if not listeners or self.random.random() < self.state(key).refused_share:
            raise ConnectionRefusedError(f"{address} refused the connection")
        listener = listeners[0] if len(listeners) == 1 else self.random.choice(listeners)
        self._count += 1
        near = SimTransport(self, key, number=2 * self._count, peer="sim-server")
        far = SimTransport(self, key, number=2 * self._count + 1, peer=f"sim-{self._count}")
        far.owner = listener.owner
        far.is_listener = True
        near.join(far, factory())
        far.join(near, far.as_owner(listener.factory))
        far.as_owner(far.begin)
        near.begin()
        return near.protocol

    # -- faults -------------------------------------------------------------------------------

    def begin(self, fault: Fault) -> None:
        """From now on ``fault`` is."""
        self._lasting.append(fault)
        self._settle()

    def end(self, fault: Fault) -> None:
        """It is over; what was held arrives."""
        self._lasting.remove(fault)
        self._settle()
        calm, self._calm = self._calm, asyncio.Event()
        calm.set()
        for transport in tuple(self.holding):
            transport.release()

    def state(self, key: Key) -> NetworkFaults:
        """The state of the way to an address."""
        return self._states.get(key, self._everywhere) if self._lasting else self.faults

    def latency(self, key: Key) -> float:
        state, draw = self.state(key), self.random.random
        low, high = state.latency_s
        seconds = low + (high - low) * draw()
        if state.late[0] and draw() < state.late[0]:
            seconds += state.late[1] * draw()
        return seconds

    def _settle(self) -> None:
        self._everywhere = self.faults
        self._states = {}
        for fault in self._lasting:
            if fault.where == EVERYWHERE:
                self._everywhere = self._everywhere.with_fault(fault)
        for fault in self._lasting:
            if fault.where != EVERYWHERE:
                host, _, port = fault.where.rpartition(":")
                key = (host, int(port))
                self._states[key] = self._states.get(key, self._everywhere).with_fault(fault)

    # -- processes ----------------------------------------------------------------------------

    def kill(self, process: SimProcess) -> None:
        """The machine closes what a dead process had open: its peers see resets."""
        for key, here in tuple(self.listeners.items()):
            self.listeners[key] = [one for one in here if one.owner is not process]
        for transport in tuple(self.open):
            if transport.owner is process:
                transport.die()


class SimListener:
    """A listening address."""

    def __init__(
        self, network: SimNetwork, key: Key, factory: Callable[[], asyncio.Protocol]
    ) -> None:
        self.factory = factory
        self.owner = current_process() or network.world
        self._network = network
        self._key = key

    def renew(self) -> None:
        """There is no TLS here."""

    def close(self) -> None:
        here = self._network.listeners.get(self._key, [])
        if self in here:
            here.remove(self)
