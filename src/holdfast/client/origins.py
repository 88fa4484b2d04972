"""Where credentials go, and nowhere else: one origin, which the developer named.

An HTTP client that follows a redirect copies the request's fields to wherever it leads, all but
``Authorization``. So what must not leave is taken off a request for another origin, and, where a
client is not ours to look after, stops the request before its first byte is sent.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

from holdfast.client.errors import OriginError

CREDENTIAL_FIELDS = frozenset(
    (
        "workload-identity-token",
        "workload-proof-token",
        "holdfast-mandate",
        "signature",
        "signature-input",
        "dpop",
    )
)

_FIX = "name the gateway as https://host or http://host:port"
_PORTS = {"http": 80, "https": 443}
_NAMES = frozenset(name.encode() for name in CREDENTIAL_FIELDS)
_SENDING = ".send_request_headers.started"


def origin_of(url: str) -> str:
    """``scheme://host[:port]`` in its one spelling; ``OriginError`` for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise OriginError(f"'{url}' is no address", fix=_FIX) from error
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or parts.username is not None:
        raise OriginError(f"'{url}' is no address of a gateway", fix=_FIX)
    bare = f"[{host}]" if ":" in host else host
    named = "" if port in {None, _PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{bare}{named}"


def is_at(origin: str, scheme: str, authority: str) -> bool:
    """Whether a request goes to ``origin``."""
    try:
        return origin_of(f"{scheme}://{authority}") == origin
    except OriginError:
        return False


class _Address(Protocol):
    """An URL of httpcore's."""

    @property
    def scheme(self) -> bytes: ...
    @property
    def host(self) -> bytes: ...
    @property
    def port(self) -> int | None: ...
    @property
    def target(self) -> bytes: ...


class Leaving(Protocol):
    """A request of httpcore's, about to be written."""

    @property
    def url(self) -> _Address: ...
    @property
    def headers(self) -> Iterable[tuple[bytes, bytes]]: ...


def check_leaving(event: str, leaving: Mapping[str, Leaving], origin: str) -> None:
    """For the ``trace`` extension of httpcore: ``OriginError`` when credentials would leave."""
    request = leaving.get("request") if event.endswith(_SENDING) else None
    if request is None or not any(name.lower() in _NAMES for name, _ in request.headers):
        return
    if _destination(request.url) != origin:
        raise OriginError(
            "a redirect would take the credentials to another origin; nothing was sent there",
            fix="do not follow redirects, or use a client that this identity makes",
        )


def _destination(url: _Address) -> str:
    if not url.target.startswith(b"/"):  # absolute: what a proxy is asked for (RFC 9112, 3.2.2)
        return origin_of(url.target.decode("ascii", "replace"))
    port = "" if url.port is None else f":{url.port}"
    host = url.host.decode("ascii", "replace")
    bare = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return origin_of(f"{url.scheme.decode()}://{bare}{port}")
