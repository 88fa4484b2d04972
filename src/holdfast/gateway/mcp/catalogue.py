"""What the servers of this worker offer now, and what of it is approved.

Each server's lists are fetched when the worker begins, when the server says that they changed, and
now and then; what was seen goes to the keeper (``PinBoard``). Only what a person
approved is ever shown or called, and only while every upstream of the server still shows that very
description.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from holdfast.core import Digest, NodeId
from holdfast.gateway.groups import Group
from holdfast.gateway.mcp.watching import Watch
from holdfast.registry import Descriptor, DescriptorKind, Pin, PinBoard, Pins
from holdfast.wire import Spawn
from holdfast.world.ports import Entropy

WAITING_MAX: Final = 256
"""Calls that wait for the first look at one server."""

Shown: TypeAlias = dict[tuple[DescriptorKind, str], Digest]


class Catalogue:
    """One worker's. Lives through reloads: ``tend`` follows the blueprint, ``adopt`` the pins.

    ``faults`` says what of a server's lists could not be read.
    """

    def __init__(self, board: PinBoard, *, spawn: Spawn, entropy: Entropy) -> None:
        self._board = board
        self.faults: dict[NodeId, tuple[str, ...]] = {}
        self.on_adopted: Callable[[], None] = _nothing
        self._spawn = spawn
        self._entropy = entropy
        self._watches: dict[int, Watch] = {}
        self._servers: dict[NodeId, tuple[int, ...]] = {}
        self._shown: dict[int, Shown] = {}
        self._waiting: dict[NodeId, list[Callable[[], None]]] = {}

    def tend(self, groups: Mapping[NodeId, Group]) -> None:
        """Watch the MCP servers among these; those no longer among them are let go."""
        watches: dict[int, Watch] = {}
        servers: dict[NodeId, tuple[int, ...]] = {}
        for node, group in groups.items():
            lines = [place.upstream.line for place in group.places]
            keys: list[int] = []
            for line in lines:
                if line is None:
                    continue
                key = id(line)
                keys.append(key)
                watches[key] = self._watches.pop(key, None) or Watch(
                    line, node, entropy=self._entropy, tell=self._see
                )
            if keys:
                servers[node] = tuple(keys)
        for key, watch in self._watches.items():
            watch.stop()
            self._shown.pop(key, None)
        for watch in watches.values():
            if not watch.is_started:
                watch.start(self._spawn)
        self._watches, self._servers = watches, servers

    def stop(self) -> None:
        """Watch nothing any more."""
        self.tend({})

    def adopt(self, pins: Pins) -> None:
        """What is approved from now on."""
        if pins != self._board.current:
            self._board.current = pins
            self.on_adopted()

    @property
    def pins(self) -> Pins:
        """What is approved now."""
        return self._board.current

    def watches(self, server: NodeId) -> bool:
        """Whether it is a server that is looked at."""
        return server in self._servers

    def has_seen(self, server: NodeId) -> bool:
        """Whether every upstream of the server was looked at since the worker began."""
        keys = self._servers.get(server)
        return keys is not None and all(key in self._shown for key in keys)

    def shows(self, server: NodeId, kind: DescriptorKind, name: str) -> bool:
        """Whether the server offers such a thing now, on every upstream that was looked at."""
        seen = [self._shown[key] for key in self._servers.get(server, ()) if key in self._shown]
        return bool(seen) and all((kind, name) in shown for shown in seen)

    def agrees(self, server: NodeId, pin: Pin) -> bool:
        """Whether what the server offers now is the very thing that was approved."""
        descriptor = pin.descriptor
        where = (descriptor.kind, descriptor.name)
        return all(
            self._shown[key].get(where) == descriptor.digest
            for key in self._servers.get(server, ())
            if key in self._shown
        )

    def offered(self, server: NodeId, kind: DescriptorKind) -> Iterable[Pin]:
        """What clients may be shown of the server: approved, and not seen to differ."""
        return [pin for pin in self.pins.of(server, kind) if self.agrees(server, pin)]

    def when_seen(self, server: NodeId, then: Callable[[], None]) -> bool:
        """Call back when the server was looked at, or could not be; False when too many wait."""
        waiting = self._waiting.setdefault(server, [])
        if len(waiting) >= WAITING_MAX:
            return False
        waiting.append(then)
        return True

    def _see(
        self, watch: Watch, seen: tuple[Descriptor, ...] | None, faults: tuple[str, ...]
    ) -> None:
        """A look at one upstream; ``seen`` is None when it could not be had."""
        key, server = id(watch.line), watch.server
        if seen is not None:
            shown: Shown = {(each.kind, each.name): each.digest for each in seen}
            if self._shown.get(key) != shown:
                self._shown[key] = shown
                self.faults[server] = faults
                self._board.report(server, seen)
                self.on_adopted()
        if seen is None or self.has_seen(server):
            for then in self._waiting.pop(server, ()):
                then()


def _nothing() -> None:
    """Nobody listens yet."""
