"""What ``holdfast key`` does: the stored credentials, and a word to the running instance."""

import difflib

import msgspec

from holdfast.app import wiring
from holdfast.app.control import Request, tell
from holdfast.app.datadir import DataDir
from holdfast.core import CredentialId, HoldfastError, Instant, NodeId, rfc3339
from holdfast.identity import Credential, CredentialStore, new_key
from holdfast.world.real import SystemClock, SystemEntropy

_STORED = "It is in force when the instance starts."


class UnknownNodeError(HoldfastError):
    """The blueprint has no such node."""

    code = "key.unknown-node"


class KeyMade(msgspec.Struct, frozen=True):
    """``key`` is the secret itself: here, once, and nowhere else."""

    key: str
    id: str
    node: str
    in_force: str


class KeyRow(msgspec.Struct, frozen=True):
    id: str
    node: str
    created: str
    revoked: str | None
    in_force: str = ""


def create_key(data: DataDir, node: str) -> KeyMade:
    """A new credential for a node that the blueprint in force declares."""
    data.require()
    nodes = data.nodes()
    if node not in nodes:
        near = difflib.get_close_matches(node, nodes, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"its nodes are: {', '.join(nodes)}"
        raise UnknownNodeError(f"the blueprint has no node '{node}'", fix=hint)
    store = wiring.open_store(data)
    try:
        credential, key = new_key(SystemEntropy(), SystemClock(), NodeId(node))
        CredentialStore(store).add(credential)
    finally:
        store.close()
    return KeyMade(key, credential.id, node, _put_in_force(data))


def list_keys(data: DataDir) -> list[KeyRow]:
    """Every credential ever made, revoked ones too."""
    data.require()
    store = wiring.open_store(data)
    try:
        return [_row(credential) for credential in CredentialStore(store).list()]
    finally:
        store.close()


def revoke_key(data: DataDir, key_id: str) -> KeyRow:
    """Revoke one; on every worker of a running instance when this returns."""
    data.require()
    store = wiring.open_store(data)
    try:
        credential = CredentialStore(store).revoke(CredentialId(key_id), at=SystemClock().now())
    finally:
        store.close()
    return msgspec.structs.replace(_row(credential), in_force=_put_in_force(data))


def _put_in_force(data: DataDir) -> str:
    if data.instance() is None:
        return _STORED
    reply = tell(data.control_socket, Request("credentials"))
    return f"It is in force on {reply.workers} worker{'s' if reply.workers != 1 else ''}."


def _row(credential: Credential) -> KeyRow:
    revoked = rfc3339(Instant(credential.revoked)) if credential.revoked is not None else None
    return KeyRow(credential.id, credential.node, rfc3339(credential.created), revoked)
