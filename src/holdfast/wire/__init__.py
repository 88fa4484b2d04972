"""HTTP/1.1 and server-sent events as bytes: a strict server, a pooled client, an event splitter.

The server refuses whatever two parsers could read differently (RFC 9112 section 11); the client
keeps connections alive and hands bytes on as they arrive. Neither knows what a call means.
"""

from holdfast.wire.client import ClientPool, Receiver, ResponseHead, Spawn, Ticket
from holdfast.wire.errors import (
    ConnectError,
    PoolFullError,
    ProtocolError,
    ResetError,
    StaleError,
    WireError,
)
from holdfast.wire.headers import Header, Headers
from holdfast.wire.limits import WireLimits
from holdfast.wire.server import Exchange, Handler, Request, Server
from holdfast.wire.sse import EventSplitter

__all__ = [
    "ClientPool",
    "ConnectError",
    "EventSplitter",
    "Exchange",
    "Handler",
    "Header",
    "Headers",
    "PoolFullError",
    "ProtocolError",
    "Receiver",
    "Request",
    "ResetError",
    "ResponseHead",
    "Server",
    "Spawn",
    "StaleError",
    "Ticket",
    "WireError",
    "WireLimits",
]
