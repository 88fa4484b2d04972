"""What may be used as it is now: the approved descriptors, ready for a worker's look-ups."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from holdfast.core import Digest, HoldfastError, Instant, NodeId
from holdfast.registry.descriptors import Descriptor, DescriptorKind
from holdfast.registry.suspicions import Suspicion

PinState: TypeAlias = Literal["proposed", "approved", "quarantined", "rejected"]


class Pin(msgspec.Struct, frozen=True):
    """One description of one thing that one server offers, and what was decided about it.

    ``drifted`` is the digest of another description of the same thing that its server showed last:
    what is approved is then not what would be called, so a call is refused until either changes.
    """

    server: NodeId
    descriptor: Descriptor
    state: PinState
    seen: Instant
    drifted: Digest | None = None
    decided: Instant | None = None
    by: str = ""
    why: str = ""
    suspicions: tuple[Suspicion, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Approved, and still what the server offers."""
        return self.state == "approved" and self.drifted is None


class Pins:
    """The approved descriptors of every server. Immutable; a look-up costs one dictionary's."""

    __slots__ = ("_approved", "_by_server")

    def __init__(self, pins: Iterable[Pin] = ()) -> None:
        approved = [pin for pin in pins if pin.state == "approved"]
        approved.sort(key=lambda pin: (pin.server, pin.descriptor.kind, pin.descriptor.name))
        self._approved: Mapping[tuple[NodeId, DescriptorKind, str], Pin] = MappingProxyType(
            {(pin.server, pin.descriptor.kind, pin.descriptor.name): pin for pin in approved}
        )
        by_server: dict[tuple[NodeId, DescriptorKind], list[Pin]] = {}
        for pin in self._approved.values():
            by_server.setdefault((pin.server, pin.descriptor.kind), []).append(pin)
        self._by_server: Mapping[tuple[NodeId, DescriptorKind], tuple[Pin, ...]] = MappingProxyType(
            {key: tuple(found) for key, found in by_server.items()}
        )

    def find(self, server: NodeId, kind: DescriptorKind, name: str) -> Pin | None:
        """The approved pin, also one whose server has changed its mind since (``drifted``)."""
        return self._approved.get((server, kind, name))

    def of(self, server: NodeId, kind: DescriptorKind) -> tuple[Pin, ...]:
        """All that is approved and usable, by name: what a client may be shown."""
        return tuple(pin for pin in self._by_server.get((server, kind), ()) if pin.is_usable)

    def agrees(self, server: NodeId, seen: Descriptor) -> bool:
        """Whether a description that the server shows now is the very one that was approved."""
        pin = self._approved.get((server, seen.kind, seen.name))
        return pin is not None and pin.descriptor.digest == seen.digest

    def encode(self) -> bytes:
        """For the channel from keeper to worker."""
        return _ENCODER.encode(list(self._approved.values()))

    @classmethod
    def decode(cls, data: bytes) -> "Pins":
        """The inverse of ``encode``. ``HoldfastError`` for bytes that are not ours."""
        try:
            return cls(_DECODER.decode(data))
        except msgspec.DecodeError as error:
            raise HoldfastError("the pins from the keeper cannot be read") from error

    def __len__(self) -> int:
        return len(self._approved)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pins) and self._approved == other._approved

    __hash__ = None  # type: ignore[assignment]


class PinBoard:
    """The pins that hold now in a process whose keeper tells it of new ones, and the way back:
    ``report`` tells the keeper what a server shows."""

    __slots__ = ("_tell", "current")

    def __init__(
        self, tell: Callable[[NodeId, tuple[Descriptor, ...]], None] = lambda _server, _seen: None
    ) -> None:
        self.current = Pins()
        self._tell = tell

    def report(self, server: NodeId, seen: Iterable[Descriptor]) -> None:
        """Let the keeper note what ``server`` shows now, where that is not all approved already."""
        unknown = tuple(each for each in seen if self._is_news(server, each))
        if unknown:
            self._tell(server, unknown)

    def _is_news(self, server: NodeId, seen: Descriptor) -> bool:
        pin = self.current.find(server, seen.kind, seen.name)
        return pin is None or not pin.is_usable or pin.descriptor.digest != seen.digest


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(tuple[Pin, ...])
