"""Real sockets, on whichever event loop runs (uvloop in production)."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from holdfast.world.ports import Address, Listener


class SocketNetwork:
    """TCP, and TLS outwards with the system's trust roots and host names checked."""

    __slots__ = ("_backlog", "_tls")

    def __init__(self, *, backlog: int = 4096) -> None:
        self._backlog = backlog
        self._tls: ssl.SSLContext | None = None

    async def listen(
        self, factory: Callable[[], asyncio.Protocol], *, sock: socket.socket | Address
    ) -> Listener:
        loop = asyncio.get_running_loop()
        if isinstance(sock, Address):
            return await loop.create_server(
                factory, host=sock.host, port=sock.port, backlog=self._backlog
            )
        return await loop.create_server(factory, sock=sock, backlog=self._backlog)

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], *, address: Address
    ) -> asyncio.Protocol:
        loop = asyncio.get_running_loop()
        tls = self._context() if address.tls else None
        transport, protocol = await loop.create_connection(
            factory, address.host, address.port, ssl=tls
        )
        sock = transport.get_extra_info("socket")
        if sock is not None:
            # Nagle against delayed acknowledgements costs 40 ms a chunk (seen in a peer).
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return protocol

    def _context(self) -> ssl.SSLContext:
        # Made on first use: loading the trust store takes 20 ms that plain upstreams never need.
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls
