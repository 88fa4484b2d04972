"""Where objects are made. Everything else receives them."""

import os
from pathlib import Path

import msgspec

from holdfast.app.datadir import DataDir, DataDirError
from holdfast.audit import Cosigner, Log, LogReader, LogSigner, Outbox, Recorder
from holdfast.core import sha256_digest
from holdfast.identity import PublicKey, SigningKey, TokenError
from holdfast.world.ports import Clock, Entropy, Store
from holdfast.world.real import SCHEMES, FileBlobs, FileJournals, PostgresStore, SqliteStore

LOG_KEY = "log-signing"
COSIGN_KEY = "log-cosigning"
"""The seed of the log's second key, ML-DSA-44: it holds when Ed25519 no longer does."""
SALT_KEY = "digest-salt"
SESSION_KEY = "session-root"
SEAL_KEY = "mcp-seal"
"""What MCP servers give clients to bring back is sealed with it (``gateway.mcp.sealing``)."""
STORE_VARIABLE = "HOLDFAST_STORE"
"""The environment variable with the address of the database."""
REGISTRY_KEY = "registry-signing"
ORIGIN = "holdfast.local/log/"
"""How the name of a log in its checkpoints begins (C2SP tlog-checkpoint's origin line)."""


def make_recorder(journals: Path, clock: Clock, *, worker: int) -> Recorder:
    """A worker's way to the log."""
    return Recorder(FileJournals(journals), clock, worker=worker)


def salt_name(tenant: str) -> str:
    """The file, among the keys, of a tenant's salt."""
    return f"{SALT_KEY}-{tenant}"


def digest_salt(data: DataDir, tenant: str, entropy: Entropy) -> bytes:
    """What makes a tenant's digests of prompts and answers; made on first use.

    An instance from before there was one for each tenant has one for all: it becomes the tenant's.
    """
    single = data.keys / SALT_KEY
    mine = data.keys / salt_name(tenant)
    if single.exists() and not mine.exists():
        single.rename(mine)
    return data.key(salt_name(tenant), entropy)


def open_store(data: DataDir) -> Store:
    """The instance's database, wherever it was started with it."""
    address = os.environ.get(STORE_VARIABLE) or data.store_address()
    return SqliteStore(data.database) if address is None else PostgresStore(address)


def choose_store(data: DataDir, address: str | None) -> Store:
    """The database that ``holdfast up`` was told, else the environment, else the one before."""
    chosen = address or os.environ.get(STORE_VARIABLE) or data.store_address()
    if chosen is None:
        return SqliteStore(data.database)
    if not chosen.startswith(SCHEMES):
        raise DataDirError(
            "the address of the store is not one of PostgreSQL",
            fix=f"write it as {SCHEMES[0]}user@host/database, or leave it out for SQLite",
        )
    if data.database.exists():
        raise DataDirError(
            f"{data.path} keeps its rows in SQLite; they do not move by themselves",
            fix="begin with a new directory (--data DIR), and keep this one for its log",
        )
    store = PostgresStore(chosen)
    data.remember_store(chosen)
    return store


def log_signer(data: DataDir, *, clock: Clock, entropy: Entropy) -> LogSigner:
    """The log's own keys, made on first use."""
    seed = data.key(LOG_KEY, entropy)
    # No two logs have one name: it ends in a digest of the key's seed, which tells nothing of it.
    name = ORIGIN + sha256_digest(b"holdfast log name" + seed).removeprefix("sha256:")[:12]
    cosigner = Cosigner.mldsa44(name, data.key(COSIGN_KEY, entropy), now=clock.now)
    return LogSigner.from_seed(name, seed, cosigner=cosigner)


def open_log(data: DataDir, *, store: Store, clock: Clock, entropy: Entropy) -> Log:
    """The log, recovered; its public keys are left beside it for offline verification."""
    signer = log_signer(data, clock=clock, entropy=entropy)
    data.publish_key("\n".join(each.vkey for each in signer.verifiers))
    return Log.open(
        blobs=FileBlobs(data.log),
        store=store,
        journals=FileJournals(data.journals),
        signer=signer,
    )


def registry_key(data: DataDir, entropy: Entropy) -> SigningKey:
    """The key that signs passports, the revocation feed and the status list; made on first use."""
    key = SigningKey.from_seed(data.key(REGISTRY_KEY, entropy))
    data.publish_registry_key(key.public.jwk())
    return key


def registry_public(data: DataDir) -> PublicKey:
    """What they are verified with; ``DataDirError`` when it is not there."""
    try:
        jwk = msgspec.json.decode(data.registry_key_file.read_bytes(), type=dict[str, object])
        return PublicKey.from_jwk(jwk)
    except (OSError, msgspec.DecodeError, TokenError) as error:
        raise DataDirError(
            f"the registry's public key {data.registry_key_file} cannot be read: {error}",
            fix="start the instance: it writes the key anew",
        ) from error


def public_key(data: DataDir) -> str:
    """The Ed25519 key that the log's checkpoints verify with; the first of ``public_keys``."""
    return public_keys(data).partition("\n")[0]


def public_keys(data: DataDir) -> str:
    """Every verifier key of the log, one a line; ``DataDirError`` when they are not there."""
    try:
        return data.public_key_file.read_text("ascii").strip()
    except OSError as error:
        raise DataDirError(
            f"the log's public key {data.public_key_file} cannot be read: {error.strerror}",
            fix="name the instance's directory with --data DIR",
        ) from error


def open_reader(data: DataDir, *, store: Store, outbox: Outbox | None = None) -> LogReader:
    """Reading access to the log, for this process or another; with ``outbox`` it also finds the
    changes that are still on their way to the log."""
    return LogReader(
        blobs=FileBlobs(data.log),
        store=store,
        journals=FileJournals(data.journals),
        vkey=public_key(data),
        outbox=outbox,
    )
