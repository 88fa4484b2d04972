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
    """Where to connect: a host name or IP address, a port, and whether TLS guards the way.

    ``name`` is what the certificate must be for, where that is not ``host``: whoever has looked a
    name up connects to the address it found, and still insists on the name.
    """

    host: str
    port: int
    tls: bool = False
    name: str | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenTls:
    """The PEM files that a listener speaks TLS with.

    ``clients`` are roots: a caller may show a certificate that one of them vouches for (mutual
    TLS). One that shows another is refused in the handshake; who shows none is let in, and has to
    prove in its request who it is.
    """

    certificate: str
    key: str
    clients: str | None = None


class Listener(Protocol):
    """A listening address; connections already accepted are the protocols' own."""

    def close(self) -> None:
        """Stop accepting. Idempotent."""
        ...

    def renew(self) -> None:
        """Read the TLS files again, for connections to come. ``OSError`` when they cannot be used:
        what was in force stays."""
        ...


class Network(Protocol):
    """Connections in and out. Failures are ``OSError`` (refused, reset, unknown host, in use)."""

    async def listen(
        self,
        factory: Callable[[], asyncio.Protocol],
        *,
        sock: BoundSocket | Address,
        tls: ListenTls | None = None,
    ) -> Listener:
        """Accept connections on a bound socket (or, in a simulation, at an address).

        ``OSError`` as well when the files of ``tls`` cannot be used.
        """
        ...

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], *, address: Address
    ) -> asyncio.Protocol:
        """Connect; the protocol's ``connection_made`` has run when this returns.

        There is no deadline inside: the caller holds one around it.
        """
        ...
