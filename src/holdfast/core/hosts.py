"""Hosts and addresses as URLs name them: one spelling each, and which of them are public.

A host is a DNS name or an address in its one canonical form. Everything that some other reader
would take for an address (``2130706433``, ``0177.0.0.1``, ``0x7f.1``, ``127.1``) is refused, for
what was checked must be what is connected to.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from holdfast.core.errors import HoldfastError

HOST_LENGTH_MAX = 253

IpAddress: TypeAlias = IPv4Address | IPv6Address
Host: TypeAlias = str | IPv4Address | IPv6Address
"""A name in lower case, or an address."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# WHATWG URL, "ends in a number": such a host is an address to browsers and to C libraries.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

# The IANA registries of special-purpose addresses; what is there is not the public internet.
_SPECIAL_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT; also clouds' metadata (100.100.100.200)
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # a cloud's host and metadata, in public clothes
            "169.254.0.0/16",  # link-local; clouds' metadata (169.254.169.254)
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
"""All that is given out to the internet. Loopback, mapped, link-local, unique-local and multicast
addresses lie outside."""
_SPECIAL_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: carries any IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


class HostError(HoldfastError):
    """Not a host name or address in its canonical form."""

    code = "host.invalid"


def read_host(text: str) -> Host:
    """The host of a URL; an IPv6 address stands in brackets. ``HostError`` for every other form."""
    if text.startswith("[") and text.endswith("]"):
        return _address_6(text[1:-1])
    name = text.lower()
    labels = name.split(".")
    if len(name) > HOST_LENGTH_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise HostError(
            f"{text[:100]!a} is no host", fix="name it in ASCII, without a dot at the end"
        )
    if _NUMBER.fullmatch(labels[-1]):
        return _address_4(name)
    return name


def _address_4(text: str) -> IPv4Address:
    try:
        address = IPv4Address(text)
    except ValueError:
        address = None
    if address is None or str(address) != text:
        raise HostError(
            f"'{text[:100]}' is an address in a form that readers disagree about",
            fix="write IPv4 addresses as four decimal numbers without leading zeros",
        )
    return address


def _address_6(text: str) -> IPv6Address:
    try:
        address = IPv6Address(text)
    except ValueError:
        address = None
    if address is None or address.scope_id is not None:
        raise HostError(
            f"{text[:100]!a} is no IPv6 address", fix="write it in brackets, without a zone"
        )
    return address


def read_address(text: str) -> IpAddress:
    """An address as a resolver gives it; ``HostError`` when it is none, or has a zone."""
    host = read_host(f"[{text}]" if ":" in text else text)
    if isinstance(host, str):
        raise HostError(f"'{text[:100]}' is no address")
    return host


def is_public(address: IpAddress) -> bool:
    """Whether the address is on the public internet, whatever it is wrapped in."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _SPECIAL_6)
