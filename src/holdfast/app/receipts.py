"""Receipts: what is given away so that others can check, with no server, that a record is logged.

Two forms of one proof: C2SP tlog-proof, with the checkpoint and the witnesses' cosignatures in it, and
COSE (RFC 9942) for SCITT's tools. Both prove the very bytes of the entry, which go beside them.
"""

from pathlib import Path

import msgspec

from holdfast.app import wiring
from holdfast.app.datadir import DataDir
from holdfast.app.evidence import EvidenceError, integrated, open_log_reader
from holdfast.audit import (
    Entry,
    Proof,
    ProofError,
    Trust,
    make_receipt,
    verify_receipt,
)
from holdfast.core import HoldfastError
from holdfast.world.real import SystemClock, SystemEntropy

RECEIPT_FILE_BYTES_MAX = 2_000_000
ENTRY_SUFFIX = ".entry"

_TLOG_PROOF = b"c2sp.org/tlog-proof@v1\n"


class FileError(HoldfastError):
    """A file that was named cannot be read or written."""

    code = "app.file-unusable"


class Issued(msgspec.Struct, frozen=True):
    """A receipt: ``proof`` is its text (tlog-proof) or base64 (COSE), ``entry`` what it proves."""

    call: str
    format: str
    index: int
    size: int
    proof: bytes | str
    entry: str


class Checked(msgspec.Struct, frozen=True):
    """What a receipt proved: which entry of which log, under which root, seen by which witnesses."""

    verified: bool
    format: str
    origin: str
    index: int
    size: int
    root: str
    witnesses: tuple[str, ...]


async def issue(data: DataDir, call: str, *, form: str, number: int | None = None) -> Issued:
    """The receipt for a record of a call: its last one, or that of this ``number`` from 0."""
    with open_log_reader(data) as reader:
        entry = _chosen(await integrated(reader, call), call, number)
        assert entry.index is not None
        # One that witnesses vouch for is worth more than a newer one.
        seen = reader.witnessed()
        covers = seen is not None and entry.index < seen.size
        proof = reader.prove_under(seen if covers and seen else reader.checkpoint(), entry.index)
    checkpoint = proof.verify(entry.data, wiring.public_key(data))
    text: bytes | str = proof.text()
    if form == "cose":
        signer = wiring.log_signer(data, clock=SystemClock(), entropy=SystemEntropy())
        text = make_receipt(
            signer, entry.data, index=entry.index, size=checkpoint.size, hashes=proof.hashes
        )
    return Issued(call, form, entry.index, checkpoint.size, text, entry.data.decode())


def write_receipt(issued: Issued, path: Path) -> Path:
    """The receipt to ``path``, its entry beside it; where the entry is."""
    proof = issued.proof if isinstance(issued.proof, bytes) else issued.proof.encode()
    entry = entry_beside(path)
    try:
        path.write_bytes(proof)
        entry.write_bytes(issued.entry.encode())
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from error
    return entry


def entry_beside(path: Path) -> Path:
    """Where a receipt's entry is looked for when no other place is named."""
    return path.with_name(path.name + ENTRY_SUFFIX)


def check(path: Path, *, entry: Path | None, trust: Trust) -> Checked:
    """Verify a receipt, of whichever form, with nothing but it, its entry and the log's keys."""
    data, logged = read_file(path), read_file(entry or entry_beside(path))
    if data.startswith(_TLOG_PROOF):
        return _check_proof(data, logged, trust)
    if trust.quorum:
        raise EvidenceError(
            "a COSE receipt carries no cosignatures of witnesses",
            fix="ask for the tlog-proof of this entry",
            code="audit.receipt-unwitnessed",
        )
    found = verify_receipt(data, logged, trust.log[0].vkey)
    return Checked(True, "cose", found.origin, found.index, found.size, found.root.hex(), ())


def _check_proof(data: bytes, logged: bytes, trust: Trust) -> Checked:
    try:
        proof = Proof.parse(data.decode())
    except UnicodeDecodeError as error:
        raise ProofError("the proof is not UTF-8", fix="restore it from a copy") from error
    found = proof.verify(logged, trust)
    seen = tuple(sorted({each.witness for each in found.cosignatures(trust.witnesses)}))
    return Checked(
        True, "tlog-proof", found.origin, proof.index, found.size, found.root.hex(), seen
    )


def read_file(path: Path) -> bytes:
    """A file's bytes, at most as many as a receipt may have."""
    try:
        with path.open("rb") as file:
            data = file.read(RECEIPT_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > RECEIPT_FILE_BYTES_MAX:
        raise FileError(f"{path} is larger than {RECEIPT_FILE_BYTES_MAX} bytes")
    return data


def _chosen(entries: tuple[Entry, ...], call: str, number: int | None) -> Entry:
    if number is None:
        return entries[-1]
    if not 0 <= number < len(entries):
        raise EvidenceError(
            f"the call {call[:40]} has {len(entries)} records",
            fix=f"name one from 0 to {len(entries) - 1}",
        )
    return entries[number]
