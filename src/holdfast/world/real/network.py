"""Real sockets, on whichever event loop runs (uvloop in production)."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from holdfast.world.ports import Address, Listener, ListenTls

HANDSHAKE_S = 10.0
"""What a TLS handshake may take."""


class SocketNetwork:
    """TCP, and TLS outwards with the system's trust roots and host names checked."""

    __slots__ = ("_backlog", "_tls")

    def __init__(self, *, backlog: int = 4096) -> None:
        self._backlog = backlog
        self._tls: ssl.SSLContext | None = None

    async def listen(
        self,
        factory: Callable[[], asyncio.Protocol],
        *,
        sock: socket.socket | Address,
        tls: ListenTls | None = None,
    ) -> Listener:
        loop = asyncio.get_running_loop()
        context = _server_context(tls) if tls is not None else None
        handshake_s = HANDSHAKE_S if tls is not None else None
        if isinstance(sock, Address):
            server = await loop.create_server(
                factory,
                host=sock.host,
                port=sock.port,
                backlog=self._backlog,
                ssl=context,
                ssl_handshake_timeout=handshake_s,
            )
        else:
            server = await loop.create_server(
                factory,
                sock=sock,
                backlog=self._backlog,
                ssl=context,
                ssl_handshake_timeout=handshake_s,
            )
        return SocketListener(server, context, tls)

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], *, address: Address
    ) -> asyncio.Protocol:
        loop = asyncio.get_running_loop()
        tls = self._context() if address.tls else None
        transport, protocol = await loop.create_connection(
            factory,
            address.host,
            address.port,
            ssl=tls,
            server_hostname=address.name if address.tls else None,
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


class SocketListener:
    """A listening address."""

    __slots__ = ("_context", "_server", "_tls")

    def __init__(
        self, server: asyncio.Server, context: ssl.SSLContext | None, tls: ListenTls | None
    ) -> None:
        self._server = server
        self._context = context
        self._tls = tls

    def close(self) -> None:
        self._server.close()

    def renew(self) -> None:
        if self._context is not None and self._tls is not None:
            _server_context(self._tls)  # refuses what cannot be used before anything is replaced
            _load(self._context, self._tls)


def _server_context(tls: ListenTls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A session that is resumed need not show its certificate again, and may outlive it.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: ListenTls) -> None:
    # An ssl.SSLError (a key that does not fit, no PEM) is an OSError.
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.clients is not None:
        context.load_verify_locations(tls.clients)
        context.verify_mode = ssl.CERT_OPTIONAL
