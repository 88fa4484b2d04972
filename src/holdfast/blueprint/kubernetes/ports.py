"""Sets of (protocol, port): what a rule lets through."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.blueprint.kubernetes import ranges
from holdfast.blueprint.kubernetes.ranges import Ranges

Protocol: TypeAlias = Literal["TCP", "UDP", "SCTP"]
PROTOCOLS: tuple[Protocol, ...] = ("SCTP", "TCP", "UDP")
PORT_MIN = 1
PORT_MAX = 65_535
_FULL: Ranges = ((PORT_MIN, PORT_MAX),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """For each transport protocol the ports. Immutable; equal sets are equal."""

    sctp: Ranges = ()
    tcp: Ranges = ()
    udp: Ranges = ()

    def of(self, protocol: Protocol) -> Ranges:
        match protocol:
            case "SCTP":
                return self.sctp
            case "TCP":
                return self.tcp
            case "UDP":
                return self.udp

    def __bool__(self) -> bool:
        return bool(self.sctp or self.tcp or self.udp)

    def __or__(self, other: "Ports") -> "Ports":
        if self is other or not other:
            return self
        return other if not self else _joined(self, other)

    def __and__(self, other: "Ports") -> "Ports":
        if other is EVERY_PORT or self is other:
            return self
        return other if self is EVERY_PORT else _met(self, other)

    def __sub__(self, other: "Ports") -> "Ports":
        if not other:
            return self
        return Ports(
            sctp=ranges.difference(self.sctp, other.sctp),
            tcp=ranges.difference(self.tcp, other.tcp),
            udp=ranges.difference(self.udp, other.udp),
        )

    def contains(self, protocol: Protocol, port: int) -> bool:
        return ranges.contains(self.of(protocol), port)

    def example(self) -> tuple[Protocol, int] | None:
        """One connection of the set, TCP first; None of an empty one."""
        for protocol in ("TCP", "UDP", "SCTP"):
            if found := self.of(protocol):
                return protocol, found[0][0]
        return None

    def __str__(self) -> str:
        if self == EVERY_PORT:
            return "all ports"
        said = (f"{p} {_spelled(self.of(p))}" for p in PROTOCOLS if self.of(p))
        return ", ".join(said) or "none"


def _joined(one: Ports, other: Ports) -> Ports:
    return Ports(
        sctp=ranges.union(one.sctp, other.sctp),
        tcp=ranges.union(one.tcp, other.tcp),
        udp=ranges.union(one.udp, other.udp),
    )


def _met(one: Ports, other: Ports) -> Ports:
    return Ports(
        sctp=ranges.intersection(one.sctp, other.sctp),
        tcp=ranges.intersection(one.tcp, other.tcp),
        udp=ranges.intersection(one.udp, other.udp),
    )


def _spelled(found: Ranges) -> str:
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in found)


NO_PORT = Ports()
EVERY_PORT = Ports(sctp=_FULL, tcp=_FULL, udp=_FULL)


def ports_of(protocol: Protocol, low: int = PORT_MIN, *, high: int | None = None) -> Ports:
    """The ports from ``low`` to ``high`` (one port when left out) of one protocol."""
    found = ranges.of([(low, low if high is None else high)])
    match protocol:
        case "SCTP":
            return Ports(sctp=found)
        case "TCP":
            return Ports(tcp=found)
        case "UDP":
            return Ports(udp=found)


def union_of(parts: Iterable[Ports]) -> Ports:
    found = NO_PORT
    for part in parts:
        found = found | part
    return found
