"""The start of an instance and its end: everything made, put in place, served, taken down."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable

from holdfast.app import wiring
from holdfast.app.approvals import ApprovalDesk
from holdfast.app.console import make_console
from holdfast.app.control import serve_control
from holdfast.app.curator import Curator
from holdfast.app.datadir import DataDir, InstanceInfo
from holdfast.app.erasure import finish_erasures
from holdfast.app.files import Loaded, load_blueprint
from holdfast.app.handles import FleetError
from holdfast.app.herald import Herald
from holdfast.app.instances import register
from holdfast.app.issuing import IssuedDocuments
from holdfast.app.keeper import Keeper
from holdfast.app.monitor import Monitor
from holdfast.app.options import Options
from holdfast.app.probing import probe_upstreams
from holdfast.app.sockets import StartError, claim
from holdfast.app.staff import Staff
from holdfast.app.switchboard import Switchboard
from holdfast.app.trace_desk import TraceDesk
from holdfast.app.treasury import BudgetStore, Exchequer
from holdfast.app.trusting import Warden
from holdfast.app.witnesses import make_witnesses
from holdfast.app.workers import Fleet
from holdfast.audit import Log
from holdfast.registry import ToolPins
from holdfast.world.ports import Store
from holdfast.world.real import SocketNetwork, SystemClock, SystemEntropy

ORPHANS_S = 15.0
ORPHANS_POLL_S = 0.05


async def run_keeper(options: Options, *, on_ready: Callable[[InstanceInfo], None]) -> None:
    """Run until SIGINT or SIGTERM. ``HoldfastError`` when it cannot start."""
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
            keeper = _compose(
                options,
                loaded=loaded,
                data=data,
                store=store,
                audit_log=audit_log,
                clock=clock,
                entropy=entropy,
                sockets=sockets,
                url=info.url,
                group=group,
            )
            traces = TraceDesk(
                store,
                wiring.open_reader(data, store=store),
                clock=clock,
                blueprint=keeper.monitor.blueprint,
            )
            await _serve(
                keeper,
                data=data,
                info=info,
                console=console[0],
                traces=traces,
                group=group,
                on_ready=on_ready,
            )


def _compose(
    options: Options,
    *,
    loaded: Loaded,
    data: DataDir,
    store: Store,
    audit_log: Log,
    clock: SystemClock,
    entropy: SystemEntropy,
    sockets: list[socket.socket],
    url: str,
    group: asyncio.TaskGroup,
) -> Keeper:
    board = Switchboard(audit_log)
    fleet = Fleet(
        sockets,
        data=data.path,
        clock=clock,
        group=group,
        on_report=board.on_report,
        on_lease=board.on_lease,
        on_gone=board.on_gone,
        greet=board.greet,
        on_tools=board.on_tools,
        on_approval=board.on_approval,
        tls=options.tls,
        origins=options.trusting.origins,
    )
    staff = board.staff = _hire(
        options,
        fleet,
        loaded=loaded,
        data=data,
        store=store,
        clock=clock,
        entropy=entropy,
        url=url,
        group=group,
    )
    monitor = board.monitor = Monitor(
        clock=clock,
        reader=wiring.open_reader(data, store=store),
        blueprint=loaded.blueprint,
        workers=fleet.states,
        budgets=staff.budgets.seen,
        approvals=staff.approvals.seen,
    )
    return Keeper(
        options,
        loaded=loaded,
        data=data,
        store=store,
        audit_log=audit_log,
        fleet=fleet,
        monitor=monitor,
        staff=staff,
    )


def _hire(
    options: Options,
    fleet: Fleet,
    *,
    loaded: Loaded,
    data: DataDir,
    store: Store,
    clock: SystemClock,
    entropy: SystemEntropy,
    url: str,
    group: asyncio.TaskGroup,
) -> Staff:
    return Staff(
        budgets=Exchequer(BudgetStore(store), clock),
        herald=Herald.open(
            data,
            store,
            clock=clock,
            entropy=entropy,
            announce=fleet.announce,
            insist=fleet.replace_revocations,
        ),
        curator=Curator(ToolPins(store), clock=clock, entropy=entropy, insist=fleet.replace_pins),
        warden=Warden(
            data,
            trust_domain=loaded.blueprint.trust_domain,
            tenant=loaded.blueprint.tenant,
            plan=options.trusting,
            url=url,
            clock=clock,
            entropy=entropy,
            announce=fleet.announce,
        ),
        approvals=ApprovalDesk(store),
        witnesses=make_witnesses(options.witnesses, data, store=store, spawn=group.create_task),
    )


async def _serve(
    keeper: Keeper,
    *,
    data: DataDir,
    info: InstanceInfo,
    console: socket.socket,
    traces: TraceDesk,
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
    tasks.append(group.create_task(keeper.watch_alarms()))
    tasks += keeper.staff.serve(group)
    if keeper.options.watch:
        tasks.append(group.create_task(keeper.watch()))
    if keeper.options.accept_traces:
        tasks.append(group.create_task(traces.serve()))
    web = make_console(
        keeper.monitor,
        host=keeper.options.console_host,
        gateway=info.url,
        vkey=wiring.public_key(data),
        registers=keeper.staff.herald.registers(info.console + "/api/status-list"),
        documents=IssuedDocuments(data),
        drift=traces,
        traces=traces if keeper.options.accept_traces else None,
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
        await asyncio.to_thread(traces.flush, everything=True)
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


def _url(host: str, sock: socket.socket, *, scheme: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{sock.getsockname()[1]}"
