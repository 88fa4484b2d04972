"""C2SP signed notes, and the keys that sign and verify them (Ed25519, RFC 8032)."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from holdfast.audit.errors import NoteError

SIGNATURES_MAX = 100
NOTE_BYTES_MAX = 1_000_000

_ED25519 = b"\x01"
_KEY_BYTES = 32
_KEY_ID_BYTES = 4
_SIGNATURE_BYTES = 64
_DASH = "\u2014"
_NAME = re.compile(r"[^\s+]+\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VKEY = re.compile(r"(?P<name>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+={0,2})\Z")
_SIGNATURE = re.compile(_DASH + r" (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Who may have signed: a name, a key id and a public key, as a verifier key (vkey) says."""

    name: str
    key_id: bytes
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read ``<name>+<id in hex>+<base64 of type and key>``; ``NoteError`` when it is not one."""
        match = _VKEY.match(vkey)
        key = decode_base64(match["key"]) if match else None
        if match is None or key is None or key[:1] != _ED25519 or len(key) != 1 + _KEY_BYTES:
            raise NoteError(
                "this is no Ed25519 verifier key",
                fix="it looks like name+01234567+A... and `holdfast audit key` prints the log's",
            )
        name, public = match["name"], key[1:]
        if bytes.fromhex(match["id"]) != _key_id(name, public):
            raise NoteError(f"the verifier key of {name!r} is damaged: its id does not fit its key")
        return cls(name=name, key_id=_key_id(name, public), public_key=public)

    @property
    def vkey(self) -> str:
        key = base64.b64encode(_ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def open(self, note: bytes) -> str:
        """The note's text once a signature of this key holds; ``NoteError`` otherwise.

        Signatures of other keys are passed over, as the specification wants. One by this key that
        does not hold spoils the note, whatever others say.
        """
        text, signatures = _split(note)
        ours = [each for name, each in signatures if name == self.name and self._is_ours(each)]
        if not ours:
            raise NoteError(
                f"the note bears no signature by {self.name}+{self.key_id.hex()}",
                fix="check that this is the key of the log that the note came from",
            )
        key = Ed25519PublicKey.from_public_bytes(self.public_key)
        for signature in ours:
            try:
                key.verify(signature[_KEY_ID_BYTES:], text.encode())
            except InvalidSignature as error:
                raise NoteError(
                    f"the signature by {self.name} does not hold: the note was altered",
                    fix="restore it from a copy; trust nothing that it says",
                ) from error
        return text

    def _is_ours(self, signature: bytes) -> bool:
        return signature[:_KEY_ID_BYTES] == self.key_id


class LogSigner:
    """The log's own key. Its name is the log's origin: a URL without scheme, such as
    ``holdfast.example/log``."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        if not _NAME.match(name):
            raise NoteError(f"{name!r} is no key name", fix="no spaces, no plus sign, not empty")
        public = key.public_key().public_bytes_raw()
        self._key = key
        self.verifier = Verifier(name=name, key_id=_key_id(name, public), public_key=public)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "LogSigner":
        """The key of a secret seed of 32 bytes (RFC 8032's private key)."""
        if len(seed) != _KEY_BYTES:
            raise NoteError(
                f"a signing seed has {_KEY_BYTES} bytes, this has {len(seed)}",
                fix="restore the key file from its backup",
            )
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def name(self) -> str:
        return self.verifier.name

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    def sign(self, text: str) -> bytes:
        """The signed note of ``text``, which ends in a newline."""
        if not text.endswith("\n") or _CONTROL.search(text):
            raise NoteError("only text that ends in a newline can be signed", fix="add a newline")
        signature = base64.b64encode(self.verifier.key_id + self._key.sign(text.encode())).decode()
        return f"{text}\n{_DASH} {self.name} {signature}\n".encode()


def decode_base64(text: str) -> bytes | None:
    """Standard base64 (RFC 4648, section 4) in its one canonical form, None for anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def _key_id(name: str, public_key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_BYTES]


def _split(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and every signature as (key name, key id and signature)."""
    if len(note) > NOTE_BYTES_MAX:
        raise NoteError(f"a note of {len(note)} bytes is too long", fix="check the file")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise NoteError("the note is not UTF-8", fix="restore it from a copy") from error
    body, separator, tail = whole.rpartition("\n\n")
    lines = tail.split("\n")
    if not separator or _CONTROL.search(whole) or lines.pop() or not lines:
        raise NoteError("this is no signed note", fix="restore it from a copy")
    if len(lines) > SIGNATURES_MAX:
        raise NoteError(f"a note bears at most {SIGNATURES_MAX} signatures", fix="check the file")
    return body + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    match = _SIGNATURE.match(line)
    signature = decode_base64(match["signature"]) if match else None
    if match is None or signature is None or len(signature) <= _KEY_ID_BYTES:
        raise NoteError("a signature line of the note is malformed", fix="restore it from a copy")
    return match["name"], signature
