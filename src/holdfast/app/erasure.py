"""Erasure: destroying the salt of a tenant's digests makes them mute, and leaves the log whole.

The salts lie outside the log, one file a tenant. Order of the durable steps, and what a crash
between them leaves:

1. the salt is renamed: no process takes it up any more; a new one is made.
2. the record of the erasure waits for the log. A crash before it leaves the renamed file: the next
   start, or the next erasure, goes on from here.
3. the renamed file is overwritten and removed. A crash before it has the next start record and
   remove it once more.
4. workers that run have the old salt in memory: they are replaced.
"""

import os
from pathlib import Path

import msgspec

from holdfast.app import wiring
from holdfast.app.acts import new_act
from holdfast.app.datadir import DataDir, DataDirError
from holdfast.app.restarts import restart_workers
from holdfast.audit import Act, Outbox, record_of
from holdfast.core import sha256_digest
from holdfast.world.ports import Store
from holdfast.world.real import SystemEntropy

ERASED = "salt.destroyed"
_DOOMED = ".doomed"
_LABEL = b"holdfast salt v1\0"


class Erased(msgspec.Struct, frozen=True):
    """``change`` is the id of the record; ``salt`` commits to what was destroyed."""

    tenant: str
    change: str
    salt: str
    workers: int


def erase(data: DataDir, tenant: str, *, reason: str) -> Erased:
    """Destroy a tenant's salt. There is no way back."""
    data.require()
    path = _salt_file(data, tenant)
    if not path.exists():
        raise DataDirError(
            f"there is no salt of a tenant '{tenant[:100]}'",
            fix="the blueprint names its tenant; without one it is 'default'",
            code="data.no-salt",
        )
    act = new_act(reason)
    store = wiring.open_store(data)
    try:
        finish_erasures(data, store)
        doomed = path.with_name(path.name + _DOOMED)
        path.rename(doomed)
        _sync_folder(path.parent)
        wiring.digest_salt(data, tenant, SystemEntropy())
        salt = _destroy(doomed, store, act=act)
    finally:
        store.close()
    workers = restart_workers(data).workers if data.instance() is not None else 0
    return Erased(tenant, act.id, salt, workers)


def finish_erasures(data: DataDir, store: Store) -> None:
    """Go on with what a crash interrupted."""
    for doomed in sorted(data.keys.glob(f"{wiring.SALT_KEY}-*{_DOOMED}")):
        _destroy(doomed, store, act=new_act("an erasure that was interrupted"))


def _salt_file(data: DataDir, tenant: str) -> Path:
    path = data.keys / wiring.salt_name(tenant)
    if path.parent != data.keys or path.name.endswith(_DOOMED):
        raise DataDirError(f"'{tenant[:100]}' is no name of a tenant")
    return path


def _destroy(doomed: Path, store: Store, *, act: Act) -> str:
    tenant = doomed.name.removeprefix(wiring.salt_name("")).removesuffix(_DOOMED)
    try:
        secret = doomed.read_bytes()
        salt = sha256_digest(_LABEL + secret)
        Outbox(store)
        with store.transaction() as change:
            record = record_of(act, kind=ERASED, subject=f"tenant:{tenant}", digest=salt)
            Outbox.add(change, record)
        with doomed.open("r+b") as file:
            file.write(bytes(len(secret)))
            file.flush()
            os.fsync(file.fileno())
        doomed.unlink()
        _sync_folder(doomed.parent)
    except OSError as error:
        raise DataDirError(
            f"the salt {doomed} cannot be destroyed: {error.strerror}",
            fix="mend the disk; the next start, or the same command, goes on",
        ) from error
    return salt


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def erased_text(found: Erased) -> str:
    """How it reads at a terminal."""
    running = f"; {found.workers} workers were replaced" if found.workers else ""
    return (
        f"the salt of tenant '{found.tenant}' is destroyed ({found.salt}){running}\n"
        f"its digests are mute; the log verifies as before. record: {found.change}\n"
        "copies of the data directory (backups, snapshots) still hold the salt: destroy them too"
    )
