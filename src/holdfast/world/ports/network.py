"""Sockets, as asyncio transports and protocols, so that bytes arrive by callback on both worlds."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

BoundSocket: TypeAlias = socket.socket
"""A socket that the composition root has bound and handed down; only its type is known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to connect: a host name or IP address, a port, and whether TLS guards the way."""

    host: str
    port: int
    tls: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Listener(Protocol):
    """A listening address; connections already accepted are the protocols' own."""

    def close(self) -> None:
        """Stop accepting. Idempotent."""
        ...


class Network(Protocol):
    """Connections in and out. Failures are ``OSError`` (refused, reset, unknown host, in use)."""

    async def listen(
        self, factory: Callable[[], asyncio.Protocol], *, sock: BoundSocket | Address
    ) -> Listener:
        """Accept connections on a bound socket (or, in a simulation, at an address)."""
        ...

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], *, address: Address
    ) -> asyncio.Protocol:
        """Connect; the protocol's ``connection_made`` has run when this returns.

        There is no deadline inside: the caller holds one around it.
        """
        ...
