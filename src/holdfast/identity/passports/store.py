"""Passports in the database. This module owns the table ``passports``: every version is kept.

A version, the revocation that a state brings with it, and the record for the log are one
transaction: a crash leaves all of them or none.
"""

from typing import cast

import msgspec

from holdfast.audit import Act, Outbox, record_of
from holdfast.core import sha256_digest
from holdfast.identity.jose import PublicKey, SigningKey
from holdfast.identity.passports.errors import (
    PassportError,
    PassportExistsError,
    PassportForgedError,
    PassportUnknownError,
)
from holdfast.identity.passports.passport import (
    Application,
    Passport,
    check_application,
    document,
    open_passport,
    settled,
    sign_passport,
)
from holdfast.identity.passports.states import DONE, Step, next_status
from holdfast.identity.revocation import RevocationStore
from holdfast.world.ports import Store, Transaction

PASSPORTS_MAX = 10_000
PASSPORTS_BYTES_MAX = 8 * 1024 * 1024
"""All passports in their newest versions together: workers hold them in memory."""

CAUSE = "passport"
_TABLE = """
create table if not exists passports (
  sub text not null,
  seq bigint not null,
  token text not null,
  primary key (sub, seq)
)
"""
_NEWEST = "seq = (select max(seq) from passports as other where other.sub = passports.sub)"


class Kept(msgspec.Struct, frozen=True):
    """A passport and the token that proves it."""

    passport: Passport
    token: str


class PassportStore:
    """Make, change, find. Calls block. ``key`` signs new versions; without it one only reads.

    What is read was verified: a row that the key did not sign is a ``PassportForgedError``.
    """

    def __init__(self, store: Store, *, public: PublicKey, key: SigningKey | None = None) -> None:
        self._store = store
        self._public = public
        self._key = key
        self._revocations = RevocationStore(store)
        with store.transaction() as change:
            change.execute(_TABLE)

    def create(self, application: Application, *, act: Act) -> Kept:
        """A first version, active. ``PassportExistsError`` when there is one, revoked ones too."""
        check_application(application)
        with self._store.transaction() as change:
            if self._newest(change, application.sub) is not None:
                raise PassportExistsError(
                    f"{application.sub} has a passport already",
                    fix="make its next version with --replace, or name another agent",
                )
            place = _room(change)
            made = _applied(application, act=act, place=place)
            return self._write(change, made, act=act, kind="passport.created")

    def replace(self, application: Application, *, act: Act) -> Kept:
        """The next version, with another build, tier or authority; the state stays."""
        check_application(application)
        with self._store.transaction() as change:
            old = self._required(change, application.sub)
            status = next_status(old.status, "replace", sub=old.sub)
            made = _applied(application, act=act, place=old.place)
            made = msgspec.structs.replace(made, seq=old.seq + 1, status=status)
            return self._write(change, made, act=act, kind=DONE["replace"])

    def step(self, sub: str, step: Step, *, act: Act) -> Kept:
        """Suspend, resume or revoke. While it is not active its agent is revoked too."""
        with self._store.transaction() as change:
            old = self._required(change, sub)
            status = next_status(old.status, step, sub=sub)
            made = msgspec.structs.replace(
                old, at=act.at, by=act.by, seq=old.seq + 1, status=status
            )
            kept = self._write(change, made, act=act, kind=DONE[step])
            if status == "active":
                # The lift is a change of its own in the log: its id must be another.
                self._revocations.lift_in(
                    change, "agent", sub, act=_second(act, "resumed"), cause=CAUSE
                )
            else:
                self._revocations.revoke_in(
                    change, "agent", sub, act=_second(act, status), cause=CAUSE
                )
            return kept

    def find(self, sub: str) -> Kept:
        """The newest version."""
        with self._store.snapshot() as view:
            rows = view.query(f"select token from passports where sub = ? and {_NEWEST}", (sub,))  # noqa: S608
        if not rows:
            raise _unknown(sub)
        return self._kept(rows[0][0])

    def history(self, sub: str) -> tuple[Kept, ...]:
        """Every version, oldest first."""
        with self._store.snapshot() as view:
            rows = view.query("select token from passports where sub = ? order by seq", (sub,))
        if not rows:
            raise _unknown(sub)
        return tuple(self._kept(row[0]) for row in rows)

    def list(self) -> tuple[Kept, ...]:
        """The newest version of each, by name."""
        with self._store.snapshot() as view:
            rows = view.query(f"select token from passports where {_NEWEST} order by sub")  # noqa: S608
        return tuple(self._kept(row[0]) for row in rows)

    def mark(self) -> int:
        """A number that grows with every version: whether there is anything new."""
        with self._store.snapshot() as view:
            return cast("int", view.query("select count(*) from passports")[0][0])

    def _newest(self, change: Transaction, sub: str) -> Kept | None:
        rows = change.query(f"select token from passports where sub = ? and {_NEWEST}", (sub,))  # noqa: S608
        return self._kept(rows[0][0]) if rows else None

    def _required(self, change: Transaction, sub: str) -> Passport:
        found = self._newest(change, sub)
        if found is None:
            raise _unknown(sub)
        return found.passport

    def _write(self, change: Transaction, made: Passport, *, act: Act, kind: str) -> Kept:
        if self._key is None:
            raise PassportError("there is no key to sign a passport with", fix="name one")
        token = sign_passport(made, self._key)
        change.execute(
            "insert into passports (sub, seq, token) values (?, ?, ?)", (made.sub, made.seq, token)
        )
        digest = sha256_digest(document(made))
        Outbox.add(change, record_of(act, kind=kind, subject=made.sub, digest=digest))
        return Kept(made, token)

    def _kept(self, token: object) -> Kept:
        if not isinstance(token, str):
            raise PassportForgedError("a stored passport is no text", fix="restore a backup")
        return Kept(open_passport(token, self._public), token)


def _applied(application: Application, *, act: Act, place: int) -> Passport:
    build = settled(application.build)
    return Passport(
        at=act.at,
        build=build.digest,
        by=act.by,
        controller=application.controller,
        made_of=build,
        max_mandate=application.authorities(),
        owner=application.owner,
        place=place,
        risk_tier=application.risk_tier,
        seq=1,
        status="active",
        sub=application.sub,
    )


def _room(change: Transaction) -> int:
    """The place of a new passport in the status list; ``PassportError`` when there is none left."""
    rows = change.query(
        f"select count(*), coalesce(sum(length(token)), 0) from passports where {_NEWEST}"  # noqa: S608
    )
    count, size = cast("tuple[int, int]", rows[0])
    if count >= PASSPORTS_MAX or size >= PASSPORTS_BYTES_MAX:
        raise PassportError(
            f"there are {count} passports of {size} bytes already",
            fix=f"at most {PASSPORTS_MAX} of {PASSPORTS_BYTES_MAX} bytes are kept",
        )
    return count


def _second(act: Act, status: str) -> Act:
    return msgspec.structs.replace(
        act, id=f"{act.id}-r", reason=act.reason or f"the passport is {status}"
    )


def _unknown(sub: str) -> PassportUnknownError:
    return PassportUnknownError(
        f"'{sub[:200]}' has no passport", fix="list them with 'holdfast passport list'"
    )
