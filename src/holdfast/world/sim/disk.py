"""The state of a disk: which of the next writes fail, and how."""

from collections import deque

from holdfast.world.ports import WorldError
from holdfast.world.sim.faults import Fault


class CrashError(BaseException):
    """The process ends here: no handler of the code under test may survive it."""


class SimDisk:
    """Shared by whatever lies on one disk (journals, blobs, rows)."""

    def __init__(self) -> None:
        self.writes = 0
        self.crash_at: int | None = None
        """The whole write (``check``) that ends the process instead of being done."""
        self._failing: deque[Fault] = deque()
        self._lasting: list[Fault] = []

    def begin(self, fault: Fault) -> None:
        """From now on ``fault`` is; one that concerns one write waits for it."""
        if fault.kind in ("disk-fail", "disk-torn"):
            self._failing.append(fault)
        elif fault.kind in ("disk-full", "disk-slow"):
            self._lasting.append(fault)
        else:
            raise ValueError(f"a disk has no fault {fault.kind!r}")

    def end(self, fault: Fault) -> None:
        """It is over, met or not."""
        for faults in (self._failing, self._lasting):
            if fault in faults:
                faults.remove(fault)

    @property
    def delay_s(self) -> float:
        """What every write takes more."""
        return sum(fault.amount for fault in self._lasting if fault.kind == "disk-slow")

    def check(self) -> None:
        """Before a write that is done whole or not at all: ``WorldError`` when it is not done."""
        self.writes += 1
        if self.crash_at is not None and self.writes >= self.crash_at:
            self.crash_at = None
            raise CrashError
        if self.kept() is not None:
            raise refused("the write")

    def kept(self) -> float | None:
        """None when the next write is done, else the share of it that is kept although it fails."""
        if self._failing:
            fault = self._failing.popleft()
            return fault.amount if fault.kind == "disk-torn" else 0.0
        is_full = any(fault.kind == "disk-full" for fault in self._lasting)
        return 0.0 if is_full else None


def refused(what: str) -> WorldError:
    return WorldError(f"{what} failed: the disk refused it", fix="check the disk's health and room")
