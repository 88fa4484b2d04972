"""A witness: cosigns a log's checkpoint when it continues all that it cosigned before.

C2SP tlog-witness. What it cosigned last is durable before the cosignature leaves, and is looked at
and replaced in one transaction, so that no two trees that fork ever bear its signature.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from holdfast.audit.errors import NoteError, ProofError
from holdfast.audit.heads import TreeHead
from holdfast.audit.keys import Verifier
from holdfast.audit.merkle import EMPTY_ROOT, verify_consistency
from holdfast.audit.note import Note, Signature
from holdfast.audit.signing import Cosigner
from holdfast.audit.submission import SIZE_TYPE, AddCheckpoint, Answer
from holdfast.world.ports import Store, Transaction

LOGS_MAX = 1_000

_TEXT = "text/plain; charset=utf-8"
_SCHEMA = """CREATE TABLE IF NOT EXISTS witness_heads (
  origin TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL) STRICT"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLog:
    """A log to watch: its origin, and the keys of which one must have signed."""

    origin: str
    keys: tuple[Verifier, ...]

    @classmethod
    def parse(cls, vkeys: str) -> "KnownLog":
        """One log's verifier keys, apart by white space; the origin is their name."""
        keys = tuple(map(Verifier.parse, vkeys.split()))
        if len({each.name for each in keys}) != 1:
            raise NoteError("the keys are not those of one log", fix="name the keys in its log.pub")
        return cls(origin=keys[0].name, keys=keys)


class Witness:
    """Answers ``add-checkpoint`` and the monitors' question. Calls block: use a thread."""

    def __init__(
        self, *, store: Store, cosigners: Sequence[Cosigner], logs: Iterable[KnownLog]
    ) -> None:
        self._store = store
        self._cosigners = tuple(cosigners)
        self._logs = {log.origin: log for log in logs}
        if len(self._logs) > LOGS_MAX:
            raise NoteError(f"a witness watches at most {LOGS_MAX} logs", fix="run a second one")
        with store.transaction() as transaction:
            transaction.execute(_SCHEMA)

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """Its keys: whoever relies on it is given these."""
        return tuple(each.verifier for each in self._cosigners)

    def add_checkpoint(self, body: bytes) -> Answer:
        """The steps are those of tlog-witness. ``WorldError`` when it cannot be made durable."""
        try:
            asked = AddCheckpoint.parse(body)
        except ProofError as error:
            return _refused(400, error.what)
        try:
            note = Note.parse(asked.note)
            head = TreeHead.parse(note.text)
        except NoteError as error:
            # What is no signed checkpoint bears no valid signature.
            return _refused(403, error.what)
        log = self._logs.get(head.origin)
        if log is None:
            return _refused(404, "unknown log")
        if not _is_signed(note, log.keys):
            return _refused(403, "no valid signature by a key of the log")
        if asked.old > head.size:
            return _refused(400, "the old size is larger than the checkpoint's")
        # Looked at and replaced in one transaction, which no other can come between: else a slow
        # request for a small tree could roll back the record of a large one.
        with self._store.transaction() as transaction:
            return self._cosign(transaction, asked, note, head)

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """The newest cosigned checkpoint of the log whose origin has this SHA-256, in hex."""
        sql = "SELECT note FROM witness_heads WHERE hash = ?"
        with self._store.snapshot() as transaction:
            rows = transaction.query(sql, (origin_hash,))
        return cast("bytes", rows[0][0]) if rows else None

    def _cosign(
        self, transaction: Transaction, asked: AddCheckpoint, note: Note, head: TreeHead
    ) -> Answer:
        size, root = _last(transaction, head.origin)
        if asked.old != size:
            return Answer(status=409, content_type=SIZE_TYPE, body=b"%d\n" % size)
        if head.size == 0 and head.root != EMPTY_ROOT:
            return _refused(422, "the empty tree has another root")
        try:
            verify_consistency(
                old=size, new=head.size, old_root=root, new_root=head.root, proof=asked.proof
            )
        except ProofError as error:
            return _refused(422, f"the consistency proof does not hold: {error.what}")
        signatures = [each.cosign(note.text) for each in self._cosigners]
        known = Note(text=note.text, signatures=_own(note, self._logs[head.origin].keys))
        stored = known.with_signatures(signatures).encode()
        # A crash right after this commit: the log was not answered, asks again with its old size,
        # is told the new one (409), and gets a cosignature over the very same tree.
        transaction.execute(
            "INSERT INTO witness_heads (origin, hash, size, root, note) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, "
            "note = excluded.note",
            (head.origin, origin_hash(head.origin), head.size, head.root, stored),
        )
        lines = "".join(each.line for each in signatures)
        return Answer(status=200, content_type=_TEXT, body=lines.encode())


def origin_hash(origin: str) -> str:
    """How the monitors' path names a log."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _is_signed(note: Note, keys: Sequence[Verifier]) -> bool:
    """By one of the keys at least, and by none of them wrongly."""
    try:
        found = [each.check(note) for each in keys]
    except NoteError:
        return False
    return any(each is not None for each in found)


def _own(note: Note, keys: Sequence[Verifier]) -> tuple[Signature, ...]:
    return tuple(s for s in note.signatures if any(each.is_named_by(s) for each in keys))


def _last(transaction: Transaction, origin: str) -> tuple[int, bytes]:
    rows = transaction.query("SELECT size, root FROM witness_heads WHERE origin = ?", (origin,))
    return cast("tuple[int, bytes]", rows[0]) if rows else (0, EMPTY_ROOT)


def _refused(status: int, why: str) -> Answer:
    return Answer(status=status, content_type=_TEXT, body=why.encode() + b"\n")
