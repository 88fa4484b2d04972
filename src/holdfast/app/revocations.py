"""What ``holdfast revoke`` does: the table of revocations, and a word to the running instance."""

import contextlib
from collections.abc import Generator

import msgspec

from holdfast.app import wiring
from holdfast.app.acts import new_act, principal_of, put_in_force
from holdfast.app.datadir import DataDir
from holdfast.core import Instant, rfc3339
from holdfast.identity.revocation import Revocation, RevocationStore

_OF_NODES = ("agent", "principal")


class RevocationRow(msgspec.Struct, frozen=True):
    """A revocation as people see it; ``id`` also finds its record in the log."""

    id: str
    kind: str
    subject: str
    reason: str
    by: str
    at: str
    cause: str = ""
    ends: str | None = None
    lifted: str | None = None
    lifted_by: str | None = None


class Revoked(msgspec.Struct, frozen=True):
    """What was done, and where it is in force."""

    revocation: RevocationRow
    in_force: str


def revoke(data: DataDir, kind: str, name: str, *, reason: str) -> Revoked:
    """Nothing of this subject is accepted when this returns, on any worker."""
    data.require()
    if kind in _OF_NODES and not name.startswith("user:"):
        name = principal_of(data, name)
    with _store(data) as store:
        made = store.revoke(kind, name, act=new_act(reason))
    return Revoked(revocation_row(made), put_in_force(data))


def undo(data: DataDir, revocation_id: str, *, reason: str) -> Revoked:
    """Lift one; what it held is accepted again."""
    data.require()
    with _store(data) as store:
        lifted = store.lift(revocation_id, act=new_act(reason))
    return Revoked(revocation_row(lifted), put_in_force(data))


def list_revocations(data: DataDir, *, lifted: bool) -> list[RevocationRow]:
    """Those in force, or all there ever were."""
    data.require()
    with _store(data) as store:
        return [revocation_row(each) for each in store.list(lifted=lifted)]


def revocation_row(of: Revocation) -> RevocationRow:
    return RevocationRow(
        of.id,
        of.kind,
        of.name,
        of.reason,
        of.by,
        rfc3339(of.at),
        of.cause,
        _text(of.ends),
        _text(of.lifted),
        of.lifted_by,
    )


def _text(at: Instant | None) -> str | None:
    return rfc3339(at) if at is not None else None


@contextlib.contextmanager
def _store(data: DataDir) -> Generator[RevocationStore]:
    store = wiring.open_store(data)
    try:
        yield RevocationStore(store)
    finally:
        store.close()
