"""The start of an instance and its end: everything put in place, served, taken down."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator

from holdfast.app import wiring
from holdfast.app.acts import author
from holdfast.app.collecting import rest_the_collector
from holdfast.app.composing import compose
from holdfast.app.control import serve_control
from holdfast.app.datadir import DataDir, InstanceInfo
from holdfast.app.erasure import finish_erasures
from holdfast.app.files import load_blueprint
from holdfast.app.ground import Ground
from holdfast.app.handles import FleetError
from holdfast.app.instances import register
from holdfast.app.keeper import Keeper
from holdfast.app.objectives import ObjectiveDesk
from holdfast.app.opening import open_console
from holdfast.app.options import Options
from holdfast.app.probing import probe_upstreams
from holdfast.app.sockets import StartError, claim
from holdfast.app.trace_desk import TraceDesk
from holdfast.world.real import SocketNetwork, SystemClock, SystemEntropy

ORPHANS_S = 15.0
ORPHANS_POLL_S = 0.05


async def run_keeper(options: Options, *, on_ready: Callable[[InstanceInfo, str], None]) -> None:
    """Run until SIGINT or SIGTERM. ``on_ready`` is told how the instance is reached, and a link
    that signs in at its console. ``HoldfastError`` when it cannot start."""
    clock, entropy = SystemClock(), SystemEntropy()
    loaded = load_blueprint(options.blueprint, trust=options.trust)
    data = DataDir(options.data)
    data.create()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, data.lock())
        await _outlive(data)
        sockets = claim(options.host, options.port, count=options.workers, flag="--port")
        console = claim(options.console_host, options.console_port, count=1, flag="--console-port")
        for sock in (*sockets, *console):
            stack.callback(sock.close)
        wiring.digest_salt(data, loaded.blueprint.tenant, entropy)
        store = wiring.choose_store(data, options.store)
        stack.callback(store.close)
        finish_erasures(data, store)
        audit_log = wiring.open_log(data, store=store, clock=clock, entropy=entropy)
        audit_log.integrate()
        info = InstanceInfo(
            pid=os.getpid(),
            name=loaded.blueprint.name,
            url=_url(options.host, sockets[0], scheme="http" if options.tls is None else "https"),
            console=_url(options.console_host, console[0], scheme="http"),
            started=clock.now(),
        )
        async with asyncio.TaskGroup() as group:
            ground = Ground(
                options=options,
                loaded=loaded,
                data=data,
                store=store,
                audit_log=audit_log,
                info=info,
                clock=clock,
                entropy=entropy,
                group=group,
            )
            await _serve(ground, compose(ground, sockets), console[0], on_ready)


async def _serve(
    ground: Ground,
    keeper: Keeper,
    console: socket.socket,
    on_ready: Callable[[InstanceInfo, str], None],
) -> None:
    """Everything between a start that worked and a stop that was asked for."""
    data, group, blueprint = ground.data, ground.group, keeper.monitor.blueprint
    _on_signals(keeper, group)
    try:
        await keeper.start()
    except FleetError:
        await keeper.stop()
        raise
    control = await serve_control(data.control_socket, keeper.answer)
    traces = TraceDesk(ground.store, ground.reader(), clock=ground.clock, blueprint=blueprint)
    keeper.objectives = objectives = ObjectiveDesk(
        keeper.historian.history, clock=ground.clock, blueprint=blueprint
    )
    tasks = [
        *(group.create_task(work) for work in _works(keeper, traces, objectives)),
        *keeper.staff.serve(group),
    ]
    if keeper.outlets.otlp is not None:
        keeper.outlets.otlp.start(group)
    web = open_console(ground, keeper, traces=traces, objectives=objectives)
    group.create_task(web.serve(sockets=[console]))
    data.publish(ground.info)
    await keeper.catch_up()
    entry = register(data)
    rest_the_collector()
    on_ready(ground.info, keeper.porter.link(author()))
    group.create_task(probe_upstreams(blueprint(), SocketNetwork()))
    try:
        await keeper.stopping.wait()
    finally:
        data.withdraw()
        if entry is not None:
            entry.unlink(missing_ok=True)
        control.close()
        await keeper.stop()
        await asyncio.to_thread(traces.flush, everything=True)
        web.should_exit = True
        for task in tasks:
            task.cancel()


def _works(
    keeper: Keeper, traces: TraceDesk, objectives: ObjectiveDesk
) -> Iterator[Coroutine[None, None, None]]:
    """What goes on for ever beside the calls."""
    yield keeper.integrate()
    yield keeper.announce()
    yield keeper.watch_alarms()
    yield keeper.historian.serve(keeper.monitor)
    yield objectives.serve()
    if keeper.options.watch:
        yield keeper.watch()
    if keeper.options.accept_traces:
        yield traces.serve()


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
    loop.add_signal_handler(signal.SIGHUP, lambda: _on_hangup(keeper, group))
    loop.add_signal_handler(signal.SIGUSR2, lambda: group.create_task(keeper.restart_on_signal()))


def _on_hangup(keeper: Keeper, group: asyncio.TaskGroup) -> None:
    """Configuration and files as they are now, as daemons take the signal."""
    keeper.outlets.reopen()
    group.create_task(keeper.reload())


def _url(host: str, sock: socket.socket, *, scheme: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{sock.getsockname()[1]}"
