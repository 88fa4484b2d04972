"""The control API's paths about the console itself: who I am, sessions, tokens of programs."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field

from holdfast.core import rfc3339
from holdfast.faces.entry import Entrance, Session
from holdfast.faces.replies import ErrorReply
from holdfast.faces.visitors import Deed, Way, require, visitor_of
from holdfast.identity.programs import DAYS_MAX, ProgramToken

DAYS_DEFAULT = 90

Id = Annotated[str, Path(max_length=64)]
ProgramRole = Literal["viewer", "operator", "admin", "ingest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeReply:
    """Who asks, and what policy lets them do. ``csrf`` must stand in ``x-csrf-token`` of whatever a
    session changes."""

    principal: str | None
    name: str
    way: Way
    groups: tuple[str, ...]
    can: tuple[Deed, ...]
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReply:
    """Somebody's session at the console. ``left_s`` is when it ends if nothing more is asked."""

    id: str
    principal: str
    name: str
    way: Way
    since: str
    address: str
    left_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsReply:
    """The open sessions, oldest first."""

    sessions: tuple[SessionReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenForm:
    """What a program is to be let in as."""

    role: ProgramRole
    name: Annotated[str, Field(min_length=1, max_length=63)] = "program"
    days: Annotated[int, Field(ge=1, le=DAYS_MAX)] = DAYS_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReply:
    """A program's token, without its secret."""

    id: str
    name: str
    role: str
    by: str
    created: str
    ends: str
    revoked: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMadeReply:
    """``token`` is the secret itself: here, once, and nowhere else."""

    token: str
    about: TokenReply


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensReply:
    """The tokens that are remembered, newest first."""

    tokens: tuple[TokenReply, ...]


def console_router(entrance: Entrance) -> APIRouter:
    """Every path about sessions and tokens."""
    router = APIRouter(tags=["console"])

    async def me(request: Request) -> MeReply:
        """Who has signed in here, and what they may do."""
        visitor = visitor_of(request)
        return MeReply(
            principal=visitor.principal,
            name=visitor.name,
            way=visitor.way,
            groups=visitor.groups,
            can=tuple(deed for deed in Deed if visitor.may(deed)),
            csrf=visitor.csrf,
        )

    async def sessions(request: Request) -> SessionsReply:
        """Who is signed in."""
        require(request, Deed.ADMINISTER)
        found = entrance.sessions.list()
        return SessionsReply(sessions=tuple(session_reply(entrance, each) for each in found))

    async def end(request: Request, session_id: Id) -> SessionReply:
        """End somebody's session: their streams end with it."""
        by = require(request, Deed.ADMINISTER)
        ended = await entrance.end(session_id, by=by.principal or "")
        return session_reply(entrance, ended)

    async def tokens(request: Request) -> TokensReply:
        """The tokens of programs, ended ones too."""
        require(request, Deed.ADMINISTER)
        return TokensReply(tokens=tuple(map(_token, await entrance.programs.list())))

    async def make(request: Request, form: TokenForm) -> TokenMadeReply:
        """A token for a program; it is shown here and never again."""
        by = require(request, Deed.ADMINISTER)
        made, text = await entrance.programs.make(
            form.name, form.role, days=form.days, by=by.principal or ""
        )
        return TokenMadeReply(token=text, about=_token(made))

    async def revoke(request: Request, token_id: Id) -> TokenReply:
        """Take a token out of force at once."""
        by = require(request, Deed.ADMINISTER)
        return _token(await entrance.programs.revoke(token_id, by=by.principal or ""))

    def add(path: str, endpoint: Any, method: str, summary: str, *statuses: int) -> None:
        fails: dict[int | str, dict[str, Any]] = {
            status: {"model": ErrorReply} for status in (401, 403, 421, 429, 500, *statuses)
        }
        router.add_api_route(path, endpoint, methods=[method], summary=summary, responses=fails)

    add("/api/console/me", me, "GET", "Who am I here?")
    add("/api/console/sessions", sessions, "GET", "Who is signed in")
    add("/api/console/sessions/{session_id}", end, "DELETE", "End a session", 404, 422)
    add("/api/console/tokens", tokens, "GET", "Tokens of programs")
    add("/api/console/tokens", make, "POST", "Make a token", 422)
    add("/api/console/tokens/{token_id}", revoke, "DELETE", "Revoke a token", 404, 422)
    return router


def session_reply(entrance: Entrance, of: Session) -> SessionReply:
    return SessionReply(
        id=of.name,
        principal=of.comer.principal,
        name=of.comer.name,
        way=of.comer.way,
        since=rfc3339(of.at),
        address=of.address,
        left_s=max(0, int(entrance.sessions.left_s(of))),
    )


def _token(of: ProgramToken) -> TokenReply:
    return TokenReply(
        id=of.id,
        name=of.name,
        role=of.role,
        by=of.by,
        created=rfc3339(of.created),
        ends=rfc3339(of.ends),
        revoked=None if of.revoked is None else rfc3339(of.revoked),
    )
