"""What ``holdfast model check`` does: a model's files read in bounded pieces, judged, digested."""

import hashlib
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from holdfast.app.texts import FileError
from holdfast.core import Digest, HoldfastError, Json, canonical_json, sha256_digest
from holdfast.registry.models import Verdict, judge

MODEL_FILES_MAX = 10_000
MODEL_DEPTH_MAX = 16
READ_BYTES = 1024 * 1024
TOLD_MAX = 5


class ModelLinkError(HoldfastError):
    """A model's files hold a symbolic link, or something that is neither file nor folder."""

    code = "model.link"


class ModelRefusedError(HoldfastError):
    """A model's files are not admitted."""

    code = "model.not-admitted"


class CheckedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its name within the model, its digest, and what was found."""

    name: str
    bytes: int
    digest: Digest
    verdict: Verdict


class CheckedModel(msgspec.Struct, frozen=True, kw_only=True):
    """The whole. ``digest`` is the file's, or over the names and digests of a folder's files."""

    path: str
    admitted: bool
    digest: Digest
    files: tuple[CheckedFile, ...]

    @property
    def refused(self) -> tuple[CheckedFile, ...]:
        return tuple(each for each in self.files if not each.verdict.admitted)


class _OpenFile:
    """``Pieces`` over an open file: what is judged and what is digested are the same bytes."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, max(0, min(size, self._size - offset)), offset)

    def digest(self) -> Digest:
        running = hashlib.sha256()
        for at in range(0, self._size, READ_BYTES):
            running.update(self.read(at, READ_BYTES))
        return Digest("sha256:" + running.hexdigest())


def check_model(path: Path) -> CheckedModel:
    """Every file at ``path``, judged; nothing is loaded, run or rendered.

    ``ModelLinkError`` for links and devices, ``FileError`` for what cannot be read.
    """
    try:
        names = _names(path)
        files = tuple(_check_file(path / name if name else path, name) for name in names)
    except OSError as error:
        raise FileError(
            f"{path} cannot be read: {error.strerror}", fix="check the path and its permissions"
        ) from error
    admitted = bool(files) and all(each.verdict.admitted for each in files)
    return CheckedModel(path=str(path), admitted=admitted, digest=_digest(files), files=files)


def require_model(path: Path) -> CheckedModel:
    """The same; ``ModelRefusedError`` with the reasons where it is not admitted."""
    checked = check_model(path)
    if checked.admitted:
        return checked
    told = "; ".join(
        f"{each.name}: {each.verdict.why} [{each.verdict.code}]"
        for each in checked.refused[:TOLD_MAX]
    )
    fixes = [each.verdict.fix for each in checked.refused]
    raise ModelRefusedError(
        f"the model {path} is not admitted: {told or 'it has no files'}",
        fix=fixes[0] if fixes else "name the model's file or folder",
    )


def _names(path: Path) -> list[str]:
    """The files of a folder by their names within it, in order; one empty name for a file."""
    if not stat.S_ISDIR(path.lstat().st_mode):
        return [""]
    found: list[str] = []
    waiting = [(path, "", 0)]
    while waiting:
        folder, prefix, depth = waiting.pop()
        for entry in os.scandir(folder):
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append((folder / entry.name, name + "/", depth + 1))
            else:
                found.append(name)
        if len(found) > MODEL_FILES_MAX or depth > MODEL_DEPTH_MAX:
            raise ModelRefusedError(
                f"{path} has more than {MODEL_FILES_MAX} files, or {MODEL_DEPTH_MAX} levels",
                fix="name the folder that holds the model and nothing else",
            )
    return sorted(found)


def _check_file(path: Path, name: str) -> CheckedFile:
    with _opened(path) as opened:
        verdict = judge(name or path.name, opened)
        digest = opened.digest()
    return CheckedFile(name=name or path.name, bytes=opened.size, digest=digest, verdict=verdict)


@contextmanager
def _opened(path: Path) -> Generator[_OpenFile]:
    """A plain file that is no link, whatever it is exchanged for meanwhile. Pipes are not waited for."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode) or not stat.S_ISREG(mode):
        raise ModelLinkError(
            f"{path} is a symbolic link or no file", fix="copy the file itself to its place"
        )
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ModelLinkError(f"{path} is no file", fix="copy the file itself to its place")
        yield _OpenFile(descriptor, found.st_size)
    finally:
        os.close(descriptor)


def _digest(files: tuple[CheckedFile, ...]) -> Digest:
    if len(files) == 1 and "/" not in files[0].name:
        return files[0].digest
    listed: dict[str, Json] = {each.name: each.digest for each in files}
    return sha256_digest(canonical_json(listed))
