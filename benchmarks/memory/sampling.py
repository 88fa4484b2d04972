"""Resident memory of a target's processes, by what they are."""

from pathlib import Path
from typing import Any

import processes

MIB = 1024 * 1024


def resident(root: int) -> dict[str, Any]:
    """Mebibytes of the keeper and of all workers together, and how many workers there are."""
    keeper = workers = 0.0
    count = 0
    for pid in processes.tree(root):
        size = _resident(pid) / MIB
        if pid == root:
            keeper = size
        elif "worker" in processes.name_of(pid):
            workers += size
            count += 1
    return {"keeper": keeper, "workers": workers, "count": count}


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def disk_bytes(folder: Path) -> int:
    """What a folder holds, with all below it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
