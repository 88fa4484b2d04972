"""An instance put together: its workers' fleet, its staff, what listens to its records."""

import socket

from holdfast.app.approvals import ApprovalDesk
from holdfast.app.curator import Curator
from holdfast.app.ground import Ground
from holdfast.app.herald import Herald
from holdfast.app.historian import Historian
from holdfast.app.keeper import Keeper
from holdfast.app.monitor import Monitor
from holdfast.app.otlp import Telemetry
from holdfast.app.outlets import Outlets
from holdfast.app.porter import Porter
from holdfast.app.staff import Staff
from holdfast.app.switchboard import Switchboard
from holdfast.app.treasury import BudgetStore, Exchequer
from holdfast.app.trusting import Warden
from holdfast.app.witnesses import make_witnesses
from holdfast.app.workers import Fleet
from holdfast.registry import ToolPins
from holdfast.world.real import SocketNetwork


def compose(ground: Ground, sockets: list[socket.socket]) -> Keeper:
    """Everything made and connected; nothing runs yet."""
    options = ground.options
    board = Switchboard(ground.audit_log)
    fleet = Fleet(
        sockets,
        data=ground.data.path,
        clock=ground.clock,
        group=ground.group,
        on_report=board.on_report,
        on_lease=board.on_lease,
        on_gone=board.on_gone,
        greet=board.greet,
        on_tools=board.on_tools,
        on_approval=board.on_approval,
        tls=options.tls,
        origins=options.trusting.origins,
    )
    staff = board.staff = _hire(ground, fleet)
    monitor = board.monitor = Monitor(
        clock=ground.clock,
        reader=ground.reader(),
        blueprint=ground.loaded.blueprint,
        workers=fleet.states,
        budgets=staff.budgets.seen,
        approvals=staff.approvals.seen,
    )
    outlets = Outlets.open(call_log=options.call_log, otlp=_otlp(ground, monitor))
    keeper = Keeper(
        options,
        loaded=ground.loaded,
        data=ground.data,
        store=ground.store,
        audit_log=ground.audit_log,
        fleet=fleet,
        monitor=monitor,
        staff=staff,
        outlets=outlets,
        historian=Historian(
            ground.data.history, ground.reader(), clock=ground.clock, listeners=outlets.listeners
        ),
    )
    keeper.porter = _porter(ground, keeper)
    return keeper


def _hire(ground: Ground, fleet: Fleet) -> Staff:
    data, store, clock, entropy = ground.data, ground.store, ground.clock, ground.entropy
    options, blueprint = ground.options, ground.loaded.blueprint
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
            trust_domain=blueprint.trust_domain,
            tenant=blueprint.tenant,
            plan=options.trusting,
            url=ground.info.url,
            clock=clock,
            entropy=entropy,
            announce=fleet.announce,
        ),
        approvals=ApprovalDesk(store),
        witnesses=make_witnesses(
            options.witnesses, data, store=store, spawn=ground.group.create_task
        ),
    )


def _otlp(ground: Ground, monitor: Monitor) -> Telemetry | None:
    """Where a collector is named."""
    if ground.options.otlp is None:
        return None
    return Telemetry(
        ground.options.otlp,
        blueprint=monitor.blueprint,
        scheme="http" if ground.options.tls is None else "https",
        network=SocketNetwork(),
        clock=ground.clock,
        entropy=ground.entropy,
        spawn=ground.group.create_task,
    )


def _porter(ground: Ground, keeper: Keeper) -> Porter:
    return Porter.open(
        ground.options,
        console=ground.info.console,
        data=ground.data,
        store=ground.store,
        loaded=lambda: keeper.loaded,
        herald=keeper.staff.herald,
        clock=ground.clock,
        entropy=ground.entropy,
    )
