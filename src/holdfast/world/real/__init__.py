"""The real world: the machine's clock, randomness, sockets, files and database."""

from holdfast.world.real.blobs import FileBlobs
from holdfast.world.real.clock import SystemClock
from holdfast.world.real.entropy import SystemEntropy
from holdfast.world.real.journals import FileJournals
from holdfast.world.real.marks import FileMarks
from holdfast.world.real.names import SystemNames
from holdfast.world.real.network import SocketNetwork
from holdfast.world.real.postgres import SCHEMES, PostgresStore
from holdfast.world.real.programs import SystemPrograms
from holdfast.world.real.store import SqliteStore

__all__ = [
    "SCHEMES",
    "FileBlobs",
    "FileJournals",
    "FileMarks",
    "PostgresStore",
    "SocketNetwork",
    "SqliteStore",
    "SystemClock",
    "SystemEntropy",
    "SystemNames",
    "SystemPrograms",
]
