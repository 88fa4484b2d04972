"""What the file-backed ports share: making bytes durable, and saying what a disk's error means."""

import errno
import fcntl
import os
import sys
from pathlib import Path

from holdfast.world.ports import WorldError

_FIXES = {
    errno.ENOSPC: "free disk space, or move the data directory to a larger disk",
    errno.EDQUOT: "the user's disk quota is used up: raise it or free space",
    errno.EACCES: "give the user Holdfast runs as access to this path",
    errno.EPERM: "give the user Holdfast runs as access to this path",
    errno.EROFS: "the file system is read-only: remount it writable",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit on open files",
    errno.EIO: "the disk failed: check the kernel log and the disk's health",
    errno.EEXIST: "another process made it first: check that only one runs on this data directory",
}
_DURABLE_APPEND = os.RWF_DSYNC | os.RWF_APPEND if sys.platform == "linux" else None
_FIX_OTHERWISE = "check the path, its permissions and the disk"


def world_error(what: str, error: OSError) -> WorldError:
    """The operating system's refusal, in words and with a way out."""
    reason = error.strerror or type(error).__name__
    return WorldError(f"{what}: {reason}", fix=_FIXES.get(error.errno or 0, _FIX_OTHERWISE))


def sync_file(fd: int) -> None:
    """Return when the file's bytes are on the disk, not merely in its cache where that differs."""
    if sys.platform == "darwin":
        # fsync on macOS leaves the bytes in the drive's own cache.
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(fd)


def append_durably(fd: int, data: bytes) -> None:
    """Add ``data`` at the end of a file opened for appending; durable on return.

    On Linux in one system call, which gives up the interpreter's lock once instead of twice: with
    the event loop waiting for it, that halves what an append costs.
    """
    if _DURABLE_APPEND is not None:
        try:
            written = os.pwritev(fd, [data], 0, _DURABLE_APPEND)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
                raise
        else:
            if written == len(data):
                return
            data = data[written:]
    write_whole(fd, data)
    sync_file(fd)


def sync_folder(folder: Path) -> None:
    """Return when names added to or removed from ``folder`` are durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(fd: int, data: bytes) -> None:
    """Write all of ``data``: the system may take fewer bytes than offered, and then goes on."""
    written = os.write(fd, data)
    if written == len(data):
        return
    rest = memoryview(data)[written:]
    while rest:
        rest = rest[os.write(fd, rest) :]


def make_folder(folder: Path) -> None:
    """Make ``folder`` and the folders above it, private and durable. Idempotent."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    sync_folder(folder.parent)


def yield_to_others() -> None:
    """Let the calling thread wait for its turn instead of interrupting whoever runs.

    Without it every wake-up of a thread that serves the event loop interrupts the loop, finds the
    interpreter's lock taken, and waits again: twelve switches an append.
    """
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
