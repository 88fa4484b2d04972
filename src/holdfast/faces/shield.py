"""Around every answer: the host must be ours, and a browser may do nothing we did not mean."""

import re
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.faces.errors import FacesError, HostRefusedError, OriginRefusedError, status_of
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
    "x-frame-options": "DENY",
    "permissions-policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), "
    "gyroscope=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), usb=()",
}
HSTS = "max-age=31536000"
_SAFE = ("GET", "HEAD")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{0,5})?")
_CACHING_DEFAULT = "no-store"


class Shield:
    """ASGI middleware. ``host`` is what the console listens on, ``origin`` what it is also known by
    (``https://console.example``), behind a proxy."""

    def __init__(self, app: ASGIApp, *, host: str, origin: str | None = None) -> None:
        self._app = app
        self._host = host
        scheme, _, self._known_by = (origin or "").lower().partition("://")
        self._is_https = scheme == "https"

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
                if self._is_secure(scope):
                    headers["strict-transport-security"] = HSTS
            await send(message)

        error = self._refusal(Headers(scope=scope), scope["method"])
        if error is None:
            await self._app(scope, receive, guarded)
            return
        response = JSONResponse(error_body(error), status_of(error))
        await response(scope, receive, guarded)

    def _is_secure(self, scope: Scope) -> bool:
        """Whether the browser came by TLS: to us, or to the proxy in front."""
        named = Headers(scope=scope).get("host", "").lower()
        return scope["scheme"] == "https" or (self._is_https and named == self._known_by)

    def _is_ours(self, named: str) -> bool:
        return is_ours(named, bound=self._host) or (named != "" and named.lower() == self._known_by)

    def _refusal(self, headers: Headers, method: str) -> FacesError | None:
        named = headers.get("host", "")
        if not self._is_ours(named):
            return HostRefusedError(
                f"the console does not answer for the host '{named[:100]}'",
                fix="use the address that `holdfast up` printed",
            )
        # Browsers tell of the page that asks; programs do not. Nothing here is for other pages.
        # A page without referrer has the origin `null` in forms: then Sec-Fetch-Site, which no page
        # can set, says whether it is one of ours.
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        is_foreign = origin not in (None, "null") and not self._is_ours(
            (origin or "").partition("://")[2]
        )
        is_foreign = is_foreign or (origin == "null" and site != "same-origin")
        if is_foreign or (method not in _SAFE and site == "cross-site"):
            return OriginRefusedError(
                f"the console does not answer pages of '{(origin or 'elsewhere')[:100]}'",
                fix="open the console itself, or ask without a browser",
            )
        return None


def is_ours(named: str, *, bound: str) -> bool:
    """May a request name this host? Loopback and the bound one; a name that somebody else's DNS
    points at us (DNS rebinding) is not ours. Bound to every address, any address will do: only
    names can be rebound.
    """
    found = _HOST.fullmatch(named)
    if found is None:
        return False
    host = (found[1] or found[2]).lower()
    if host in ("localhost", bound.lower()) or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or _is_every_address(bound)


def _is_every_address(bound: str) -> bool:
    try:
        return ip_address(bound).is_unspecified
    except ValueError:
        return bound == ""
