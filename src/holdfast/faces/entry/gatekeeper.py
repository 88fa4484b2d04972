"""Before every answer: who asks, what they may do, how often. Deny by default."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hmac import compare_digest

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.core import HoldfastError
from holdfast.faces.answering import ProblemPage
from holdfast.faces.entry.buckets import Buckets
from holdfast.faces.entry.entrance import Entrance
from holdfast.faces.entry.safety import (
    FORM_BYTES_MAX,
    FORM_TYPE,
    cookie,
    parse_form,
    sign_in_path,
)
from holdfast.faces.entry.sessions import Session
from holdfast.faces.entry.table import HEALTH, SAFE, Needed, needed
from holdfast.faces.errors import (
    ForgeryError,
    FormError,
    SignInNeededError,
    TooManyError,
    status_of,
)
from holdfast.faces.replies import error_body
from holdfast.faces.visitors import Deed, Visitor, check, set_visitor

COOKIE = "__Host-holdfast"
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
ASKED_PER_S = 300.0
ASKED_BURST = 2_000
"""Requests of one visitor: a session, a program, an address."""
POSTS_PER_S = 1.0
POSTS_BURST = 60
"""Changes of one visitor."""
BODY_S = 15.0
"""What the body of a form may take."""
STREAM_LOOK_S = 2.0
"""How often a stream's visitor is looked at: whether they may still see it."""

_SESSION_KEY = "holdfast.session"


@dataclass(frozen=True, slots=True)
class _Found:
    """Whoever asks; ``key`` is what their requests are counted by, ``until`` returns when what they
    showed is good no longer."""

    visitor: Visitor
    key: str
    session: Session | None = None
    until: Callable[[], Awaitable[None]] | None = None


def session_of(request: Request) -> Session | None:
    """The session of a request."""
    found = request.scope.get(_SESSION_KEY)
    return found if isinstance(found, Session) else None


class Gatekeeper:
    """ASGI middleware, inside the shield."""

    def __init__(self, app: ASGIApp, *, entrance: Entrance, page: ProblemPage) -> None:
        self._app = app
        self._page = page
        clock = entrance.clock
        self._entrance = entrance
        self._asked = Buckets(clock, per_s=ASKED_PER_S, burst=ASKED_BURST)
        self._posts = Buckets(clock, per_s=POSTS_PER_S, burst=POSTS_BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            receive = await self._admit(request, receive)
        except HoldfastError as error:
            await self._refusal(request, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _admit(self, request: Request, receive: Receive) -> Receive:
        """The same way to receive, or one that ends when the visitor's right does."""
        path, method = request.scope["path"], request.method
        if path in HEALTH and method in SAFE:
            return receive
        wanted = needed(method, path)
        found = await self._find(request, is_optional=wanted == "nothing")
        self._count(self._asked, found.key)
        set_visitor(request, found.visitor)
        request.scope[_SESSION_KEY] = found.session
        _check(found, wanted)
        if method not in SAFE:
            if wanted is not Deed.INGEST:  # exporters send as much as there is to tell
                self._count(self._posts, found.key)
            if found.session is not None:
                receive = await self._own_page(request, receive, found.session)
        return receive if found.until is None else _ending(receive, found.until)

    async def _find(self, request: Request, *, is_optional: bool) -> _Found:
        """By ``Authorization``, else by cookie. Whoever shows a token gets no power of a cookie."""
        address = address_of(request)
        said = request.headers.get("authorization")
        if said is not None and not is_optional:
            return await self._program(said, address)
        session = self.session(request)
        if session is None:
            return _Found(self._entrance.anybody(), f"address:{address}")
        visitor = self._entrance.visitor(session.comer, csrf=session.csrf)
        return _Found(
            visitor, f"session:{session.name}", session, lambda: self._over(session, visitor)
        )

    async def _program(self, said: str, address: str) -> _Found:
        scheme, _, token = said.partition(" ")
        if scheme.lower() != "bearer":
            raise SignInNeededError("this takes bearer tokens", fix="Authorization: Bearer TOKEN")
        comer = await self._entrance.program(token.strip(), address=address)
        visitor = self._entrance.visitor(comer)

        async def until() -> None:
            while await self._is_good(token.strip()):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(STREAM_LOOK_S)

        return _Found(visitor, comer.principal, None, until)

    async def _is_good(self, token: str) -> bool:
        try:
            return await self._entrance.programs.find(token) is not None
        except HoldfastError:
            return False

    def session(self, request: Request) -> Session | None:
        """The session that a request's cookie names, if it is good."""
        secret = cookie(request.headers.get("cookie", ""), COOKIE)
        session = self._entrance.sessions.find(secret) if secret else None
        return session if session is not None and self._entrance.is_alive(session) else None

    async def _over(self, session: Session, before: Visitor) -> None:
        """Until the session ends, or policy lets its owner do something else than before."""
        while (
            self._entrance.is_alive(session)
            and self._entrance.visitor(session.comer).can == before.can
        ):
            try:
                async with asyncio.timeout(STREAM_LOOK_S):
                    await session.ended.wait()
            except TimeoutError:
                continue

    def _refusal(self, request: Request, error: HoldfastError) -> Response:
        """For people the way to the sign-in page, or a page that says why not."""
        if not _is_page(request) or isinstance(error, TooManyError):
            return _told(request, error)
        if isinstance(error, SignInNeededError):
            after = request.url.path if request.method in SAFE else "/"
            query = request.url.query if request.method in SAFE else ""
            return RedirectResponse(sign_in_path(after, query), 303)
        return self._page(request, error, status=status_of(error))

    def _count(self, buckets: Buckets, key: str) -> None:
        wait_s = buckets.take(key)
        if wait_s:
            raise TooManyError("too many requests", retry_s=wait_s)

    async def _own_page(self, request: Request, receive: Receive, session: Session) -> Receive:
        """The request must come from a page that we gave to this very session (a synchroniser
        token), and from our origin as far as the browser says."""
        _check_origin(request.headers, self._entrance.origin)
        given = request.headers.get(CSRF_HEADER)
        if given is None and _is_form(request.headers):
            body = await _body(receive)
            given = parse_form(body).get(CSRF_FIELD)
            receive = _again(body, receive)
        if given is None or not compare_digest(given.encode(), session.csrf.encode()):
            raise ForgeryError(
                "the request does not bear the mark of a page of this session",
                fix="reload the page and try again",
            )
        return receive


def _check(found: _Found, wanted: Needed) -> None:
    if wanted == "nothing":
        return
    if wanted != "to be known":
        check(found.visitor, wanted)
    elif found.visitor.principal is None:
        raise SignInNeededError("nobody has signed in", fix="open a link of 'holdfast console'")


def _check_origin(headers: Headers, own: str | None) -> None:
    """Cookies know no ports: a page of another server on this machine sends ours along. Pages here
    have no referrer, so browsers say ``null``; where it comes from stands in Sec-Fetch-Site then."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    is_ours = origin in (None, "null") or origin == own
    is_ours = is_ours or (origin or "").partition("://")[2] == headers.get("host")
    if origin == "null" or site is not None:
        is_ours = is_ours and site == "same-origin"
    if not is_ours:
        raise ForgeryError(
            "the request comes from a page that is not of this console",
            fix="open the console itself",
        )


def _is_form(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == FORM_TYPE


async def _body(receive: Receive) -> bytes:
    try:
        async with asyncio.timeout(BODY_S):
            return await _gathered(receive)
    except TimeoutError as error:
        raise FormError("the form came too slowly", fix="send it again") from error


async def _gathered(receive: Receive) -> bytes:
    body, has_more = bytearray(), True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > FORM_BYTES_MAX:
            raise FormError("the form is too long", fix="send less")
        has_more = message["type"] == "http.request" and message.get("more_body", False)
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """What was read for a look, once more for whom it is meant."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again


def _ending(receive: Receive, until: Callable[[], Awaitable[None]]) -> Receive:
    """Once the body has come, whoever still waits hears that the visitor has left when their right
    ends: a stream ends by that."""
    has_body = False

    async def ending() -> Message:
        nonlocal has_body
        if not has_body:
            message = await receive()
            has_body = not message.get("more_body", False)
            return message
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(_heard(receive))
            over = group.create_task(_wait(until))
            await asyncio.wait((hearing, over), return_when=asyncio.FIRST_COMPLETED)
            hearing.cancel()
            over.cancel()
        if hearing.cancelled():
            return {"type": "http.disconnect"}
        return hearing.result()

    return ending


async def _heard(receive: Receive) -> Message:
    return await receive()


async def _wait(until: Callable[[], Awaitable[None]]) -> None:
    await until()


def address_of(request: Request) -> str:
    return request.client.host if request.client is not None else "unknown"


def _told(request: Request, error: HoldfastError) -> Response:
    """For programs."""
    reply = JSONResponse(error_body(error), status_of(error))
    if isinstance(error, SignInNeededError):
        reply.headers["www-authenticate"] = 'Bearer realm="holdfast"'  # RFC 9110, section 15.5.2
        if request.headers.get("hx-request"):
            reply.headers["hx-redirect"] = "/sign-in"
    if isinstance(error, TooManyError):
        reply.headers["retry-after"] = str(error.retry_s)
    return reply


def _is_page(request: Request) -> bool:
    """Whether a person waits for a page: no path of the API, no fragment, no script's request."""
    return (
        not request.url.path.startswith(("/api/", "/v1/", "/metrics"))
        and "/fragments/" not in request.url.path
        and not request.headers.get("hx-request")
        and "text/html" in request.headers.get("accept", "")
    )
