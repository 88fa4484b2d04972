"""What ``holdfast audit`` answers: from files and the log's public key, instance running or not."""

import asyncio
import contextlib
from collections.abc import Generator

import msgspec

from holdfast.app import wiring
from holdfast.app.datadir import DataDir
from holdfast.app.remote import open_blobs
from holdfast.audit import (
    CallRecord,
    ChangeRecord,
    Entry,
    LogReader,
    Outbox,
    Trust,
    Verification,
    decode_entry,
    verify_log,
)
from holdfast.core import HoldfastError, Progress, untold
from holdfast.world.real import FileBlobs, FileJournals

WAIT_S = 5.0
"""How long a record that is durable, but not yet in the log, is waited for: the keeper brings
records in once a second."""
_POLL_S = 0.1


class EvidenceError(HoldfastError):
    """There is no such record, or no proof of it yet."""

    code = "audit.unknown-call"


class Verified(msgspec.Struct, frozen=True):
    """The whole log, recomputed."""

    verified: bool
    size: int
    root: str
    pending: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    key: str
    keys: tuple[str, ...] = ()
    """All of them have signed the checkpoint; ``key`` is the first."""
    quorum: int = 0
    """How many of the witnesses named had to have cosigned it, and have."""


class Shown(msgspec.Struct, frozen=True):
    """One record; ``index`` is None while it is durable but not yet under a checkpoint."""

    index: int | None
    record: CallRecord | ChangeRecord


class Records(msgspec.Struct, frozen=True):
    call: str
    records: tuple[Shown, ...]


class Proven(msgspec.Struct, frozen=True):
    """A record with the proof that it is in the log, as text that others' tools read.

    ``entry`` is the very text that was hashed into the tree: canonical JSON.
    """

    index: int
    record: CallRecord | ChangeRecord
    entry: str
    proof: str


class Proofs(msgspec.Struct, frozen=True):
    """Each proof was verified against the log's public key before it was printed."""

    call: str
    verified: bool
    key: str
    size: int
    root: str
    proofs: tuple[Proven, ...]


def verify(data: DataDir, trust: Trust | None = None, *, progress: Progress = untold) -> Verified:
    """Recompute everything from the entries up. Without ``trust``, the keys beside the log are
    believed: whoever has their own copy names it."""
    data.require()
    whose = trust or Trust.parse(wiring.public_keys(data))
    blobs, journals = FileBlobs(data.log), FileJournals(data.journals)
    return _verified(verify_log(blobs, journals, whose, progress=progress), whose)


def verify_far(log: str, trust: Trust, *, progress: Progress = untold) -> Verified:
    """The same for a log at a URL, or in a folder: nothing is told of journals."""
    with open_blobs(log) as blobs:
        return _verified(verify_log(blobs, None, trust, progress=progress), trust)


def _verified(found: Verification, trust: Trust) -> Verified:
    return Verified(
        found.verified,
        found.size,
        found.root.hex(),
        found.pending,
        found.problems,
        found.notes,
        trust.log[0].vkey,
        tuple(each.vkey for each in trust.log),
        trust.quorum,
    )


def show(data: DataDir, call: str) -> Records:
    """The records of a call, in the log or on the way to it."""
    with open_log_reader(data) as reader:
        entries = reader.find(call)
    if not entries:
        raise _unknown(call)
    return Records(call, tuple(Shown(e.index, decode_entry(e.data)) for e in entries))


def prove(data: DataDir, call: str) -> Proofs:
    """Inclusion proofs for all records of a call, each verified."""
    key = wiring.public_key(data)
    with open_log_reader(data) as reader:
        entries = asyncio.run(integrated(reader, call))
        checkpoint = reader.checkpoint()
        proofs = [(entry, reader.prove(entry.index or 0)) for entry in entries]
    proven = tuple(
        Proven(entry.index or 0, decode_entry(entry.data), entry.data.decode(), proof.text())
        for entry, proof in proofs
    )
    for entry, proof in proofs:
        checkpoint = proof.verify(entry.data, key)
    return Proofs(call, True, key, checkpoint.size, checkpoint.root.hex(), proven)


async def integrated(reader: LogReader, call: str) -> tuple[Entry, ...]:
    """The entries of a call once all of them are in the log."""
    waited = 0.0
    while True:
        entries = reader.find(call)
        if entries and not any(entry.is_pending for entry in entries):
            return entries
        if waited >= WAIT_S:
            break
        await asyncio.sleep(_POLL_S)
        waited += _POLL_S
    if not entries:
        raise _unknown(call)
    raise EvidenceError(
        f"the records of {call} are durable but not in the log yet",
        fix="start the instance: it brings them in; then ask again",
        code="audit.pending",
    )


@contextlib.contextmanager
def open_log_reader(data: DataDir) -> Generator[LogReader]:
    """The log of a data directory, for as long as it is read."""
    data.require()
    store = wiring.open_store(data)
    try:
        yield wiring.open_reader(data, store=store, outbox=Outbox(store))
    finally:
        store.close()


def _unknown(call: str) -> EvidenceError:
    return EvidenceError(
        f"the log has no record of a call '{call[:40]}'",
        fix="the id is the x-request-id of the answer, or 'call' in an error",
    )
