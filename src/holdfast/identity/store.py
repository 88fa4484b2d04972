"""Credentials in the database. This module owns the table ``credentials``."""

from holdfast.core import CredentialId, Instant, NodeId
from holdfast.identity.credentials import CREDENTIALS_MAX, Credential, Credentials
from holdfast.identity.errors import IdentityError, UnknownCredentialError
from holdfast.world.ports import Row, Store, Transaction

_TABLE = """
create table if not exists credentials (
  id text primary key,
  node text not null,
  hash blob not null unique,
  created integer not null,
  revoked integer
) strict
"""
_COLUMNS = "id, node, hash, created, revoked"


class CredentialStore:
    """Add, list, revoke. Calls block; every change is one transaction, so a crash leaves the
    credential either as it was or as it was asked to be."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.transaction() as change:
            change.execute(_TABLE)

    def add(self, credential: Credential) -> None:
        """Put a credential in force. ``IdentityError`` when its id is taken or the table full.

        A crash before this returns may leave the credential in force although its key was never
        shown: harmless, and visible in ``list``.
        """
        with self._store.transaction() as change:
            if _find(change, credential.id) is not None:
                raise IdentityError(
                    f"cannot add the credential {credential.id}: its id is taken",
                    fix="make a new key",
                )
            (count,) = change.query("select count(*) from credentials")[0]
            if isinstance(count, int) and count >= CREDENTIALS_MAX:
                raise IdentityError(
                    f"cannot add a credential: there are {CREDENTIALS_MAX} already",
                    fix="give nodes fewer keys",
                )
            change.execute(
                f"insert into credentials ({_COLUMNS}) values (?, ?, ?, ?, ?)",  # noqa: S608
                (
                    credential.id,
                    credential.node,
                    credential.hash,
                    credential.created,
                    credential.revoked,
                ),
            )

    def list(self) -> tuple[Credential, ...]:
        """All credentials, revoked ones too, oldest first."""
        with self._store.transaction() as change:
            rows = change.query(
                f"select {_COLUMNS} from credentials order by created, id"  # noqa: S608
            )
        return tuple(_credential(row) for row in rows)

    def revoke(self, credential_id: CredentialId, *, at: Instant) -> Credential:
        """Take a credential out of force, and return it as it now stands.

        Revoking again changes nothing: the first instant stays. ``UnknownCredentialError`` for an
        id that was never given.
        """
        with self._store.transaction() as change:
            change.execute(
                "update credentials set revoked = ? where id = ? and revoked is null",
                (at, credential_id),
            )
            found = _find(change, credential_id)
        if found is None:
            raise UnknownCredentialError(
                f"cannot revoke {credential_id!r}: no credential has that id",
                fix="list the credentials; the id is the part between hf_ and the next _",
            )
        return found

    def active(self) -> Credentials:
        """Those in force, ready for workers."""
        return Credentials(self.list())


def _find(change: Transaction, credential_id: CredentialId) -> Credential | None:
    rows = change.query(
        f"select {_COLUMNS} from credentials where id = ?",  # noqa: S608
        (credential_id,),
    )
    return _credential(rows[0]) if rows else None


def _credential(row: Row) -> Credential:
    match row:
        case (str(name), str(node), bytes(digest), int(created), int() | None as revoked):
            return Credential(
                id=CredentialId(name),
                node=NodeId(node),
                hash=digest,
                created=Instant(created),
                revoked=None if revoked is None else Instant(revoked),
            )
        case _:
            raise IdentityError(
                "cannot read a credential: its row has another shape",
                fix="the database was changed by something else; restore it from a backup",
            )
