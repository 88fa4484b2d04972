"""What one instance stands on: made at its start, the same until its end."""

import asyncio
from dataclasses import dataclass

from holdfast.app import wiring
from holdfast.app.datadir import DataDir, InstanceInfo
from holdfast.app.files import Loaded
from holdfast.app.options import Options
from holdfast.audit import Log, LogReader
from holdfast.world.ports import Store
from holdfast.world.real import SystemClock, SystemEntropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """``loaded`` is the blueprint that it started with, ``info`` where it is reached, ``group`` what
    its tasks end with."""

    options: Options
    loaded: Loaded
    data: DataDir
    store: Store
    audit_log: Log
    info: InstanceInfo
    clock: SystemClock
    entropy: SystemEntropy
    group: asyncio.TaskGroup

    def reader(self) -> LogReader:
        """A way to read the log of one's own."""
        return wiring.open_reader(self.data, store=self.store)
