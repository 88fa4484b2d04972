"""What Holdfast itself fetches by URL: documents of issuers, clients and logs, from hosts that others
may have chosen.

Promises: https only; a name is looked up once and the connection goes to an address that was looked
at, so a name server cannot answer the check and the use differently; nothing private is reached
unless the operator named its origin; redirects are never followed, and nothing of the environment
(proxies) is heeded; size, time and media type of an answer are bounded. Plain http is for loopback
origins that the operator named, and for nothing else.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from holdfast.app.asking import AskError, Reply, gathered
from holdfast.core import (
    HoldfastError,
    Host,
    HostError,
    IpAddress,
    is_public,
    read_address,
    read_host,
)
from holdfast.wire import ClientPool, ConnectError, WireError
from holdfast.world.ports import Address, Names, Network

URL_LENGTH_MAX = 2_048
FETCH_S = 15.0
"""For one fetch, from the look-up to the last byte."""
CONNECT_S = 5.0
ADDRESSES_MAX = 16
"""Addresses of one name that are looked at; a name with more is refused."""
OVERHEAD_BYTES_MAX = 65_536
"""What an answer may have beside its body: head, and the framing of chunks."""
DOCUMENT_BYTES_MAX = 1_048_576
JSON_TYPES = ("application/json",)

_PORTS = {"http": 80, "https": 443}


class FetchRefusedError(HoldfastError):
    """A URL that may not be fetched."""

    code = "fetch.refused"


class FetchError(HoldfastError):
    """The other side did not answer, or not as it must."""

    code = "fetch.failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL taken apart, in the one way that it can be read."""

    scheme: str
    host: Host
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> "Target":
        """``FetchRefusedError`` for what is no plain https or http URL."""
        if not (0 < len(url) <= URL_LENGTH_MAX and url.isascii() and url.isprintable()):
            raise _refused("a URL is empty, too long or not printable ASCII")
        if " " in url or "\\" in url:
            raise _refused(f"'{url[:100]}' has characters no URL may have")
        try:
            parts = urlsplit(url)
            port = parts.port if parts.port is not None else _PORTS[parts.scheme]
            host = read_host(_bare(parts.netloc))
        except (ValueError, KeyError, HostError) as error:
            what = error.what if isinstance(error, HostError) else "scheme, host or port"
            raise _refused(f"'{url[:100]}' cannot be fetched: {what}") from error
        if "@" in parts.netloc or "#" in url or port == 0:
            raise _refused(f"'{url[:100]}' names a user, a fragment or the port 0")
        query = f"?{parts.query}" if parts.query else ""
        return cls(scheme=parts.scheme, host=host, port=port, path=(parts.path or "/") + query)

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """For the ``Host`` field: the port is left out where it is the scheme's own."""
        text = str(self.host)
        shown = f"[{text}]" if ":" in text else text
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"


def _bare(netloc: str) -> str:
    """The host of a URL's authority, brackets and all: ``urlsplit`` would take them off."""
    rest = netloc.rpartition("@")[2]
    if rest.startswith("["):
        return rest[: rest.find("]") + 1]
    return rest.partition(":")[0]


class Fetcher:
    """Fetches. ``named`` are origins that the operator names: they alone may be private."""

    def __init__(self, *, network: Network, names: Names, named: Iterable[str] = ()) -> None:
        self._network = network
        self._names = names
        self._named = frozenset(Target.parse(url).origin for url in named)

    async def get(
        self, url: str, *, types: Iterable[str] = JSON_TYPES, bytes_max: int = DOCUMENT_BYTES_MAX
    ) -> bytes:
        """The document at ``url``: the body of a 200 with one of the media types."""
        reply = await self._fetch("GET", url, {}, b"", types=tuple(types), bytes_max=bytes_max)
        if reply.status != 200:
            raise FetchError(f"{url[:200]} answered with status {reply.status}")
        return reply.body

    async def post_form(
        self,
        url: str,
        form: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        bytes_max: int = DOCUMENT_BYTES_MAX,
    ) -> Reply:
        """The answer, JSON, of whatever status, to a form."""
        body = urlencode(form).encode()
        fields = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        return await self._fetch("POST", url, fields, body, types=JSON_TYPES, bytes_max=bytes_max)

    async def _fetch(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str],
        body: bytes,
        *,
        types: tuple[str, ...],
        bytes_max: int,
    ) -> Reply:
        target = Target.parse(url)
        message = _message(method, target, {"accept": ", ".join(types), **fields}, body)
        try:
            async with asyncio.timeout(FETCH_S):
                addresses = await self._look_up(target)
                reply = await self._send(target, addresses, message, bytes_max=bytes_max)
        except TimeoutError as error:
            raise FetchError(f"{url[:200]} did not answer within {FETCH_S:g} s") from error
        return _judged(url, reply, types)

    async def _look_up(self, target: Target) -> tuple[IpAddress, ...]:
        """The addresses to connect to. One that is not allowed refuses them all: a name that
        points inside and outside at once is an attack or a mistake."""
        is_named = target.origin in self._named
        if target.scheme != "https" and not is_named:
            raise _refused(f"{target.origin} is not https")
        addresses = await self._addresses(target.host)
        for address in addresses:
            if target.scheme != "https" and not address.is_loopback:
                raise _refused(f"{target.origin} is plain http and not on this machine")
            if not (is_named or is_public(address)):
                raise _refused(f"{target.origin} is at {address}, which is no public address")
        return addresses

    async def _addresses(self, host: Host) -> tuple[IpAddress, ...]:
        if not isinstance(host, str):
            return (host,)
        try:
            found = await self._names.addresses(host)
            if not 0 < len(found) <= ADDRESSES_MAX:
                raise _refused(f"{host} has {len(found)} addresses, 1 to {ADDRESSES_MAX} are used")
            return tuple(map(read_address, found))
        except HostError as error:
            raise _refused(f"{host} is at no usable address: {error.what}") from error
        except OSError as error:
            raise FetchError(f"{host} cannot be looked up: {error}") from error

    async def _send(
        self,
        target: Target,
        addresses: tuple[IpAddress, ...],
        message: bytes,
        *,
        bytes_max: int,
    ) -> Reply:
        """To the first address that can be reached; once one was, no other is tried."""
        for address in addresses[:-1]:
            with contextlib.suppress(ConnectError):
                return await self._send_to(address, target, message, bytes_max=bytes_max)
        try:
            return await self._send_to(addresses[-1], target, message, bytes_max=bytes_max)
        except ConnectError as error:
            raise FetchError(f"{target.origin} cannot be reached: {error.what}") from error

    async def _send_to(
        self, address: IpAddress, target: Target, message: bytes, *, bytes_max: int
    ) -> Reply:
        """Over a connection of its own: nothing is shared between fetches."""
        pinned = Address(
            host=str(address),
            port=target.port,
            tls=target.scheme == "https",
            name=str(target.host),
        )
        tasks: set[asyncio.Task[None]] = set()

        def spawn(coroutine: Coroutine[None, None, None]) -> None:
            tasks.add(asyncio.create_task(coroutine))

        pool = ClientPool(
            pinned,
            network=_Metered(self._network, bytes_max + OVERHEAD_BYTES_MAX),
            spawn=spawn,
            connections_max=1,
            connect_s=CONNECT_S,
        )
        try:
            return await gathered(pool, message, bytes_max=bytes_max)
        except ConnectError:
            raise
        except (AskError, WireError) as error:
            raise FetchError(f"{target.origin} did not answer: {error.what}") from error
        finally:
            pool.close()
            for task in tasks:
                task.cancel()


def _message(method: str, target: Target, fields: Mapping[str, str], body: bytes) -> bytes:
    head = {"host": target.authority, **fields, "connection": "close"}
    if body:
        head["content-length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"{method} {target.path} HTTP/1.1\r\n{lines}\r\n".encode("ascii") + body


def _judged(url: str, reply: Reply, types: tuple[str, ...]) -> Reply:
    if 300 <= reply.status < 400:
        raise FetchRefusedError(
            f"{url[:200]} answers with a redirect, and none is followed",
            fix="name the address that it redirects to",
        )
    kind = reply.content_type.partition(";")[0].strip().lower()
    if kind not in types:
        raise FetchError(f"{url[:200]} answered with '{kind[:60]}', not {' or '.join(types)}")
    return reply


def _refused(what: str) -> FetchRefusedError:
    return FetchRefusedError(
        what, fix="only https to public addresses is fetched, and origins that the operator names"
    )


class _Metered:
    """A ``Network`` whose connections end when more than ``bytes_max`` have come, head included."""

    def __init__(self, network: Network, bytes_max: int) -> None:
        self._network = network
        self._bytes_max = bytes_max
        self.listen = network.listen

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], *, address: Address
    ) -> asyncio.Protocol:
        meter = await self._network.connect(
            lambda: _Meter(factory(), self._bytes_max), address=address
        )
        assert isinstance(meter, _Meter)
        return meter.inner


class _Meter(asyncio.Protocol):
    """Counts what arrives for another protocol."""

    _transport: asyncio.BaseTransport

    def __init__(self, inner: asyncio.Protocol, bytes_max: int) -> None:
        self.inner = inner
        self._left = bytes_max
        self._fault: OSError | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left >= 0:
            self.inner.data_received(data)
        elif self._fault is None:
            self._fault = OSError("the answer is larger than is read")
            self._transport.close()

    def eof_received(self) -> bool | None:
        return self.inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        # With a fault, or an answer that ends with its connection would look whole.
        self.inner.connection_lost(exc or self._fault)
