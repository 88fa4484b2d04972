"""What ``holdfast witness`` does: a witness of other people's logs, as a process of its own."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from holdfast.app.datadir import DataDir, DataDirError
from holdfast.app.sockets import StartError, claim
from holdfast.app.witnesses import read_keys
from holdfast.audit import Cosigner, KnownLog, Witness
from holdfast.core import sha256_digest
from holdfast.faces import WITNESS_LIMITS, WitnessService
from holdfast.wire import Server
from holdfast.world.real import SocketNetwork, SqliteStore, SystemClock, SystemEntropy

ED25519_KEY = "witness-ed25519"
MLDSA44_KEY = "witness-mldsa44"
NAME = "holdfast.local/witness/"
"""How a witness's name begins that was given none."""
DRAIN_S = 5.0

log = structlog.get_logger("holdfast.witness")


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessOptions:
    """What ``holdfast witness serve`` was told."""

    data: Path
    listen: str
    logs: tuple[str, ...]
    name: str | None = None


class WitnessReady(msgspec.Struct, frozen=True):
    """A witness that listens: where, by which keys, for which logs."""

    url: str
    keys: tuple[str, ...]
    logs: tuple[str, ...]


class WitnessKeys(msgspec.Struct, frozen=True):
    """Whoever relies on the witness is given these."""

    name: str
    keys: tuple[str, ...]


def witness_keys(data: Path, *, name: str | None) -> WitnessKeys:
    """The witness's verifier keys, made on first use."""
    cosigners = _cosigners(_folder(data), name)
    return WitnessKeys(cosigners[0].verifier.name, tuple(each.verifier.vkey for each in cosigners))


async def run_witness(options: WitnessOptions, *, on_ready: Callable[[WitnessReady], None]) -> None:
    """Run until SIGINT or SIGTERM. ``HoldfastError`` when it cannot start."""
    logs = [KnownLog.parse(read_keys(text)) for text in options.logs]
    host, port = _listen_at(options.listen)
    with _opened(options, logs) as witness:
        (sock,) = claim(host, port, count=1, flag="--listen")
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{sock.getsockname()[1]}"
        async with asyncio.TaskGroup() as group:
            service = WitnessService(witness, spawn=group.create_task, tell=_tell)
            server = Server(service, clock=SystemClock(), limits=WITNESS_LIMITS)
            await server.start(SocketNetwork(), sock=sock)
            keys = tuple(each.vkey for each in witness.verifiers)
            on_ready(WitnessReady(url, keys, tuple(known.origin for known in logs)))
            await _stopped()
            await server.drain(within_s=DRAIN_S)


@contextlib.contextmanager
def _opened(options: WitnessOptions, logs: Sequence[KnownLog]) -> Generator[Witness]:
    """The witness on its data directory, which no other process may hold meanwhile."""
    data = _folder(options.data)
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, data.lock())
        store = SqliteStore(data.path / "witness.db")
        stack.callback(store.close)
        yield Witness(store=store, cosigners=_cosigners(data, options.name), logs=logs)


def _cosigners(data: DataDir, name: str | None) -> Sequence[Cosigner]:
    """Two keys of one name: Ed25519 for the network that there is, ML-DSA-44 for what comes."""
    entropy, now = SystemEntropy(), SystemClock().now
    seed, second = data.key(ED25519_KEY, entropy), data.key(MLDSA44_KEY, entropy)
    digest = sha256_digest(b"holdfast witness name" + seed).removeprefix("sha256:")[:12]
    named = name or NAME + digest
    return (
        Cosigner.ed25519(named, seed, now=now),
        Cosigner.mldsa44(named, second, now=now),
    )


def _folder(path: Path) -> DataDir:
    data = DataDir(path)
    try:
        (data.path / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirError(
            f"the directory {data.path} cannot be made: {error.strerror}",
            fix="name one that can be written with --data DIR",
        ) from error
    return data


def _listen_at(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise StartError(f"'{text[:60]}' is no address to listen at", fix="write HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _tell(what: str, status: int) -> None:
    log.info("witness.answered", request=what, status=status)


async def _stopped() -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
