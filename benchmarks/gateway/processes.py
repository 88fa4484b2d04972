"""Processes: where they run, and what CPU time they and their children have used. Linux only."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_IDLE_FIELDS = (3, 4)


def tree(root: int) -> tuple[int, ...]:
    """``root`` and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            parent = int(text.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += sorted(children.get(pid, ()))
    return tuple(found)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, all its threads, user and system.

    The same sum as utime + stime in ``/proc/PID/stat``, read from the process's CPU clock
    (clock_getcpuclockid(3)) in nanoseconds instead of ticks of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)


def cpu_by_process(root: int) -> dict[int, float]:
    """CPU seconds so far of every process of the tree."""
    return {pid: cpu_s(pid) for pid in tree(root)}


def name_of(pid: int) -> str:
    """What the process is, shortly: program or Python module."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    if "-m" in words:
        return words[words.index("-m") + 1]
    return Path(words[0]).name


def core_busy_s(core: int) -> float:
    """Seconds that a core was not idle so far, whoever used it."""
    for line in Path("/proc/stat").read_text().splitlines():
        words = line.split()
        if words[0] == f"cpu{core}":
            ticks = [int(word) for word in words[1:9]]
            return (sum(ticks) - sum(ticks[field] for field in _IDLE_FIELDS)) / _TICKS_PER_S
    return 0.0


def check_pinned(pids: Iterable[int], core: int) -> None:
    """Every process must run on ``core`` alone, or the figures mean nothing."""
    for pid in pids:
        if os.sched_getaffinity(pid) != {core}:
            raise SystemExit(f"process {pid} ({name_of(pid)}) left core {core}")


def settle(root: int, *, quiet_share: float = 0.05, wait_s: float = 10.0) -> float:
    """Wait until the tree is at rest, so that work put off is not work forgotten; seconds waited."""
    began = time.monotonic()
    before = sum(cpu_by_process(root).values())
    while (waited := time.monotonic() - began) < wait_s:
        time.sleep(0.25)
        now = sum(cpu_by_process(root).values())
        if now - before < 0.25 * quiet_share:
            break
        before = now
    return waited
