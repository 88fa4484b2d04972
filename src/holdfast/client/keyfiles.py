"""Keys and identities in files: ``NAME.pem`` holds the key, ``NAME.wit`` beside it the WIT."""

import contextlib
import os
import stat
from pathlib import Path

from holdfast.client.errors import KeyFileError, WitMissingError
from holdfast.client.held import read_wit
from holdfast.identity import KeyRefusedError, SigningKey
from holdfast.world.ports import Entropy

KEY_FILE_BYTES_MAX = 65_536
WIT_FILE_BYTES_MAX = 65_536

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_key(path: Path, entropy: Entropy) -> SigningKey:
    """A new key in a file that its owner alone may read; never over an old one.

    A crash right after leaves the key whole, or a file that ``read_key`` refuses.
    """
    key = SigningKey.generate(entropy)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.pem())
    except OSError as error:
        raise KeyFileError(
            f"{path} cannot be made: {error.strerror}", fix="name a file that does not exist yet"
        ) from error
    return key


def read_key(path: Path) -> SigningKey:
    """The key in a file; ``KeyFileError`` where others than its owner may read it too."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(KEY_FILE_BYTES_MAX)
    except OSError as error:
        raise KeyFileError(
            f"{path} cannot be read: {error.strerror}",
            fix=f"make a key: 'holdfast identity issue NODE --key {path} --new'",
        ) from error
    if mode & _OTHERS:
        raise KeyFileError(
            f"{path} may be read by others than its owner", fix=f"run 'chmod 600 {path}'"
        )
    try:
        return SigningKey.from_pem(text)
    except KeyRefusedError as error:
        raise KeyFileError(f"{path}: {error.what}", fix=error.fix) from error


def read_wit_file(path: Path, *, key: Path) -> bytes:
    """The WIT in a file."""
    try:
        with path.open("rb") as file:
            return read_wit(file.read(WIT_FILE_BYTES_MAX))
    except OSError as error:
        raise WitMissingError(
            f"there is no identity: {path} cannot be read: {error.strerror}",
            fix=f"write one: 'holdfast identity issue NODE --key {key} > {path}'",
        ) from error


def write_wit_file(path: Path, wit: bytes) -> None:
    """Keeps a WIT for the next start. A crash right after leaves the old one or the new one whole;
    a disk that takes none costs a renewal at the next start and nothing else."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(wit + b"\n")
        draft.replace(path)
