"""Revocations in the database. This module owns ``revocations`` and ``revocation_feed``.

A revocation, its change of the feed and its record for the log are one transaction: a crash leaves
all of them or none.
"""

from typing import cast

import msgspec

from holdfast.audit import Act, Outbox, record_of
from holdfast.core import Instant
from holdfast.identity.revocation.errors import (
    FeedForkError,
    RevocationError,
    RevocationFinalError,
    RevocationUnknownError,
)
from holdfast.identity.revocation.feed import GENESIS, FeedState, Item, Op, head_after
from holdfast.identity.revocation.held import Held, RevocationSet
from holdfast.identity.revocation.subjects import FINAL_KINDS, Kind, checked
from holdfast.world.ports import Row, Store, Transaction

REVOCATIONS_MAX = 50_000
"""In force at once."""
MANDATE_HELD_S = 24 * 3600
"""A mandate lives minutes; a revoked one is forgotten when it must long have expired."""
LAPSES_MAX = 1_000
LISTED_MAX = 10_000
"""Rows that a listing gives, the newest first."""

_TABLES = (
    """
create table if not exists revocations (
  id text primary key,
  kind text not null,
  name text not null,
  reason text not null,
  author text not null,
  at bigint not null,
  cause text not null,
  ends bigint,
  lifted bigint,
  lifted_by text
)
""",
    """
create table if not exists revocation_feed (
  seq bigint primary key,
  item text not null,
  head text not null
)
""",
)
_COLUMNS = "id, kind, name, reason, author, at, cause, ends, lifted, lifted_by"


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """One revocation as it is remembered. ``cause`` says what else ends it: ``passport`` when only
    the passport's resumption does. ``ends`` is when it lapses by itself."""

    id: str
    kind: Kind
    name: str
    reason: str
    by: str
    at: Instant
    cause: str = ""
    ends: Instant | None = None
    lifted: Instant | None = None
    lifted_by: str | None = None


class RevocationStore:
    """Revoke, lift, list, and what the feed says. Calls block; every change is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        Outbox(store)
        with store.transaction() as change:
            for table in _TABLES:
                change.execute(table)

    def revoke(self, kind: str, name: str, *, act: Act) -> Revocation:
        """From now on nothing of this subject is accepted. Revoking again gives the one in force.

        ``RevocationError`` when the subject is malformed or too much is revoked. A crash right
        after leaves it in force: the keeper finds it in the feed within a second.
        """
        known, name = checked(kind, name)
        with self._store.transaction() as change:
            return self.revoke_in(change, known, name, act=act)

    def revoke_in(
        self, change: Transaction, kind: Kind, name: str, *, act: Act, cause: str = ""
    ) -> Revocation:
        """The same as part of another's transaction, which has checked the subject."""
        rows = change.query(
            f"select {_COLUMNS} from revocations "  # noqa: S608
            "where kind = ? and name = ? and cause = ? and lifted is null",
            (kind, name, cause),
        )
        if rows:
            return _revocation(rows[0])
        (count,) = change.query("select count(*) from revocations where lifted is null")[0]
        if cast("int", count) >= REVOCATIONS_MAX:
            raise RevocationError(
                f"{count} revocations are in force already",
                fix="lift those that are no longer needed, or revoke a tenant or controller whole",
            )
        ends = Instant(act.at + MANDATE_HELD_S * 1_000_000) if kind == "mandate" else None
        made = Revocation(
            id=act.id,
            kind=kind,
            name=name,
            reason=act.reason,
            by=act.by,
            at=act.at,
            cause=cause,
            ends=ends,
        )
        change.execute(
            f"insert into revocations ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (made.id, kind, name, act.reason, act.by, act.at, cause, ends, None, None),
        )
        self._append(change, made, "revoke", act=act, record="revocation.made")
        return made

    def lift(self, revocation_id: str, *, act: Act) -> Revocation:
        """Take a revocation back. ``RevocationFinalError`` for a key, a mandate, and for one that
        a passport's state holds; lifting again changes nothing."""
        with self._store.transaction() as change:
            found = _find(change, revocation_id)
            if found.kind in FINAL_KINDS:
                raise RevocationFinalError(
                    f"the revocation of a {found.kind} is final", fix="issue a new one"
                )
            if found.cause:
                raise RevocationFinalError(
                    f"the {found.cause} of {found.name} holds this revocation",
                    fix=f"use 'holdfast {found.cause} resume', where that is still possible",
                )
            return self._lift(change, found, act, "revocation.lifted")

    def lift_in(self, change: Transaction, kind: Kind, name: str, *, act: Act, cause: str) -> None:
        """End what was revoked for ``cause``, as part of another's transaction."""
        rows = change.query(
            f"select {_COLUMNS} from revocations "  # noqa: S608
            "where kind = ? and name = ? and cause = ? and lifted is null",
            (kind, name, cause),
        )
        for row in rows:
            self._lift(change, _revocation(row), act, "revocation.lifted")

    def lapsing(self, now: Instant) -> tuple[Revocation, ...]:
        """Those whose time is over and that stand in the set still, at most 1,000."""
        with self._store.snapshot() as view:
            rows = view.query(
                f"select {_COLUMNS} from revocations "  # noqa: S608
                "where lifted is null and ends <= ? order by ends limit ?",
                (now, LAPSES_MAX),
            )
        return tuple(_revocation(row) for row in rows)

    def lapse(self, revocation_id: str, *, act: Act) -> None:
        """Forget one whose time is over."""
        with self._store.transaction() as change:
            found = _find(change, revocation_id)
            if found.ends is not None and found.ends <= act.at:
                self._lift(change, found, act, "revocation.lapsed")

    def list(self, *, lifted: bool = False) -> tuple[Revocation, ...]:
        """Those in force, or with ``lifted`` all there ever were; newest first, at most 10,000."""
        where = "" if lifted else "where lifted is null "
        with self._store.snapshot() as view:
            rows = view.query(
                f"select {_COLUMNS} from revocations {where}order by at desc, id limit ?",  # noqa: S608
                (LISTED_MAX,),
            )
        return tuple(_revocation(row) for row in rows)

    def state(self) -> FeedState:
        """Where the feed stands, with the whole set."""
        with self._store.snapshot() as view:
            rows = view.query("select seq, head from revocation_feed order by seq desc limit 1")
            held = view.query("select id, kind, name, at from revocations where lifted is null")
        seq, head = cast("tuple[int, str]", rows[0]) if rows else (0, GENESIS.hex())
        found = (
            Held(
                id=cast("str", row[0]),
                kind=cast("Kind", row[1]),
                name=cast("str", row[2]),
                at=Instant(cast("int", row[3])),
            )
            for row in held
        )
        return FeedState(seq=seq, head=bytes.fromhex(head), held=RevocationSet(found))

    def advance(self, known: FeedState) -> tuple[FeedState, tuple[Item, ...]]:
        """Where the feed stands now, and the changes since ``known``.

        ``FeedForkError`` when they do not lead to the hash that stands beside the newest: somebody
        has rewritten the feed, or a backup was put back under a running instance.
        """
        with self._store.snapshot() as view:
            rows = view.query(
                "select seq, item, head from revocation_feed where seq >= ? order by seq",
                (known.seq,),
            )
        typed = cast("list[tuple[int, str, str]]", rows)
        items = tuple(_ITEM.decode(item) for seq, item, _ in typed if seq > known.seq)
        state = known.after(items)
        newest = typed[-1][2] if typed else GENESIS.hex()
        if newest != state.head.hex():
            raise FeedForkError(
                f"the feed of revocations was rewritten behind change {known.seq}",
                fix="compare it with the log's changes ('holdfast audit'), and restore a backup",
            )
        return state, items

    def _lift(self, change: Transaction, found: Revocation, act: Act, record: str) -> Revocation:
        if found.lifted is not None:
            return found
        change.execute(
            "update revocations set lifted = ?, lifted_by = ? where id = ?",
            (act.at, act.by, found.id),
        )
        self._append(change, found, "lift", act=act, record=record)
        return msgspec.structs.replace(found, lifted=act.at, lifted_by=act.by)

    def _append(
        self, change: Transaction, of: Revocation, op: Op, *, act: Act, record: str
    ) -> None:
        """One more change of the feed. Its record commits to all changes so far, so that the log
        shows a feed that was rewritten."""
        rows = change.query("select seq, head from revocation_feed order by seq desc limit 1")
        seq, before = cast("tuple[int, str]", rows[0]) if rows else (0, GENESIS.hex())
        item = Item(at=act.at, id=of.id, kind=of.kind, name=of.name, op=op, seq=seq + 1)
        head = head_after(bytes.fromhex(before), item).hex()
        change.execute(
            "insert into revocation_feed (seq, item, head) values (?, ?, ?)",
            (item.seq, _ENCODER.encode(item).decode(), head),
        )
        subject = f"{of.kind}:{of.name}"
        Outbox.add(change, record_of(act, kind=record, subject=subject, digest=f"sha256:{head}"))


def _find(change: Transaction, revocation_id: str) -> Revocation:
    rows = change.query(
        f"select {_COLUMNS} from revocations where id = ?",  # noqa: S608
        (revocation_id,),
    )
    if not rows:
        raise RevocationUnknownError(
            f"no revocation has the id '{revocation_id[:40]}'",
            fix="list them with 'holdfast revoke list'",
        )
    return _revocation(rows[0])


def _revocation(row: Row) -> Revocation:
    names = ("id", "kind", "name", "reason", "by", "at", "cause", "ends", "lifted", "lifted_by")
    try:
        return msgspec.convert(dict(zip(names, row, strict=True)), Revocation)
    except msgspec.ValidationError as error:
        raise RevocationError(
            f"cannot read a revocation: {error}",
            fix="the database was changed by something else; restore it from a backup",
        ) from error


_ENCODER = msgspec.json.Encoder()
_ITEM = msgspec.json.Decoder(Item)
