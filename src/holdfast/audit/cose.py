"""COSE receipts (RFC 9942) over an RFC 9162 tree: the proof in the form that SCITT's tools read.

A receipt is a COSE_Sign1 (RFC 9052) by the log's Ed25519 key over the root, which is left out: whoever
verifies works it out from the entry and the inclusion proof.
"""

from dataclasses import dataclass
from typing import Final, cast

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from holdfast.audit.errors import ProofError, ReceiptError
from holdfast.audit.heads import SIZE_MAX
from holdfast.audit.keys import ED25519, Verifier
from holdfast.audit.merkle import HASH_BYTES, leaf_hash, root_from_inclusion
from holdfast.audit.proof import HASHES_MAX
from holdfast.audit.signing import LogSigner

RECEIPT_BYTES_MAX = 8_192

_TAG: Final = 18
_ALG, _KID, _CLAIMS, _VDS, _VDP = 1, 4, 15, 395, 396
_EDDSA: Final = -8
_RFC9162_SHA256: Final = 1
_INCLUSION: Final = -1
_ISS, _SUB = 1, 2
_UNDERSTOOD: Final = frozenset((_ALG, _KID, _CLAIMS, _VDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Entry ``index`` is in the tree of ``size`` entries with this ``root``, as ``origin`` signed."""

    origin: str
    index: int
    size: int
    root: bytes


def make_receipt(
    signer: LogSigner, entry: bytes, *, index: int, size: int, hashes: tuple[bytes, ...]
) -> bytes:
    """The receipt for an entry; ``ProofError`` when the hashes are no proof at all.

    Whoever calls this has checked that they lead to a root that the log has published.
    """
    root = root_from_inclusion(leaf_hash(entry), index=index, size=size, proof=hashes)
    protected = _dumps(
        {
            _ALG: _EDDSA,
            _KID: _kid(signer.verifier),
            # RFC 9943 wants a receipt to say who issues it, and about what.
            _CLAIMS: {_ISS: signer.name, _SUB: f"{signer.name}/{index}"},
            _VDS: _RFC9162_SHA256,
        }
    )
    proof = _dumps([size, index, list(hashes)])
    signature = signer.sign_cose(_structure(protected, root))
    unprotected = {_VDP: {_INCLUSION: [proof]}}
    return _dumps(cbor2.CBORTag(_TAG, [protected, unprotected, None, signature]))


def verify_receipt(data: bytes, entry: bytes, vkey: str) -> Receipt:
    """What the receipt proves of ``entry``; ``ReceiptError`` when it proves nothing.

    ``vkey`` is the log's Ed25519 key. The steps are those of RFC 9942, section 5.2.
    """
    verifier = Verifier.parse(vkey)
    if verifier.kind != ED25519:
        raise ReceiptError("receipts are signed by the log's Ed25519 key", fix="name that key")
    protected, proof, signature = _opened(data)
    size, index, hashes = _proof(proof)
    try:
        root = root_from_inclusion(leaf_hash(entry), index=index, size=size, proof=hashes)
    except ProofError as error:
        raise ReceiptError(f"the receipt's proof is none: {error.what}") from error
    key = Ed25519PublicKey.from_public_bytes(verifier.public_key)
    try:
        key.verify(signature, _structure(protected, root))
    except InvalidSignature as error:
        raise ReceiptError(
            "the receipt is not of this entry, or not signed by this key",
            fix="the entry must be byte for byte the one that was logged",
        ) from error
    return Receipt(origin=verifier.name, index=index, size=size, root=root)


def _kid(verifier: Verifier) -> bytes:
    return f"{verifier.name}+{verifier.key_id.hex()}".encode()


def _structure(protected: bytes, root: bytes) -> bytes:
    """RFC 9052, section 4.4."""
    return _dumps(["Signature1", protected, b"", root])


def _opened(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The protected header as it was signed, the one inclusion proof, the signature."""
    if len(data) > RECEIPT_BYTES_MAX:
        raise ReceiptError(f"a receipt of {len(data)} bytes is too long", fix="check the file")
    message = _loads(data)
    parts = message.value if isinstance(message, cbor2.CBORTag) and message.tag == _TAG else None
    match _sequence(parts):
        case [bytes() as protected, unprotected, None, bytes() as signature]:
            _check_protected(_mapping(_loads(protected)))
        case _:
            raise ReceiptError("this is no COSE_Sign1 with its payload left out")
    proofs = _sequence(_mapping(_mapping(unprotected).get(_VDP)).get(_INCLUSION))
    match proofs:
        case [bytes() as proof]:
            return protected, proof, signature
        case _:
            raise ReceiptError("the receipt does not have exactly one inclusion proof")


def _check_protected(header: dict[object, object]) -> None:
    if header.get(_ALG) != _EDDSA or header.get(_VDS) != _RFC9162_SHA256:
        raise ReceiptError("a receipt by EdDSA over an RFC 9162 SHA-256 tree is expected")
    if not header.keys() <= _UNDERSTOOD:
        # ``crit`` among them: what must be understood, and is not, spoils the receipt.
        raise ReceiptError("the receipt's protected header has a field that is not understood")


def _proof(data: bytes) -> tuple[int, int, tuple[bytes, ...]]:
    match _sequence(_loads(data)):
        case [int() as size, int() as index, path] if not isinstance(size | index, bool):
            hashes = _sequence(path) or ()
        case _:
            raise ReceiptError("an inclusion proof is [size, index, [hashes]]")
    sound = [each for each in hashes if isinstance(each, bytes) and len(each) == HASH_BYTES]
    if len(sound) != len(hashes) or len(sound) > HASHES_MAX or not 0 <= index < size <= SIZE_MAX:
        raise ReceiptError("the receipt's inclusion proof is malformed")
    return size, index, tuple(sound)


def _dumps(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


def _loads(data: bytes) -> object:
    """One CBOR item in its shortest form; ``ReceiptError`` for anything else."""
    try:
        value: object = cbor2.loads(data)
        again = _dumps(value)
    except Exception as error:
        # Whatever a decoder of untrusted bytes raises, it means one thing here.
        raise ReceiptError("the receipt is not CBOR") from error
    # The order of a map's keys is free; trailing bytes, repeated keys and long forms change length.
    if len(again) != len(data):
        raise ReceiptError("the receipt's CBOR is not in its shortest form")
    return value


def _sequence(value: object) -> list[object] | None:
    return list(cast("list[object]", value)) if isinstance(value, list | tuple) else None


def _mapping(value: object) -> dict[object, object]:
    if not hasattr(value, "items"):
        raise ReceiptError("the receipt lacks a header")
    return dict(cast("dict[object, object]", value))
