"""Verifier keys: who may have signed a note, and whether they did.

Three kinds of signature: plain Ed25519 notes (RFC 8032), and the two cosignatures of C2SP
tlog-cosignature, Ed25519 and ML-DSA-44 (FIPS 204), which carry the time they were made.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from holdfast.audit.errors import NoteError
from holdfast.audit.heads import TreeHead
from holdfast.audit.note import KEY_ID_BYTES, Note, Signature, check_name, decode_base64

ED25519: Final = 0x01
ED25519_COSIGNATURE: Final = 0x04
MLDSA44_COSIGNATURE: Final = 0x06

TIME_BYTES = 8
_TIME_MAX = 2**63 - 1
NAME_BYTES_MAX = 255
"""In what ML-DSA-44 signs, a name's length is one byte."""

_KEY_BYTES: Final = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44_COSIGNATURE: 1312}
_VKEY = re.compile(r"(?P<name>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+={0,2})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """A name, a key id and a public key, as a verifier key (vkey) says."""

    name: str
    key_id: bytes
    public_key: bytes
    kind: int = ED25519

    @classmethod
    def of(cls, name: str, public_key: bytes, *, kind: int) -> "Verifier":
        """The verifier of a public key; ``NoteError`` when the name cannot stand in a note."""
        check_name(name)
        key_id = _key_id(name, kind, public_key)
        return cls(name=name, key_id=key_id, public_key=public_key, kind=kind)

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read ``<name>+<id in hex>+<base64 of type and key>``; ``NoteError`` when it is not one."""
        match = _VKEY.match(vkey)
        key = decode_base64(match["key"]) if match else None
        if match is None or not key or len(key) - 1 != _KEY_BYTES.get(key[0]):
            raise NoteError(
                "this is no verifier key of Ed25519 or ML-DSA-44",
                fix="it looks like name+01234567+A... and the file log.pub has the log's",
            )
        verifier = cls.of(match["name"], key[1:], kind=key[0])
        if bytes.fromhex(match["id"]) != verifier.key_id:
            raise NoteError(
                f"the verifier key of {verifier.name!r} is damaged: its id does not fit its key"
            )
        return verifier

    @property
    def vkey(self) -> str:
        key = base64.b64encode(bytes((self.kind,)) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @property
    def is_timed(self) -> bool:
        """Whether its signatures say when they were made: those of witnesses always do."""
        return self.kind != ED25519

    def open(self, note: bytes) -> str:
        """The note's text once a signature of this key holds; ``NoteError`` otherwise.

        Signatures of other keys are passed over, as the specification wants. One by this key that
        does not hold spoils the note, whatever others say.
        """
        parsed = Note.parse(note)
        if self.check(parsed) is None:
            raise NoteError(
                f"the note bears no signature by {self.name}+{self.key_id.hex()}",
                fix="check that this is the key of the log that the note came from",
            )
        return parsed.text

    def check(self, note: Note) -> Signature | None:
        """This key's signature, None when there is none; ``NoteError`` when one does not hold."""
        ours = [each for each in note.signatures if self.is_named_by(each)]
        for signature in ours:
            if not self.holds(note.text, signature.value):
                raise NoteError(
                    f"the signature by {self.name} does not hold: the note was altered",
                    fix="restore it from a copy; trust nothing that it says",
                )
        return ours[-1] if ours else None

    def is_named_by(self, signature: Signature) -> bool:
        """Whether a signature says that it is this key's."""
        return signature.name == self.name and signature.key_id == self.key_id

    def holds(self, text: str, value: bytes) -> bool:
        """Whether ``value``, a signature without its key id, is this key's over ``text``."""
        try:
            if self.kind == ED25519:
                self._verify_ed25519(value, text.encode())
            elif self.kind == ED25519_COSIGNATURE:
                time, signature = split_time(value)
                self._verify_ed25519(signature, ed25519_message(text, time))
            else:
                time, signature = split_time(value)
                key = MLDSA44PublicKey.from_public_bytes(self.public_key)
                key.verify(signature, mldsa44_message(text, time, self.name))
        except (InvalidSignature, NoteError, ValueError):
            return False
        return True

    def _verify_ed25519(self, signature: bytes, message: bytes) -> None:
        Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)


def split_time(value: bytes) -> tuple[int, bytes]:
    """tlog-cosignature's ``timestamped_signature``: seconds since 1970, and the signature."""
    time = int.from_bytes(value[:TIME_BYTES], "big")
    if len(value) <= TIME_BYTES or time > _TIME_MAX:
        raise NoteError("a cosignature without a valid time", fix="restore it from a copy")
    return time, value[TIME_BYTES:]


def ed25519_message(text: str, time: int) -> bytes:
    """What an Ed25519 cosigner signs: a header, the time, the whole text."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def mldsa44_message(text: str, time: int, name: str) -> bytes:
    """What an ML-DSA-44 cosigner signs: ``cosigned_message`` for the whole tree."""
    head = TreeHead.parse(text)
    return b"".join(
        (
            b"subtree/v1\n\0",
            _short(name),
            time.to_bytes(TIME_BYTES, "big"),
            _short(head.origin),
            (0).to_bytes(8, "big"),
            head.size.to_bytes(8, "big"),
            head.root,
        )
    )


def _short(name: str) -> bytes:
    data = name.encode()
    if not 0 < len(data) <= NAME_BYTES_MAX:
        raise NoteError(f"ML-DSA-44 cosigns names of 1 to {NAME_BYTES_MAX} bytes only")
    return bytes((len(data),)) + data


def _key_id(name: str, kind: int, public_key: bytes) -> bytes:
    named = name.encode() + b"\n" + bytes((kind,)) + public_key
    return hashlib.sha256(named).digest()[:KEY_ID_BYTES]
