"""Around every answer: the host must be ours, and a browser may do nothing we did not mean."""

from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.faces.errors import HostRefusedError, status_of
from holdfast.faces.replies import error_body

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_CACHING_DEFAULT = "no-store"


class Shield:
    """ASGI middleware. ``host`` is what the console listens on."""

    def __init__(self, app: ASGIApp, *, host: str) -> None:
        self._app = app
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", _CACHING_DEFAULT)
            await send(message)

        named = Headers(scope=scope).get("host", "")
        if is_ours(named, bound=self._host):
            await self._app(scope, receive, guarded)
            return
        error = HostRefusedError(
            f"the console does not answer for the host '{named[:100]}'",
            fix="use the address that `holdfast up` printed",
        )
        response = JSONResponse(error_body(error), status_of(error))
        await response(scope, receive, guarded)


def is_ours(named: str, *, bound: str) -> bool:
    """May a request name this host? Loopback and the bound one; a name that somebody else's DNS
    points at us (DNS rebinding) is not ours. Bound to every address, any address will do: only
    names can be rebound.
    """
    host = _without_port(named).lower()
    if host in ("localhost", bound.lower()) or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or _is_every_address(bound)


def _without_port(named: str) -> str:
    if named.startswith("["):
        return named[1:].partition("]")[0]
    return named.partition(":")[0]


def _is_every_address(bound: str) -> bool:
    try:
        return ip_address(bound).is_unspecified
    except ValueError:
        return bound == ""
