"""One request, one answer: a small HTTP client over the wire's own, for the keeper's few questions."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from holdfast.core import HoldfastError
from holdfast.wire import ClientPool, ResponseHead, Spawn, StaleError, Ticket, WireError
from holdfast.world.ports import Address, Network

CONNECT_S = 5.0
CONNECTIONS_MAX = 2
_PORTS = {"http": 80, "https": 443}


class UrlError(HoldfastError):
    """A URL that cannot be asked."""

    code = "app.url-invalid"


class AskError(HoldfastError):
    """The other side did not answer, or answered too much."""

    code = "app.no-answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer."""

    status: int
    content_type: str
    body: bytes
    retry_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where to ask: an address, the ``Host`` it goes by, and the path that every request begins
    with."""

    address: Address
    host: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> "Site":
        """``http://`` or ``https://``, no query; ``UrlError`` for anything else."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError) as error:
            raise UrlError(f"'{url[:100]}' is no http or https URL") from error
        odd = parts.query or parts.fragment or parts.username is not None
        plain = url.isascii() and url.isprintable() and " " not in url
        if not parts.hostname or odd or not plain:
            raise UrlError(
                f"'{url[:100]}' cannot be asked", fix="name scheme, host, port and path only"
            )
        address = Address(host=parts.hostname, port=port, tls=parts.scheme == "https")
        return cls(address=address, host=parts.netloc, prefix=parts.path.rstrip("/"))


class Asker:
    """Asks one site, over connections that are kept."""

    def __init__(self, site: Site, *, network: Network, spawn: Spawn) -> None:
        self._site = site
        self._pool = ClientPool(
            site.address,
            network=network,
            spawn=spawn,
            connections_max=CONNECTIONS_MAX,
            connect_s=CONNECT_S,
        )

    async def post(self, path: str, body: bytes, *, bytes_max: int) -> Reply:
        """The answer; ``AskError`` when there is none. The caller holds a deadline around it.

        It is asked again over a fresh connection when a kept one turned out to be closed: what is
        posted here may be posted twice.
        """
        head = (
            f"POST {self._site.prefix}{path} HTTP/1.1\r\nhost: {self._site.host}\r\n"
            f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        message = head.encode("ascii") + body
        try:
            return await self._send(message, bytes_max=bytes_max, fresh=False)
        except StaleError:
            return await self._send(message, bytes_max=bytes_max, fresh=True)

    async def _send(self, message: bytes, *, bytes_max: int, fresh: bool) -> Reply:
        try:
            return await gathered(self._pool, message, bytes_max=bytes_max, fresh=fresh)
        except StaleError:
            raise
        except WireError as error:
            raise AskError(error.what) from error

    def close(self) -> None:
        """Let go of idle connections."""
        self._pool.close()


async def gathered(
    pool: ClientPool, message: bytes, *, bytes_max: int, fresh: bool = False
) -> Reply:
    """The whole answer to one message; ``WireError`` or ``AskError`` when there is none. The
    caller holds a deadline around it."""
    taker = _Taker(bytes_max)
    ticket = taker.ticket = pool.send(message, taker, fresh=fresh)
    try:
        return await taker.reply
    finally:
        if not taker.reply.done() or taker.reply.cancelled():
            ticket.cancel()


class _Taker:
    """Gathers an answer (a ``wire.Receiver``)."""

    ticket: Ticket

    def __init__(self, bytes_max: int) -> None:
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._bytes_max = bytes_max
        self._status = 0
        self._content_type = self._retry_after = ""
        self._body = b""

    def on_head(self, head: ResponseHead) -> None:
        self._status = head.status
        self._content_type = head.headers.get(b"content-type", b"").decode("ascii", "replace")
        self._retry_after = head.headers.get(b"retry-after", b"").decode("ascii", "replace")

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > self._bytes_max and not self.reply.done():
            error = AskError(f"the answer is larger than {self._bytes_max} bytes")
            self.reply.set_exception(error)
            self.ticket.cancel()

    def on_end(self) -> None:
        if not self.reply.done():
            answer = Reply(
                status=self._status,
                content_type=self._content_type,
                body=self._body,
                retry_after=self._retry_after,
            )
            self.reply.set_result(answer)

    def on_failure(self, error: WireError) -> None:
        if not self.reply.done():
            self.reply.set_exception(error)
