"""A simulated world: one seed decides time, order, the network's moods and the disk's faults.

Same code above, same seed, same history: a failure found at seed N is found again by seed N.
"""

from holdfast.world.sim.blobs import SimBlobs
from holdfast.world.sim.clock import SimClock
from holdfast.world.sim.entropy import SimEntropy
from holdfast.world.sim.journals import SimJournals, SimJournalWriter
from holdfast.world.sim.loop import DeadlockError, SimLoop, simulate
from holdfast.world.sim.network import NetworkFaults, SimNetwork
from holdfast.world.sim.store import SimStore

__all__ = [
    "DeadlockError",
    "NetworkFaults",
    "SimBlobs",
    "SimClock",
    "SimEntropy",
    "SimJournalWriter",
    "SimJournals",
    "SimLoop",
    "SimNetwork",
    "SimStore",
    "simulate",
]
