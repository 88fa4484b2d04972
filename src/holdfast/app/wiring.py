"""Where objects are made. Everything else receives them."""

from pathlib import Path

from holdfast.app.datadir import DataDir, DataDirError
from holdfast.audit import Log, LogReader, LogSigner, Recorder
from holdfast.core import sha256_digest
from holdfast.world.ports import Clock, Entropy, Store
from holdfast.world.real import FileBlobs, FileJournals, SqliteStore

LOG_KEY = "log-signing"
SALT_KEY = "digest-salt"
ORIGIN = "holdfast.local/log/"
"""How the name of a log in its checkpoints begins (C2SP tlog-checkpoint's origin line)."""


def make_recorder(journals: Path, clock: Clock, *, worker: int) -> Recorder:
    """A worker's way to the log."""
    return Recorder(FileJournals(journals), clock, worker=worker)


def open_store(data: DataDir) -> Store:
    """The instance's database."""
    return SqliteStore(data.database)


def open_log(data: DataDir, *, store: Store, entropy: Entropy) -> Log:
    """The log, recovered; its public key is left beside it for offline verification."""
    seed = data.key(LOG_KEY, entropy)
    # No two logs have one name: it ends in a digest of the key's seed, which tells nothing of it.
    name = ORIGIN + sha256_digest(b"holdfast log name" + seed).removeprefix("sha256:")[:12]
    signer = LogSigner.from_seed(name, seed)
    data.publish_key(signer.vkey)
    return Log.open(
        blobs=FileBlobs(data.log),
        store=store,
        journals=FileJournals(data.journals),
        signer=signer,
    )


def public_key(data: DataDir) -> str:
    """The key that the log's checkpoints verify with; ``DataDirError`` when it is not there."""
    try:
        return data.public_key_file.read_text("ascii").strip()
    except OSError as error:
        raise DataDirError(
            f"the log's public key {data.public_key_file} cannot be read: {error.strerror}",
            fix="name the instance's directory with --data DIR",
        ) from error


def open_reader(data: DataDir, *, store: Store) -> LogReader:
    """Reading access to the log, for this process or another."""
    return LogReader(
        blobs=FileBlobs(data.log),
        store=store,
        journals=FileJournals(data.journals),
        vkey=public_key(data),
    )
