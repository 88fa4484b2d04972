"""Objects as files: written beside their name, synced, then renamed over it."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from holdfast.world.ports import WorldError
from holdfast.world.real.disk import (
    make_folder,
    sync_file,
    sync_folder,
    world_error,
    write_whole,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\Z")
_NAME_LENGTH_MAX = 255
_UNFINISHED = ".unfinished-"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


class FileBlobs:
    """Objects in one folder, made private (0700) when missing. One process writes, many read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[Path] = set()
        try:
            make_folder(folder)
        except OSError as error:
            raise world_error(f"cannot make the folder {folder}", error) from error

    def put(self, name: str, data: bytes) -> None:
        self.put_all([(name, data)])

    def put_all(self, objects: Iterable[tuple[str, bytes]]) -> None:
        """A crash leaves the old object or the new one, and perhaps an unfinished file beside.

        The next put of the same name writes over that file; nothing ever reads it.
        """
        folders: dict[Path, None] = {}
        for name, data in objects:
            path = self._path(name)
            self._write(path, data)
            folders[path.parent] = None
        for folder in folders:
            try:
                sync_folder(folder)
            except OSError as error:
                raise world_error(f"cannot write {folder}", error) from error

    def _write(self, path: Path, data: bytes) -> None:
        unfinished = path.with_name(_UNFINISHED + path.name)
        try:
            self._make(path.parent)
            _write(unfinished, data)
            unfinished.replace(path)
        except OSError as error:
            self._made.discard(path.parent)
            raise world_error(f"cannot write {path}", error) from error

    def get(self, name: str) -> bytes | None:
        path = self._path(name)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise world_error(f"cannot read {path}", error) from error

    def names(self, prefix: str) -> list[str]:
        top = self._path(prefix.rstrip("/")) if prefix else self._folder
        try:
            found = [path for path in top.rglob("*") if path.is_file()]
        except OSError as error:
            raise world_error(f"cannot list {top}", error) from error
        return sorted(
            path.relative_to(self._folder).as_posix()
            for path in found
            if not path.name.startswith(_UNFINISHED)
        )

    def remove(self, name: str) -> None:
        """After a crash right here the object may be back: removing it again is harmless."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise world_error(f"cannot remove {path}", error) from error
        self._remove_empty(path.parent)

    def _remove_empty(self, folder: Path) -> None:
        if folder == self._folder:
            return
        self._made.discard(folder)
        try:
            folder.rmdir()
        except OSError:
            return  # still in use, or already gone: either way nothing is owed here

    def _make(self, folder: Path) -> None:
        if folder not in self._made:
            make_folder(folder)
            self._made.add(folder)

    def _path(self, name: str) -> Path:
        if not _NAME.match(name) or len(name) > _NAME_LENGTH_MAX:
            raise WorldError(
                f"{name!r} is no object name", fix="use letters, digits, dots, dashes and slashes"
            )
        return self._folder / name


def _write(path: Path, data: bytes) -> None:
    fd = os.open(path, _CREATE, 0o600)
    try:
        write_whole(fd, data)
        sync_file(fd)
    finally:
        os.close(fd)
