"""The machine that a benchmark runs on: which cores, what it is, how many files may be open."""

import contextlib
import fcntl
import os
import platform
import resource
from collections.abc import Generator
from pathlib import Path


def cores() -> tuple[int, int]:
    """The gateway's core and the load's: the last two that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise SystemExit("two cores are needed: one for the gateway, one for the load")
    return allowed[-1], allowed[-2]


@contextlib.contextmanager
def alone(folder: Path) -> Generator[None]:
    """Only one benchmark at a time: they would spoil each other's figures, and share ``folder``."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another benchmark runs; waiting for its end ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def described() -> str:
    """Processor, cores, kernel."""
    model = "an unnamed processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


def open_files() -> int:
    """Raises what this process and its children may have open as far as it may; how far that is."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
