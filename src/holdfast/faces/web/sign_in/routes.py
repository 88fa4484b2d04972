"""``/sign-in`` and ``/sign-out``."""

from fastapi import FastAPI
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from holdfast.core import HoldfastError
from holdfast.faces.entry import (
    COOKIE,
    Entrance,
    address_of,
    cookie,
    read_form,
    safe_next,
    session_of,
)
from holdfast.faces.errors import TooManyError, status_of
from holdfast.faces.shield import is_ours
from holdfast.faces.visitors import visitor_of
from holdfast.faces.web.shell import Shell
from holdfast.faces.web.sign_in.views import SignInView, provider_links

LOGIN_COOKIE = "__Host-holdfast-login"
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
"""Lax, not Strict: the way back from a provider, and a link in a message, are navigations from
elsewhere. Whatever changes something bears the page's own mark besides."""
_GONE = f"{_ATTRIBUTES}; Max-Age=0"


class SignIn:
    """The page, and what its buttons do."""

    def __init__(self, shell: Shell, entrance: Entrance) -> None:
        self._shell = shell
        self._entrance = entrance

    async def page(self, request: Request) -> Response:
        """The ways in. A one-time link is not spent by being looked at: its button spends it."""
        asked = request.query_params
        return self._page(request, ticket=asked.get("token", "")[:100], after=asked.get("next", ""))

    async def by_link(self, request: Request) -> Response:
        """The button: a session, or the page again with what was wrong."""
        form = await read_form(request)
        after = form.get("next", "")
        try:
            secret, _ = await self._entrance.by_ticket(
                form.get("token", ""), address=address_of(request), before=session_of(request)
            )
        except HoldfastError as error:
            return self._page(request, after=after, error=error)
        return _signed_in(secret, after)

    async def begin(self, request: Request) -> Response:
        """Off to a provider."""
        asked = request.query_params
        own = self._entrance.origin
        if own is not None and URL(own).netloc != request.headers.get("host"):
            # The provider sends the browser back there, so its cookie must be of there.
            return RedirectResponse(f"{own}/sign-in/begin?{request.url.query}", 303)
        try:
            secret, url = await self._entrance.begin(
                asked.get("issuer", ""),
                after=safe_next(asked.get("next", "")),
                origin=own or f"{request.url.scheme}://{request.headers['host']}",
                address=address_of(request),
            )
        except HoldfastError as error:
            return self._page(request, error=error)
        reply = RedirectResponse(url, 303)
        reply.headers.append("set-cookie", f"{LOGIN_COOKIE}={secret}; {_ATTRIBUTES}")
        return reply

    async def callback(self, request: Request) -> Response:
        """Back from a provider."""
        secret = cookie(request.headers.get("cookie", ""), LOGIN_COOKIE)
        try:
            opened, _, after = await self._entrance.finish(
                secret,
                request.url.query,
                address=address_of(request),
                before=session_of(request),
            )
        except HoldfastError as error:
            return self._page(request, error=error)
        reply = _signed_in(opened, after)
        reply.headers.append("set-cookie", f"{LOGIN_COOKIE}=; {_GONE}")
        return reply

    async def sign_out(self, request: Request) -> Response:
        session = session_of(request)
        reply = RedirectResponse("/sign-in", 303)
        reply.headers.append("set-cookie", f"{COOKIE}=; {_GONE}")
        reply.headers["clear-site-data"] = '"cache", "storage"'
        if session is not None:
            await self._entrance.sign_out(session)
        return reply

    def _page(
        self,
        request: Request,
        *,
        ticket: str = "",
        after: str = "",
        error: HoldfastError | None = None,
    ) -> Response:
        host = request.headers.get("host", "")
        visitor = visitor_of(request)
        view = SignInView(
            ticket=ticket,
            next=safe_next(after),
            providers=provider_links(self._entrance.providers.issuers(), safe_next(after)),
            version=self._shell.hints.version,
            visitor=visitor.name or visitor.principal,
            csrf=visitor.csrf,
            is_plain=request.url.scheme != "https"
            and not (self._entrance.origin or "").startswith("https://")
            and not is_ours(host, bound="localhost"),
            is_open=self._entrance.is_open,
            error=error,
        )
        page = self._shell.fragment("sign_in/page.html", view=view)
        reply = HTMLResponse(page, 200 if error is None else status_of(error))
        if isinstance(error, TooManyError):
            reply.headers["retry-after"] = str(error.retry_s)
        return reply


def _signed_in(secret: str, after: str) -> Response:
    reply = RedirectResponse(safe_next(after), 303)
    reply.headers.append("set-cookie", f"{COOKIE}={secret}; {_ATTRIBUTES}")
    return reply


def add_sign_in(app: FastAPI, shell: Shell, entrance: Entrance) -> None:
    """The paths of signing in and out."""
    made = SignIn(shell, entrance)
    for path, endpoint, method in (
        ("/sign-in", made.page, "GET"),
        ("/sign-in", made.by_link, "POST"),
        ("/sign-in/begin", made.begin, "GET"),
        ("/sign-in/callback", made.callback, "GET"),
        ("/sign-out", made.sign_out, "POST"),
    ):
        app.add_api_route(
            path, endpoint, methods=[method], include_in_schema=False, response_model=None
        )
