"""A simulated world: one seed decides time, order, the network's moods and the disk's faults.

Same code above, same seed, same history: a failure found at seed N is found again by seed N.
"""

from holdfast.world.sim.blobs import SimBlobs
from holdfast.world.sim.clock import SimClock
from holdfast.world.sim.disk import CrashError, SimDisk
from holdfast.world.sim.entropy import SimEntropy
from holdfast.world.sim.faults import CLOCK_KINDS, DISK_KINDS, NETWORK_KINDS, Fault
from holdfast.world.sim.journals import SimJournals, SimJournalWriter
from holdfast.world.sim.loop import DeadlockError, SimLoop, simulate
from holdfast.world.sim.names import SimNames
from holdfast.world.sim.network import EVERYWHERE, SimListener, SimNetwork
from holdfast.world.sim.processes import SimProcess, current_process
from holdfast.world.sim.programs import Script, SimProgram, SimPrograms
from holdfast.world.sim.store import SimStore
from holdfast.world.sim.trace import Trace
from holdfast.world.sim.transport import SimTransport
from holdfast.world.sim.weather import NetworkFaults

__all__ = [
    "CLOCK_KINDS",
    "DISK_KINDS",
    "EVERYWHERE",
    "NETWORK_KINDS",
    "CrashError",
    "DeadlockError",
    "Fault",
    "NetworkFaults",
    "Script",
    "SimBlobs",
    "SimClock",
    "SimDisk",
    "SimEntropy",
    "SimJournalWriter",
    "SimJournals",
    "SimListener",
    "SimLoop",
    "SimNames",
    "SimNetwork",
    "SimProcess",
    "SimProgram",
    "SimPrograms",
    "SimStore",
    "SimTransport",
    "Trace",
    "current_process",
    "simulate",
]
