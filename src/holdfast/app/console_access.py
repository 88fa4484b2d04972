"""What ``holdfast console`` does: links, sessions, tokens of programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from holdfast.app import wiring
from holdfast.app.acts import author, new_act
from holdfast.app.control import Request, tell
from holdfast.app.datadir import DataDir
from holdfast.app.instances import NoInstanceError
from holdfast.core import Instant, rfc3339
from holdfast.identity.programs import ProgramTokenStore, new_program_token
from holdfast.world.real import SystemClock, SystemEntropy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.identity.programs import ProgramToken


class ConsoleLink(msgspec.Struct, frozen=True):
    """``sign_in`` is a secret for ten minutes, and good once."""

    sign_in: str


class TokenRow(msgspec.Struct, frozen=True):
    """A program's token as people see it."""

    id: str
    name: str
    role: str
    by: str
    created: str
    ends: str
    revoked: str | None


class TokenMade(msgspec.Struct, frozen=True):
    """``token`` is the secret itself: here, once, and nowhere else."""

    token: str
    about: TokenRow


class SessionShown(msgspec.Struct, frozen=True):
    """Somebody's session at the console."""

    id: str
    principal: str
    name: str
    way: str
    since: str
    address: str
    left_s: int


def new_link(data: DataDir) -> ConsoleLink:
    """A link that signs in whoever runs this, as an administrator."""
    reply = tell(_running(data).control_socket, Request("console-link", by=author()))
    return ConsoleLink(reply.link)


def list_sessions(data: DataDir) -> list[SessionShown]:
    """Who is signed in now."""
    reply = tell(_running(data).control_socket, Request("console-sessions"))
    return [msgspec.json.decode(each, type=SessionShown) for each in reply.sessions]


def end_session(data: DataDir, session: str) -> SessionShown:
    """End somebody's session."""
    asked = Request("console-end", by=author(), session=session)
    (ended,) = tell(_running(data).control_socket, asked).sessions
    return msgspec.json.decode(ended, type=SessionShown)


def make_token(data: DataDir, role: str, *, name: str, days: int) -> TokenMade:
    """A token for a program, in force at once."""
    data.require()
    store = wiring.open_store(data)
    try:
        act = new_act()
        made, text = new_program_token(
            name, role, by=act.by, days=days, now=SystemClock().now(), entropy=SystemEntropy()
        )
        ProgramTokenStore(store).add(made, text, act=act)
    finally:
        store.close()
    return TokenMade(text, _row(made))


def list_tokens(data: DataDir) -> list[TokenRow]:
    """Those that are remembered, newest first."""
    data.require()
    store = wiring.open_store(data)
    try:
        return [_row(each) for each in ProgramTokenStore(store).list()]
    finally:
        store.close()


def revoke_token(data: DataDir, token_id: str) -> TokenRow:
    """Take one out of force at once."""
    data.require()
    store = wiring.open_store(data)
    try:
        return _row(ProgramTokenStore(store).revoke(token_id, act=new_act()))
    finally:
        store.close()


def token_table(rows: Iterable[TokenRow]) -> str:
    found = [
        f"{row.id}  {row.role:<8}  {row.name:<20}  until {row.ends[:10]}"
        + (f"  revoked {row.revoked[:19]}Z" if row.revoked else "")
        for row in rows
    ]
    return "\n".join(found) or "no tokens yet; make one with: holdfast console token --role viewer"


def session_table(rows: Iterable[SessionShown]) -> str:
    found = [
        f"{row.id}  {row.way:<8}  {row.name or row.principal}  from {row.address}  "
        f"since {row.since[:19]}Z"
        for row in rows
    ]
    return "\n".join(found) or "nobody is signed in at the console"


def _running(data: DataDir) -> DataDir:
    if data.instance() is None:
        raise NoInstanceError(
            f"no instance is running on {data.path}", fix="start one with 'holdfast up FILE'"
        )
    return data


def _row(of: ProgramToken) -> TokenRow:
    revoked = rfc3339(Instant(of.revoked)) if of.revoked is not None else None
    return TokenRow(of.id, of.name, of.role, of.by, rfc3339(of.created), rfc3339(of.ends), revoked)
