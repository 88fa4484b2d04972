"""The ports: what the rest of Holdfast may ask of the world, each with its failures stated."""

from holdfast.world.ports.blobs import Blobs
from holdfast.world.ports.clock import Clock
from holdfast.world.ports.entropy import Entropy
from holdfast.world.ports.errors import DamageError, WorldError
from holdfast.world.ports.journals import Journals, JournalWriter
from holdfast.world.ports.marks import Marks
from holdfast.world.ports.names import Names
from holdfast.world.ports.network import Address, BoundSocket, Listener, ListenTls, Network
from holdfast.world.ports.programs import ProgramListener, Programs, RunningProgram
from holdfast.world.ports.store import Row, Store, Transaction, Value

__all__ = [
    "Address",
    "Blobs",
    "BoundSocket",
    "Clock",
    "DamageError",
    "Entropy",
    "JournalWriter",
    "Journals",
    "ListenTls",
    "Listener",
    "Marks",
    "Names",
    "Network",
    "ProgramListener",
    "Programs",
    "Row",
    "RunningProgram",
    "Store",
    "Transaction",
    "Value",
    "WorldError",
]
