"""The keeper: the one process a person starts. Starts workers, keeps the log, shows the console.

It carries no calls. When it dies its workers drain; when a worker dies it is replaced; when the
blueprint changes every worker takes the new one, or none does.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from holdfast.app import wiring
from holdfast.app.channel import Prepare, Report
from holdfast.app.console import make_console
from holdfast.app.control import Reply, Request, serve_control
from holdfast.app.datadir import DataDir, DataDirError, InstanceInfo
from holdfast.app.files import Loaded, load_blueprint
from holdfast.app.handles import FleetError, WorkerHandle
from holdfast.app.instances import register
from holdfast.app.listening import try_tls
from holdfast.app.monitor import Monitor
from holdfast.app.probing import probe_upstreams
from holdfast.app.sockets import StartError, claim
from holdfast.app.treasury import BudgetStore, Exchequer
from holdfast.app.workers import Fleet
from holdfast.audit import Log
from holdfast.core import HoldfastError
from holdfast.identity import CredentialStore
from holdfast.resilience import LeaseToKeeper
from holdfast.world.ports import ListenTls, Store
from holdfast.world.real import SocketNetwork, SystemClock, SystemEntropy

INTEGRATE_S = 1.0
ANNOUNCE_S = 0.25
WATCH_S = 0.5
DRAIN_S = 10.0
FINISH_S = 300.0
"""What a replaced worker may take beyond the longest call: idle connections, bodies under way."""
ORPHANS_S = 15.0
ORPHANS_POLL_S = 0.05

log = structlog.get_logger("holdfast.keeper")

__all__ = ["Options", "StartError", "run_keeper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What ``holdfast up`` was told."""

    blueprint: Path
    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    console_host: str = "127.0.0.1"
    console_port: int = 8081
    workers: int = 1
    watch: bool = True
    tls: ListenTls | None = None


class Keeper:
    """One running instance."""

    def __init__(
        self,
        options: Options,
        *,
        loaded: Loaded,
        data: DataDir,
        store: Store,
        audit_log: Log,
        fleet: Fleet,
        monitor: Monitor,
        budgets: Exchequer,
    ) -> None:
        self.options = options
        self.monitor = monitor
        data.remember_nodes(loaded.blueprint.nodes)
        self.stopping = asyncio.Event()
        self._loaded = loaded
        self._data = data
        self._credentials = CredentialStore(store)
        self._log = audit_log
        self._fleet = fleet
        self.budgets = budgets
        self._started_with = b""
        self._generation = 0
        self._notes_told = 0
        self._reloading = asyncio.Lock()
        self._signature = _signature(options.blueprint, loaded)

    async def start(self) -> None:
        """Bring every worker up on the blueprint that was loaded."""
        self.tell_recovery()
        self.budgets.adopt(self._loaded.blueprint)
        first = self._order(self._loaded)
        self._started_with = first.credentials
        await self._fleet.start(first)

    async def catch_up(self) -> None:
        """Keys that were made between the start and the instance's being known, by a command that
        saw no instance to tell."""
        if self._credentials.active().encode() != self._started_with:
            await self._adopt_credentials()

    async def _adopt_credentials(self) -> int:
        count = await self._fleet.replace_credentials(self._credentials.active().encode())
        log.info("credentials.adopted", workers=count)
        return count

    async def answer(self, request: Request) -> Reply:
        """The control socket's requests."""
        match request.operation:
            case "credentials":
                return Reply(workers=await self._adopt_credentials())
            case "restart":
                return await self.restart()
            case unknown:
                return Reply(problem=f"unknown operation '{unknown[:50]}'")

    async def restart(self) -> Reply:
        """A fresh worker in every place; no call is cut off for it. ``FleetError`` says why not."""
        blueprint = self._loaded.blueprint
        longest = max((r.timeouts.total_s for r in blueprint.connections().values()), default=0.0)
        # Twice: a call that is under way, and the one that its connection asks next.
        count = await self._fleet.restart(within_s=2 * longest + FINISH_S)
        leaving = len(self._fleet.leaving)
        log.info("restart.done", workers=count, leaving=leaving)
        return Reply(workers=count, leaving=leaving)

    async def restart_on_signal(self) -> None:
        """SIGUSR2: nobody waits for an answer, so the log has it."""
        try:
            await self.restart()
        except FleetError as error:
            log.error("restart.refused", reason=str(error))

    async def reload(self) -> None:
        """Load the blueprint anew; on any problem the old one stays in force."""
        async with self._reloading:
            try:
                loaded = await asyncio.to_thread(load_blueprint, self.options.blueprint)
                if loaded.blueprint.digest == self._loaded.blueprint.digest:
                    return
                self.budgets.prepare(loaded.blueprint)
                await self._fleet.adopt(self._order(loaded))
            except HoldfastError as error:
                self.budgets.adopt(self._loaded.blueprint)
                log.error(
                    "reload.refused", reason=str(error), in_force=self._loaded.blueprint.digest
                )
                return
            self._loaded = loaded
            self.budgets.adopt(loaded.blueprint)
            self.monitor.adopt(loaded.blueprint)
            log.info("reload.adopted", blueprint=loaded.blueprint.digest)
            try:
                self._data.remember_nodes(loaded.blueprint.nodes)
            except DataDirError as error:
                # Commands that name a node go by the old list until the next reload; calls do not.
                log.error("nodes.not-remembered", reason=str(error))

    async def watch(self) -> None:
        """Reload when the blueprint or a file it names has changed and settled."""
        certificate = _looks(_tls_files(self.options.tls))
        while True:
            await asyncio.sleep(WATCH_S)
            seen = await asyncio.to_thread(_looks, _tls_files(self.options.tls))
            if seen != certificate:
                certificate = seen
                self._renew_tls()
            signature = await asyncio.to_thread(_signature, self.options.blueprint, self._loaded)
            if signature != self._signature:
                self._signature = signature
                await self.reload()
                self._signature = _signature(self.options.blueprint, self._loaded)

    def _renew_tls(self) -> None:
        """The certificate was replaced: for connections to come, if it can be used."""
        assert self.options.tls is not None
        try:
            try_tls(self.options.tls)
        except StartError as error:
            log.error("tls.not-renewed", reason=str(error))
        else:
            self._fleet.renew_tls()
            log.info("tls.renewed")

    async def integrate(self) -> None:
        """Bring records from the journals into the log, for ever."""
        while True:
            await asyncio.sleep(INTEGRATE_S)
            await self.integrate_once()

    async def announce(self) -> None:
        """Let watchers look for changes, for ever."""
        while True:
            await asyncio.sleep(ANNOUNCE_S)
            await self.monitor.announce()

    async def integrate_once(self) -> None:
        try:
            await asyncio.to_thread(self._log.integrate)
        except HoldfastError as error:
            if self.monitor.log_trouble is None:
                log.error("log.stuck", reason=str(error))
            self.monitor.log_trouble = str(error)
        else:
            if self.monitor.log_trouble is not None:
                log.info("log.recovered")
            self.monitor.log_trouble = None
        self.tell_recovery()

    def tell_recovery(self) -> None:
        """Say what was mended or dropped in the log, once each."""
        for note in self._log.recovery[self._notes_told :]:
            log.warning("log.mended", note=note)
        self._notes_told = len(self._log.recovery)

    async def stop(self) -> None:
        """Drain the workers, then bring their last records into the log."""
        log.info("keeper.stopping", drain_s=DRAIN_S)
        cut = await self._fleet.drain(within_s=DRAIN_S)
        # What the last calls did not spend: a crash before this has it count as spent.
        await self.budgets.flush()
        await self.integrate_once()
        await self.monitor.close()
        log.info("keeper.stopped", calls_cut_off=cut, log_size=self._log.size)

    def _order(self, loaded: Loaded) -> Prepare:
        self._generation += 1
        return Prepare(
            self._generation,
            loaded.source,
            loaded.text,
            loaded.files,
            self._credentials.active().encode(),
        )


async def run_keeper(options: Options, *, on_ready: Callable[[InstanceInfo], None]) -> None:
    """Run until SIGINT or SIGTERM. ``HoldfastError`` when it cannot start."""
    clock, entropy = SystemClock(), SystemEntropy()
    loaded = load_blueprint(options.blueprint)
    data = DataDir(options.data)
    data.create()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, data.lock())
        await _outlive(data)
        sockets = claim(options.host, options.port, count=options.workers, flag="--port")
        console = claim(options.console_host, options.console_port, count=1, flag="--console-port")
        for sock in (*sockets, *console):
            stack.callback(sock.close)
        data.key(wiring.SALT_KEY, entropy)
        store = wiring.open_store(data)
        stack.callback(store.close)
        audit_log = wiring.open_log(data, store=store, entropy=entropy)
        audit_log.integrate()
        info = InstanceInfo(
            pid=os.getpid(),
            name=loaded.blueprint.name,
            url=_url(options.host, sockets[0], scheme="http" if options.tls is None else "https"),
            console=_url(options.console_host, console[0], scheme="http"),
            started=clock.now(),
        )
        async with asyncio.TaskGroup() as group:
            keeper = _compose(
                options,
                loaded=loaded,
                data=data,
                store=store,
                audit_log=audit_log,
                clock=clock,
                sockets=sockets,
                group=group,
            )
            await _serve(
                keeper, data=data, info=info, console=console[0], group=group, on_ready=on_ready
            )


def _compose(
    options: Options,
    *,
    loaded: Loaded,
    data: DataDir,
    store: Store,
    audit_log: Log,
    clock: SystemClock,
    sockets: list[socket.socket],
    group: asyncio.TaskGroup,
) -> Keeper:
    def on_report(worker: WorkerHandle, report: Report) -> None:
        monitor.take(worker.index, report)

    def on_lease(worker: WorkerHandle, message: LeaseToKeeper) -> None:
        budgets.hear(worker.index, message, tell=worker.tell)

    def on_gone(worker: int) -> None:
        monitor.forget(worker)
        budgets.gone(worker)

    budgets = Exchequer(BudgetStore(store), clock)
    fleet = Fleet(
        sockets,
        data=data.path,
        clock=clock,
        group=group,
        on_report=on_report,
        on_lease=on_lease,
        on_gone=on_gone,
        tls=options.tls,
    )
    monitor = Monitor(
        clock=clock,
        reader=wiring.open_reader(data, store=store),
        blueprint=loaded.blueprint,
        workers=fleet.states,
        budgets=budgets.seen,
    )
    return Keeper(
        options,
        loaded=loaded,
        data=data,
        store=store,
        audit_log=audit_log,
        fleet=fleet,
        monitor=monitor,
        budgets=budgets,
    )


async def _serve(
    keeper: Keeper,
    *,
    data: DataDir,
    info: InstanceInfo,
    console: socket.socket,
    group: asyncio.TaskGroup,
    on_ready: Callable[[InstanceInfo], None],
) -> None:
    """Everything between a start that worked and a stop that was asked for."""
    _on_signals(keeper, group)
    try:
        await keeper.start()
    except FleetError:
        await keeper.stop()
        raise
    control = await serve_control(data.control_socket, keeper.answer)
    tasks = [group.create_task(keeper.integrate()), group.create_task(keeper.announce())]
    tasks.append(group.create_task(keeper.budgets.serve()))
    if keeper.options.watch:
        tasks.append(group.create_task(keeper.watch()))
    web = make_console(
        keeper.monitor,
        host=keeper.options.console_host,
        gateway=info.url,
        vkey=wiring.public_key(data),
    )
    group.create_task(web.serve(sockets=[console]))
    data.publish(info)
    await keeper.catch_up()
    entry = register(data)
    on_ready(info)
    group.create_task(probe_upstreams(keeper.monitor.blueprint(), SocketNetwork()))
    try:
        await keeper.stopping.wait()
    finally:
        data.withdraw()
        if entry is not None:
            entry.unlink(missing_ok=True)
        control.close()
        await keeper.stop()
        web.should_exit = True
        for task in tasks:
            task.cancel()


async def _outlive(data: DataDir) -> None:
    """Wait until workers of an instance that died are gone: their records come first."""
    for _ in range(round(ORPHANS_S / ORPHANS_POLL_S)):
        if not data.has_workers():
            return
        await asyncio.sleep(ORPHANS_POLL_S)
    raise StartError(
        f"workers of a former instance still run on {data.path}",
        fix="end the processes 'holdfast.app.worker', then start again",
    )


def _on_signals(keeper: Keeper, group: asyncio.TaskGroup) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, keeper.stopping.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: group.create_task(keeper.reload()))
    loop.add_signal_handler(signal.SIGUSR2, lambda: group.create_task(keeper.restart_on_signal()))


def _signature(blueprint: Path, loaded: Loaded) -> tuple[tuple[int, int], ...]:
    """What the watched files look like from outside."""
    return _looks((blueprint, *(blueprint.parent / name for name in sorted(loaded.files))))


def _tls_files(tls: ListenTls | None) -> tuple[Path, ...]:
    if tls is None:
        return ()
    return tuple(Path(name) for name in (tls.certificate, tls.key, tls.clients) if name is not None)


def _looks(paths: Iterable[Path]) -> tuple[tuple[int, int], ...]:
    """Of each file its instant and size; a missing file is a look too."""
    looks: list[tuple[int, int]] = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            looks.append((0, 0))
        else:
            looks.append((stat.st_mtime_ns, stat.st_size))
    return tuple(looks)


def _url(host: str, sock: socket.socket, *, scheme: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{sock.getsockname()[1]}"
