"""Signing in and out: who has shown what, which session that opens, what the log says of it."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from holdfast.core import HoldfastError
from holdfast.faces.entry.buckets import Buckets
from holdfast.faces.entry.comers import Comer
from holdfast.faces.entry.ports import Access, Chronicler, Programs, Providers
from holdfast.faces.entry.sessions import Session, Sessions
from holdfast.faces.entry.tickets import Tickets
from holdfast.faces.errors import (
    NoRoleError,
    SessionUnknownError,
    SignInNeededError,
    SignInRefusedError,
    TooManyError,
)
from holdfast.faces.visitors import Deed, Visitor
from holdfast.identity import b64url
from holdfast.identity.people import Login, LoginStateError
from holdfast.world.ports import Clock, Entropy

LOGIN_S = 600.0
LOGINS_MAX = 256
"""Logins under way at providers; of more the oldest is forgotten."""
TRIES_PER_S = 1 / 6
TRIES_BURST = 10
"""Sign-in attempts of one address."""
ALL_TRIES_PER_S = 2.0
ALL_TRIES_BURST = 60
"""Sign-in attempts of everybody together."""
NOTES_PER_S = 1 / 30
NOTES_BURST = 20
"""Failed sign-ins that the log takes; the next one tells how many were left out."""
SECRET_BYTES = 32

SIGNED_IN, FAILED = "person.signed-in", "person.sign-in-failed"
SIGNED_OUT, ENDED = "person.signed-out", "person.session-ended"
"""The kinds of the changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world of an entrance."""

    clock: Clock
    entropy: Entropy
    access: Access
    providers: Providers
    programs: Programs
    chronicler: Chronicler


class _Begun(msgspec.Struct, frozen=True):
    login: Login
    next: str
    ends: float


class Entrance:
    """``origin`` is the console's own address where it has one fixed name, with no slash at its end;
    ``is_open`` lets whoever reaches it see everything that is shown, and do nothing."""

    def __init__(self, ports: Ports, *, origin: str | None = None, is_open: bool = False) -> None:
        clock, entropy = ports.clock, ports.entropy
        self.clock = clock
        self.sessions = Sessions(clock, entropy)
        self.tickets = Tickets(clock, entropy)
        self.origin = origin
        self.is_open = is_open
        self.providers = ports.providers
        self.programs = ports.programs
        self._access = ports.access
        self._chronicler = ports.chronicler
        self._entropy = entropy
        self._logins: OrderedDict[bytes, _Begun] = OrderedDict()
        self._tries = Buckets(clock, per_s=TRIES_PER_S, burst=TRIES_BURST)
        self._all_tries = Buckets(clock, per_s=ALL_TRIES_PER_S, burst=ALL_TRIES_BURST)
        self._notes = Buckets(clock, per_s=NOTES_PER_S, burst=NOTES_BURST)
        self._untold = 0

    def visitor(self, comer: Comer, *, csrf: str = "") -> Visitor:
        """The same with what policy lets them do now."""
        return Visitor(
            principal=comer.principal,
            name=comer.name,
            groups=comer.groups,
            can=self._access.deeds(comer),
            csrf=csrf,
            way=comer.way,
        )

    def anybody(self) -> Visitor:
        """Whoever has shown nothing."""
        can = frozenset((Deed.VIEW, Deed.INGEST)) if self.is_open else frozenset[Deed]()
        return Visitor(can=can)

    def is_alive(self, session: Session) -> bool:
        """Whether a session is good still. One of somebody who may do nothing any more is not."""
        if self.sessions.is_alive(session) and not self._access.deeds(session.comer):
            self.sessions.end(session)
        return self.sessions.is_alive(session)

    async def by_ticket(
        self, text: str, *, address: str, before: Session | None = None
    ) -> tuple[str, Session]:
        """A session for whom a one-time link was made, and its secret. ``before`` is the browser's
        session until now: it ends."""
        self._try(address)
        by = self.tickets.redeem(text)
        if by is None:
            await self._failed(address, "entry.sign-in-refused")
            raise SignInRefusedError(
                "this link was used already, is too old, or is none of this instance",
                fix="make a new one: holdfast console",
            )
        comer = Comer(kind="Person", principal=by, name=by.rpartition(":")[2], way="link")
        return await self._opened(comer, address=address, before=before)

    async def begin(self, issuer: str, *, after: str, origin: str, address: str) -> tuple[str, str]:
        """A login at a provider: the secret that binds it to the browser, and where to send it."""
        self._try(address)
        login = await self.providers.begin(issuer, f"{origin}/sign-in/callback")
        secret = b64url(self._entropy.secret(SECRET_BYTES))
        ends = self.clock.monotonic() + LOGIN_S
        self._logins[_digest(secret)] = _Begun(login, after, ends)
        if len(self._logins) > LOGINS_MAX:
            self._logins.popitem(last=False)
        return secret, login.url

    async def finish(
        self, secret: str | None, query: str, *, address: str, before: Session | None = None
    ) -> tuple[str, Session, str]:
        """A session for whoever comes back from the provider, its secret, and where to go on."""
        self._try(address)
        key = _digest(secret or "")
        begun = self._logins.pop(key, None)
        if begun is None or self.clock.monotonic() >= begun.ends:
            raise SignInRefusedError(
                "this browser has no sign-in under way", fix="begin anew at /sign-in"
            )
        try:
            comer = await self.providers.finish(begun.login, query)
        except LoginStateError as error:
            # Any page can send this browser here: that must not end a login under way.
            self._logins[key] = begun
            await self._failed(address, error.code)
            raise
        except HoldfastError as error:
            await self._failed(address, error.code)
            raise
        opened, session = await self._opened(comer, address=address, before=before)
        return opened, session, begun.next

    async def sign_out(self, session: Session) -> None:
        """End a session because its owner says so. It ends even if the log cannot be told."""
        self.sessions.end(session)
        await self._chronicler.note(
            SIGNED_OUT, by=session.comer.principal, subject=session.comer.principal
        )

    async def end(self, name: str, *, by: str) -> Session:
        """End somebody's session."""
        for session in self.sessions.list():
            if session.name == name:
                self.sessions.end(session)
                await self._chronicler.note(ENDED, by=by, subject=session.comer.principal)
                return session
        raise SessionUnknownError(
            f"no session '{name[:40]}' is open", fix="list them: holdfast console sessions"
        )

    async def _opened(
        self, comer: Comer, *, address: str, before: Session | None
    ) -> tuple[str, Session]:
        if not self._access.deeds(comer):
            await self._failed(address, "entry.no-role", subject=comer.principal)
            raise NoRoleError(
                f"{comer.principal} may do nothing here",
                fix="give one of their groups a role under `console.roles` in the blueprint",
            )
        await self._chronicler.note(
            SIGNED_IN,
            by=comer.principal,
            subject=comer.principal,
            reason=f"from {address} by {comer.issuer or 'a one-time link'}"[:500],
        )
        if before is not None:
            self.sessions.end(before)
        self._tries.forget(address)
        return self.sessions.open(comer, address=address)

    def _try(self, address: str) -> None:
        wait_s = self._tries.take(address) or self._all_tries.take()
        if wait_s:
            raise TooManyError("too many attempts to sign in", retry_s=wait_s)

    async def _failed(self, address: str, code: str, *, subject: str = "nobody") -> None:
        """Into the log, unless it has been told of many: nobody fills it from outside."""
        if self._notes.take():
            self._untold += 1
            return
        untold, self._untold = self._untold, 0
        reason = f"{code}; {untold} more were not recorded" if untold else code
        await self._chronicler.note(
            FAILED, by=f"address:{address}"[:300], subject=subject[:500], reason=reason
        )

    async def program(self, text: str, *, address: str) -> Comer:
        """Whose token this is. Wrong ones count as attempts to sign in."""
        wait_s = self._tries.wait_s(address)
        if wait_s:
            raise TooManyError("too many tokens that are none", retry_s=wait_s)
        comer = await self.programs.find(text)
        if comer is None:
            self._try(address)
            await self._failed(address, "entry.token")
            raise SignInNeededError(
                "this token is unknown, revoked or over", fix="make one: holdfast console token"
            )
        return comer


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()
