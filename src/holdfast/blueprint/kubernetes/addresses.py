"""Sets of addresses outside the cluster, as ranges of numbers for IPv4 and IPv6."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from holdfast.blueprint.kubernetes import ranges
from holdfast.blueprint.kubernetes.ranges import Range, Ranges
from holdfast.core import IpAddress

_V4: Ranges = ((0, 2**32 - 1),)
_V6: Ranges = ((0, 2**128 - 1),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Immutable; equal sets are equal."""

    v4: Ranges = ()
    v6: Ranges = ()

    def __bool__(self) -> bool:
        return bool(self.v4 or self.v6)

    def __or__(self, other: "Addresses") -> "Addresses":
        return Addresses(v4=ranges.union(self.v4, other.v4), v6=ranges.union(self.v6, other.v6))

    def __and__(self, other: "Addresses") -> "Addresses":
        return Addresses(
            v4=ranges.intersection(self.v4, other.v4), v6=ranges.intersection(self.v6, other.v6)
        )

    def __sub__(self, other: "Addresses") -> "Addresses":
        return Addresses(
            v4=ranges.difference(self.v4, other.v4), v6=ranges.difference(self.v6, other.v6)
        )

    def contains(self, address: IpAddress) -> bool:
        found = self.v4 if isinstance(address, IPv4Address) else self.v6
        return ranges.contains(found, int(address))

    def __str__(self) -> str:
        if self == EVERY_ADDRESS:
            return "any address"
        return ",".join(
            [
                *(_spelled(IPv4Address(a), IPv4Address(b)) for a, b in self.v4),
                *(_spelled(IPv6Address(a), IPv6Address(b)) for a, b in self.v6),
            ]
        )


def _spelled(low: IpAddress, high: IpAddress) -> str:
    return str(low) if low == high else f"{low}-{high}"


NO_ADDRESS = Addresses()
EVERY_ADDRESS = Addresses(v4=_V4, v6=_V6)


def network(text: str) -> Addresses:
    """The addresses of a CIDR; ``ValueError`` when it is none. Bits past the prefix are ignored, as
    Kubernetes does."""
    found = ip_network(text, strict=False)
    part = _range_of(found)
    return Addresses(v4=(part,)) if found.version == 4 else Addresses(v6=(part,))


def _range_of(found: IPv4Network | IPv6Network) -> Range:
    return int(found.network_address), int(found.broadcast_address)
