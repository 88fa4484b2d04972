"""The two addresses on this machine that one login needs: where it begins, and where it comes back.

A login belongs to the browser that began it. It begins at a secret address, once, which gives that
browser a cookie and sends it to the provider; the answer counts only from a browser with the cookie.
So an address of the provider that somebody else made, or passed on, ends here in a refusal.
"""

import asyncio
from collections.abc import Callable
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie

from holdfast.core import HoldfastError
from holdfast.identity import b64url
from holdfast.identity.people import LoginStateError
from holdfast.wire import Exchange, Header, Request, WireLimits
from holdfast.world.ports import Entropy

HOST = "127.0.0.1"
COOKIE = "holdfast_login"
CALLBACK = "/callback"
LOOPBACK_LIMITS = WireLimits(head_bytes=16_384, body_bytes=1_024, connections=16)
_BEGIN = "/begin/"
_SECRET_BYTES = 32

_PLAIN: tuple[Header, ...] = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class LoopbackLogin:
    """A ``wire.Handler`` for one login. ``take`` makes the code of the answer's query."""

    def __init__(
        self, port: int, *, entropy: Entropy, url: str, take: Callable[[str], str]
    ) -> None:
        self._host = f"{HOST}:{port}"
        self._begin = _BEGIN + b64url(entropy.secret(_SECRET_BYTES))
        self._browser = b64url(entropy.secret(_SECRET_BYTES))
        self._url = url
        self._take = take
        self._has_begun = False
        self.code: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def begin_url(self) -> str:
        """What the person opens."""
        return f"http://{self._host}{self._begin}"

    def handle(self, request: Request, exchange: Exchange) -> None:
        path, _, query = request.target.decode("latin-1").partition("?")
        # By another name (DNS rebinding) a page elsewhere could read what is answered here.
        if request.headers.get(b"host", b"").decode("latin-1") != self._host:
            self._say(exchange, 403, "This is not the address of the login.")
        elif request.method != b"GET":
            self._say(exchange, 405, "Only GET is answered.")
        elif compare_digest(path.encode(), self._begin.encode()):
            self._send_off(exchange)
        elif path == CALLBACK:
            self._come_back(request, query, exchange)
        else:
            self._say(exchange, 404, "There is nothing here.")

    def _send_off(self, exchange: Exchange) -> None:
        if self._has_begun:
            self._say(exchange, 403, "This login was begun already. Run the command again.")
            return
        self._has_begun = True
        # Lax: the provider's redirect is a navigation from another site. No __Host- here: that
        # wants TLS, which a loopback address has not.
        cookie = f"{COOKIE}={self._browser}; HttpOnly; SameSite=Lax; Path={CALLBACK}"
        fields = ((b"location", self._url.encode()), (b"set-cookie", cookie.encode()))
        exchange.respond(302, (*fields, *_PLAIN), b"")

    def _come_back(self, request: Request, query: str, exchange: Exchange) -> None:
        if not compare_digest(_cookie(request).encode(), self._browser.encode()):
            self._say(exchange, 403, "This login was begun by another browser.")
            return
        if self.code.done():
            self._say(exchange, 403, "This login is finished.")
            return
        try:
            code = self._take(query)
        except LoginStateError as error:
            # Any page can send this browser here: that must not end a login under way.
            self._say(exchange, 403, error.what)
        except HoldfastError as error:
            self.code.set_exception(error)
            self._say(exchange, 403, error.what)
        else:
            self.code.set_result(code)
            self._say(exchange, 200, "Your answer has arrived. Go back to the command.")

    def _say(self, exchange: Exchange, status: int, text: str) -> None:
        exchange.respond(status, _PLAIN, text.encode() + b"\n")


def _cookie(request: Request) -> str:
    try:
        jar = SimpleCookie(request.headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""
