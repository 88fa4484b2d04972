"""The way to one MCP server: which revision it speaks, its sessions, and requests over it.

The first request finds out (MCP 2026-07-28, "Backward Compatibility"): ``server/discover`` in the
newest revision; a server that does not know it is greeted with ``initialize``. A server of
2025-11-25 may keep state for whoever greeted it, so each principal greets it for itself: what
another may use of it, and what it answers to another, never meets.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from holdfast.gateway.holding import Hold
from holdfast.gateway.lines.asking import OURSELVES, Ask
from holdfast.gateway.lines.hearing import Whole, ask_whole
from holdfast.gateway.lines.talking import Talk
from holdfast.providers.mcp import (
    LEGACY_ACCEPTED,
    METHOD_NOT_FOUND,
    UNSUPPORTED_VERSION,
    McpAnswer,
    McpError,
    McpRequest,
    Revision,
    read_answer,
    write_cancelled,
    write_error,
    write_initialize,
    write_notification,
    write_request,
    write_result,
)
from holdfast.wire import ConnectError, PoolFullError, Receiver, Spawn, WireError

GREETING_S: Final = 10.0
"""How long a server may take to say which revision it speaks, or to open a session."""
SESSIONS_MAX: Final = 1024
"""At one server of 2025-11-25 and worker; the one that was used longest ago is given up."""
_MODERN: Final = Revision.V2026_07_28
_LEGACY: Final = Revision.V2025_11_25


class Pool(Protocol):
    """Where messages go: a ``wire.ClientPool``, or a program's input."""

    def send(self, message: bytes, receiver: Receiver, *, fresh: bool = False) -> Hold: ...

    def close(self) -> None: ...


class Road(Protocol):
    """How a transport does what both can do. ``is_told_of_cancels``: a server of 2025-11-25 hears
    in words that nobody waits any more, for a connection that is cut does not say it."""

    is_told_of_cancels: bool

    def pool(self, on_change: Callable[[str], None]) -> Pool:
        """A pool for a session; for HTTP the one that all share. ``on_change`` hears the methods of
        notifications that belong to no request."""
        ...

    def number(self, pool: Pool) -> int:
        """An id for the next request: ours, so that no two principals' can meet."""
        ...

    def frame(
        self, message: bytes, ask: Ask | None, revision: Revision, session: bytes | None
    ) -> bytes:
        """The bytes that go to the pool."""
        ...

    def leave(self, session: "Session") -> None:
        """A session is given up."""
        ...

    def listen(self, session: "Session") -> bytes | None:
        """What asks a server of 2025-11-25 to say what changed; None when it says so unasked."""
        ...


class Session:
    """What one principal has at a server of 2025-11-25."""

    __slots__ = ("id", "is_open", "pool", "principal", "waiting")

    def __init__(self, principal: str, pool: Pool) -> None:
        self.principal = principal
        self.pool = pool
        self.id: bytes | None = None
        self.is_open = False
        self.waiting: list[Talk] = []


class Line:
    """One server's line. ``on_change`` hears the methods of its list-changed notifications."""

    def __init__(self, road: Road, *, spawn: Spawn) -> None:
        self.on_change: Callable[[str], None] = _ignore
        self._road = road
        self._spawn = spawn
        self._pool = road.pool(self.told)
        self._sessions: dict[str, Session] = {}
        self._waiting: list[Talk] = []
        self.revision: Revision | None = None

    def send(self, ask: Ask, receiver: Receiver, *, fresh: bool = False) -> Hold:
        """Ask the server. Every failure comes through ``receiver.on_failure``."""
        talk = Talk(self, ask, receiver, fresh=fresh)
        self._go(talk)
        return talk

    @property
    def pool(self) -> Pool:
        """Where what no session needs goes."""
        return self._pool

    def close(self) -> None:
        """Give up every session, and what idles."""
        for session in self._sessions.values():
            self._road.leave(session)
            if session.pool is not self._pool:
                session.pool.close()
        self._sessions.clear()
        self._pool.close()

    def listening(self) -> tuple[Pool, bytes] | None:
        """What to send, and where, to hear of changes from a server of 2025-11-25."""
        session = self._sessions.get(OURSELVES)
        if session is None or not session.is_open:
            return None
        message = self._road.listen(session)
        return None if message is None else (session.pool, message)

    # -- the talk's way -------------------------------------------------------------------------

    def _go(self, talk: Talk) -> None:
        if self.revision is None:
            self._waiting.append(talk)
            if len(self._waiting) == 1:
                self._spawn(self._find_out())
        elif self.revision.is_stateless:
            self._put(talk, self._pool, _MODERN, None)
        else:
            session = self._session(talk.ask.principal)
            if session.is_open:
                self._put(talk, session.pool, _LEGACY, session)
            else:
                session.waiting.append(talk)

    def _put(self, talk: Talk, pool: Pool, revision: Revision, session: Session | None) -> None:
        if talk.is_over:
            return
        try:
            number = talk.number = self._road.number(pool)
        except McpError as error:
            asyncio.get_running_loop().call_soon(talk.fail, PoolFullError(error.what))
            return
        ask, talk.session = talk.ask, session
        message = write_request(
            number, ask.method, params=ask.params, asking=ask.told(revision, number)
        )
        known = session.id if session is not None else None
        talk.ticket = pool.send(
            self._road.frame(message, ask, revision, known), talk, fresh=talk.fresh
        )

    def _session(self, principal: str) -> Session:
        session = self._sessions.pop(principal, None)
        if session is None:
            if len(self._sessions) >= SESSIONS_MAX:
                self._give_up(self._sessions.pop(next(iter(self._sessions))))
            pool = self._pool if principal == OURSELVES else self._road.pool(self.told)
            session = Session(principal, pool)
            self._spawn(self._open(session))
        self._sessions[principal] = session  # now the one used last
        return session

    def _give_up(self, session: Session) -> None:
        self._road.leave(session)
        if session.pool is not self._pool:
            session.pool.close()

    # -- finding out ----------------------------------------------------------------------------

    async def _find_out(self) -> None:
        problem: WireError | None = None
        try:
            async with asyncio.timeout(GREETING_S):
                self.revision = await self._revision()
        except (TimeoutError, WireError, McpError) as error:
            problem = _unmet(error)
        waiting, self._waiting = self._waiting, []
        for talk in waiting:
            self._resume(talk, problem)

    async def _revision(self) -> Revision:
        ask = Ask(method="server/discover", params={})
        number = self._road.number(self._pool)
        message = write_request(number, ask.method, params={}, asking=ask.told(_MODERN, number))
        whole = await self._whole(self._pool, self._road.frame(message, ask, _MODERN, None))
        answer = whole.answer(number)
        if answer is None:
            if whole.status in (401, 403, 408, 429) or whole.status >= 500:
                raise ConnectError(f"the server answers {whole.status} to server/discover")
            return _LEGACY
        return _spoken(answer)

    async def _open(self, session: Session) -> None:
        problem: WireError | None = None
        try:
            async with asyncio.timeout(GREETING_S):
                await self._greet(session)
        except (TimeoutError, WireError, McpError) as error:
            problem = _unmet(error)
        if problem is None:
            session.is_open = True
        elif self._sessions.get(session.principal) is session:
            del self._sessions[session.principal]
            self._give_up(session)
        waiting, session.waiting = session.waiting, []
        for talk in waiting:
            self._resume(talk, problem)

    async def _greet(self, session: Session) -> None:
        number, road = self._road.number(session.pool), self._road
        ask = Ask(method="initialize", params={}, principal=session.principal)
        message = write_initialize(number, asking=ask.told(_LEGACY, number))
        whole = await self._whole(session.pool, road.frame(message, ask, _LEGACY, None))
        answer = whole.answer(number)
        if answer is None or answer.result is None:
            raise ConnectError(f"the server answers {whole.status} to initialize")
        version = answer.result.get("protocolVersion")
        if version not in LEGACY_ACCEPTED:
            raise ConnectError(f"the server speaks {version!r}, which Holdfast does not")
        session.id = whole.headers.get(b"mcp-session-id")
        note = write_notification("notifications/initialized")
        await self._whole(session.pool, road.frame(note, None, _LEGACY, session.id))

    async def _whole(self, pool: Pool, message: bytes) -> Whole:
        return await ask_whole(pool, message)

    def _resume(self, talk: Talk, problem: WireError | None) -> None:
        if talk.is_over:
            return
        if problem is None:
            self._go(talk)
        else:
            talk.fail(problem)

    # -- what a talk tells (``talking.Party``) --------------------------------------------------

    def asked(self, talk: Talk, request: McpRequest) -> None:
        """A server of 2025-11-25 may ping; all else we never said that we could."""
        session = talk.session
        if not isinstance(session, Session):
            return
        if request.method == "ping":
            answer = write_result(request.id, {}, revision=_LEGACY)
        else:
            what = "Holdfast answers no requests of servers"
            answer = write_error(request.id, METHOD_NOT_FOUND, what)
        self._tell(session, answer)

    def told(self, method: str) -> None:
        self.on_change(method)

    def turned_away(self, talk: Talk, status: int, body: bytes) -> bool:
        """A session that the server has ended is opened anew, once; so is the question of its
        revision asked anew when it says that it speaks another."""
        session = talk.session
        if talk.fresh:
            return False
        if isinstance(session, Session) and session.id is not None and status == 404:
            if self._sessions.get(session.principal) is session:
                del self._sessions[session.principal]
        elif status == 400 and self.revision is not None and _is_of_another(body):
            self.revision = None
        else:
            return False
        talk.renew()
        talk.fresh = True
        self._go(talk)
        return True

    def taken_back(self, talk: Talk) -> None:
        """Told in words where cutting the connection does not say it (2025-11-25)."""
        session = talk.session
        told = self._road.is_told_of_cancels
        if told and isinstance(session, Session) and talk.ticket is not None:
            self._tell(session, write_cancelled(talk.number, "the caller does not wait any more"))

    def _tell(self, session: Session, message: bytes) -> None:
        framed = self._road.frame(message, None, _LEGACY, session.id)
        session.pool.send(framed, _Nobody())


class _Nobody:
    """What a server answers to what is no question."""

    def on_head(self, head: object) -> None: ...

    def on_body(self, data: bytes) -> None: ...

    def on_end(self) -> None: ...

    def on_failure(self, error: WireError) -> None: ...


def _spoken(answer: McpAnswer) -> Revision:
    """The newest revision that both speak."""
    versions: object = None
    if answer.result is not None:
        versions = answer.result.get("supportedVersions")
    elif answer.fault is not None and answer.fault.code == UNSUPPORTED_VERSION:
        data = answer.fault.data
        versions = data.get("supported") if isinstance(data, dict) else None
    if not isinstance(versions, list) or _MODERN.value not in versions:
        return _LEGACY
    return _MODERN


def _is_of_another(body: bytes) -> bool:
    try:
        fault = read_answer(body).fault
    except McpError:
        return False
    return fault is not None and fault.code == UNSUPPORTED_VERSION


def _unmet(error: Exception) -> WireError:
    """The server could not be greeted, so nothing of the call was sent to it."""
    if isinstance(error, ConnectError):
        return error
    what = error.what if isinstance(error, WireError | McpError) else "it took too long"
    return ConnectError(f"the server could not be greeted: {what}")


def _ignore(_method: str) -> None:
    """Nobody listens yet."""
