"""Signed blueprints: who may say which programs are started.

FILE.sig beside the blueprint is a C2SP signed note (Ed25519) over the SHA-256 of its text. Key files
are those of C2SP's own tools: one line that begins with ``PRIVATE+KEY+``.
"""

import base64
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from holdfast.audit import LogSigner, NoteError, Verifier
from holdfast.core import HoldfastError, sha256_digest
from holdfast.world.real import SystemEntropy

SUFFIX = ".sig"
SIGNATURE_BYTES_MAX = 64 * 1024
KEY_FILE_BYTES_MAX = 4096
TRUSTED_KEYS_MAX = 100

_HEADING = "holdfast blueprint v1"
_PRIVATE = "PRIVATE+KEY+"
_SEED_BYTES = 32
_ED25519 = b"\x01"


class SignatureError(HoldfastError):
    """A blueprint's signature cannot be made, or does not hold."""

    code = "blueprint.signature"


class Signed(msgspec.Struct, frozen=True):
    """What ``holdfast sign`` did; ``vkey`` is what ``--trust-key`` takes."""

    signature: str
    vkey: str
    key_made: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose signature is believed. ``required``: without one nothing is loaded at all."""

    keys: tuple[Verifier, ...] = ()
    required: bool = False


NO_TRUST = Trust()


def sign_blueprint(path: Path, *, key_file: Path, name: str) -> Signed:
    """Write ``path``.sig with the key in ``key_file``, which is made (for its owner's eyes only)
    where there is none. A crash leaves the old signature or the new one."""
    made = not key_file.exists()
    if made:
        _make_key(key_file, name)
    signer = _signer(key_file)
    note = signer.sign(_text(_read(path)))
    target = signature_file(path)
    part = target.with_name(target.name + ".part")
    try:
        part.write_bytes(note)
        part.replace(target)
    except OSError as error:
        raise SignatureError(f"{target} cannot be written: {error.strerror}") from error
    return Signed(str(target), signer.vkey, made)


def signature_file(path: Path) -> Path:
    """Where the signature of a blueprint stands."""
    return path.with_name(path.name + SUFFIX)


def signer_of(path: Path, text: str, *, trust: Trust) -> str | None:
    """The name of a trusted key that has signed this very text; None when none has.

    ``SignatureError`` where ``trust`` asks for one and there is none.
    """
    why = "there are no keys to hold it against"
    try:
        note = _bounded(signature_file(path), SIGNATURE_BYTES_MAX)
    except OSError as error:
        note, why = b"", f"{signature_file(path).name} cannot be read: {error.strerror or error}"
    for key in trust.keys if note else ():
        try:
            if key.open(note) == _text(text.encode()):
                return key.name
            why = "it was signed as another text, and has been changed since"
        except NoteError as error:
            why = error.what
    if trust.required:
        raise SignatureError(
            f"{path} bears no signature that is trusted: {why}",
            fix="sign it with 'holdfast sign', or name the key that has with --trust-key",
        )
    return None


def read_trust(words: tuple[str, ...], *, folder: Path | None) -> Trust:
    """The keys of ``--trust-key`` (each a verifier key or a file that holds one), and those in
    ``folder`` (files ``*.vkey``). Keys that were named make a signature required."""
    keys = [_verifier(word) for word in words]
    found = sorted(folder.glob("*.vkey"))[:TRUSTED_KEYS_MAX] if folder is not None else []
    keys.extend(_verifier(str(file)) for file in found)
    return Trust(keys=tuple(keys), required=bool(words))


def _verifier(word: str) -> Verifier:
    try:
        is_file = "+" not in word or Path(word).is_file()
        text = _bounded(Path(word), KEY_FILE_BYTES_MAX).decode("ascii") if is_file else word
        return Verifier.parse(text.strip())
    except (OSError, UnicodeDecodeError, NoteError) as error:
        raise SignatureError(
            f"{word[:200]!r} is no key to trust: {error}",
            fix="give what 'holdfast sign' printed, or a file that holds it",
        ) from error


def _text(data: bytes) -> str:
    return f"{_HEADING}\n{sha256_digest(data)}\n"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SignatureError(
            f"{path} cannot be read: {error.strerror}", fix="check the path and its permissions"
        ) from error


def _bounded(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"it has more than {most} bytes")
    return data


def _make_key(path: Path, name: str) -> None:
    seed = SystemEntropy().secret(_SEED_BYTES)
    signer = _named(name, seed)
    key_id = signer.verifier.key_id.hex()
    line = f"{_PRIVATE}{name}+{key_id}+{base64.b64encode(_ED25519 + seed).decode()}\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SignatureError(f"the key {path} cannot be written: {error.strerror}") from error


def _signer(path: Path) -> LogSigner:
    try:
        line = _bounded(path, KEY_FILE_BYTES_MAX).decode("ascii").strip()
        name, _, rest = line.removeprefix(_PRIVATE).partition("+")
        key = base64.b64decode(rest.partition("+")[2], validate=True)
    except (OSError, ValueError) as error:
        raise SignatureError(f"the key {path} cannot be read: {error}") from error
    if not line.startswith(_PRIVATE) or key[:1] != _ED25519 or len(key) != 1 + _SEED_BYTES:
        raise SignatureError(
            f"{path} holds no signing key",
            fix="name a file that 'holdfast sign' made, or one that is not there yet",
        )
    return _named(name, key[1:])


def _named(name: str, seed: bytes) -> LogSigner:
    try:
        return LogSigner.from_seed(name, seed)
    except NoteError as error:
        raise SignatureError(error.what, fix=error.fix) from error
