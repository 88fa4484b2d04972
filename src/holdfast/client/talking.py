"""How one request gets its credentials: what is sent, and what is sent again. No I/O.

A conversation yields what to send and is given the answers. It opens a session first and signs by
it; where there is none to be had each request carries a WPT of its own. A request is sent again only
after a refusal that says what was wrong with its proof, and once for each reason: nothing was done
for it then.
"""

import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from holdfast.client.held import Authorized, Held
from holdfast.client.origins import CREDENTIAL_FIELDS
from holdfast.core import Instant
from holdfast.identity import SigningKey, TokenError
from holdfast.identity.proofs import (
    MANDATE_FIELD,
    WIT_FIELD,
    Grant,
    Request,
    open_grant,
    sign_by_session,
)
from holdfast.identity.wimse import make_wpt
from holdfast.world.ports import Clock, Entropy

SESSION_PATH = "/identity/session"
SESSION_MARGIN_S = 5
"""A session is not used for its last seconds, since clocks differ and requests travel."""
SESSION_RETRY_S = 60
"""After a gateway that opens no sessions, before it is asked again."""

Proofs: TypeAlias = Literal["session", "wpt", "mtls"]

_SECOND = 1_000_000
REPLACED_FIELDS = CREDENTIAL_FIELDS | {"authorization", "content-digest"}
"""Taken off a request before its credentials go on. ``Authorization`` because SDKs want some API key
and send it: who shows two identities is refused."""
_SIGNED = frozenset(("content-type", "txn-token"))
# A session that is unknown, and one whose gateway has other secrets now.
_SESSION_GONE = frozenset(("identity.session-unknown", "identity.token-signature"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The developer's request. ``target`` is its path and query; names of headers are in lower
    case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to send: the developer's request with ``headers`` instead of all credentials in it, or,
    where there is a ``path``, a POST of ours."""

    headers: Mapping[str, str] = field(repr=False)
    path: str | None = None
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. ``body`` is there for a step of ours and for a refusal."""

    status: int
    body: bytes = field(default=b"", repr=False)

    def rule(self) -> str:
        """The rule that refused, or nothing."""
        if self.status != 401:
            return ""
        try:
            return msgspec.json.decode(self.body, type=_Refusal).error.code
        except msgspec.DecodeError:
            return ""


class _Error(msgspec.Struct):
    code: str = ""


class _Refusal(msgspec.Struct):
    error: _Error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    name: str
    secret: bytes = field(repr=False)
    expires: Instant
    bound: tuple[str, str, bytes] = field(repr=False)


def _covered(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """The fields that proofs cover beside the credentials."""
    return {k.encode(): v.encode("latin-1") for k, v in headers.items() if k in _SIGNED}


Talk: TypeAlias = Generator[Step, Reply, None]


class Talking:
    """Credentials for one origin, one identity, one mandate; shared by threads and tasks."""

    def __init__(
        self,
        origin: str,
        *,
        take: Callable[[], tuple[Held, Authorized | None]],
        clock: Clock,
        entropy: Entropy,
        proofs: Proofs,
    ) -> None:
        self.origin = origin
        self._take = take
        self._clock = clock
        self._entropy = entropy
        self._proofs = proofs
        self._session: _Session | None = None
        self._ask_at = Instant(0)
        # Held while one request opens a session; the others go by WPT and do not wait.
        self._opening = threading.Lock()

    def talk(self, asked: Asked) -> Talk:
        """The conversation that is one request."""
        held, mandate = self._take()
        session = yield from self._session_for(held, mandate)
        tried: set[str] = set()
        while True:
            reply = yield self._signed(asked, held, mandate, session)
            rule = reply.rule()
            if rule in tried:
                return
            tried.add(rule)
            if rule in _SESSION_GONE and session is not None:
                self._forget(session)
                session = yield from self._session_for(held, mandate)
            else:
                return

    # -- what is sent ------------------------------------------------------------------------

    def _signed(
        self, asked: Asked, held: Held, mandate: Authorized | None, session: _Session | None
    ) -> Step:
        added = {WIT_FIELD: held.wit}
        if mandate is not None:
            added[MANDATE_FIELD] = mandate.chain
        request = Request(
            method=asked.method,
            target=asked.target,
            origins=(self.origin,),
            headers={**_covered(asked.headers), **added},
            body=asked.body,
        )
        added |= self._proof(request, held, session)
        return Step(headers={k.decode(): v.decode("ascii") for k, v in added.items()})

    def _proof(self, request: Request, held: Held, session: _Session | None) -> dict[bytes, bytes]:
        now = self._clock.now()
        if self._proofs == "mtls":  # the connection proves the key
            return {}
        if session is not None:
            return sign_by_session(
                session.secret, session.name, request, now=now, entropy=self._entropy
            )
        wpt = make_wpt(held.key, request, wit=held.wit, now=now, entropy=self._entropy)
        return {b"workload-proof-token": wpt.encode()}

    # -- sessions ----------------------------------------------------------------------------

    def _session_for(
        self, held: Held, mandate: Authorized | None
    ) -> Generator[Step, Reply, _Session | None]:
        """The session in use, a new one, or None: then the request proves itself."""
        if self._proofs != "session":
            return None
        bound = (held.name, held.key.public.thumbprint, b"" if mandate is None else mandate.chain)
        now, session = self._clock.now(), self._session
        if session is not None and session.bound == bound and now < session.expires:
            return session
        if now < self._ask_at or not self._opening.acquire(blocking=False):
            return None
        try:
            self._session = yield from self._open(held, mandate, bound)
            if self._session is None:
                self._ask_at = Instant(self._clock.now() + SESSION_RETRY_S * _SECOND)
            return self._session
        finally:
            self._opening.release()

    def _open(
        self, held: Held, mandate: Authorized | None, bound: tuple[str, str, bytes]
    ) -> Generator[Step, Reply, _Session | None]:
        key = SigningKey.generate(self._entropy)
        asked = Asked(
            method="POST",
            target=SESSION_PATH,
            headers={"content-type": "application/json"},
            body=msgspec.json.encode({"epk": key.public.jwk()}),
        )
        reply = yield self._opener(asked, held, mandate)
        if reply.status != 200:
            return None
        try:
            grant = msgspec.json.decode(reply.body, type=Grant)
            secret = open_grant(grant, key)
        except (msgspec.DecodeError, TokenError):  # something else answers under this path
            return None
        return _Session(
            name=grant.session,
            secret=secret,
            expires=Instant((grant.expires - SESSION_MARGIN_S) * _SECOND),
            bound=bound,
        )

    def _opener(self, asked: Asked, held: Held, mandate: Authorized | None) -> Step:
        signed = self._signed(asked, held, mandate, None)
        return Step(headers={**asked.headers, **signed.headers}, path=SESSION_PATH, body=asked.body)

    def _forget(self, session: _Session) -> None:
        if self._session is session:
            self._session = None

    def __repr__(self) -> str:
        return f"Talking({self.origin}, proofs={self._proofs})"
