"""The console and the API of an instance: everything they look through, and what they may do."""

from holdfast.app import wiring
from holdfast.app.acting import Actor, Tools
from holdfast.app.architecture_desk import ArchitectureDesk
from holdfast.app.console import ConsoleServer, make_console
from holdfast.app.custody import LogCustody
from holdfast.app.ground import Ground
from holdfast.app.issuing import IssuedDocuments
from holdfast.app.keeper import Keeper
from holdfast.app.objectives import ObjectiveDesk
from holdfast.app.permissions import PermissionDesk
from holdfast.app.trace_desk import TraceDesk
from holdfast.faces import Windows


def open_console(
    ground: Ground, keeper: Keeper, *, traces: TraceDesk, objectives: ObjectiveDesk
) -> ConsoleServer:
    """The server of both, not running yet."""
    options, blueprint = ground.options, keeper.monitor.blueprint
    windows = Windows(
        history=keeper.historian.history,
        registers=keeper.staff.herald.registers(ground.info.console + "/api/status-list"),
        documents=IssuedDocuments(ground.data),
        drift=traces,
        traces=traces if options.accept_traces else None,
        acting=_actor(ground, keeper),
        entrance=keeper.porter.entrance,
        tallies=keeper.outlets.tally,
        objectives=objectives,
        permissions=PermissionDesk(ground.store, blueprint=blueprint),
        architecture=ArchitectureDesk(options.blueprint, blueprint=blueprint, clock=ground.clock),
        custody=LogCustody(
            wiring.public_keys(ground.data), keeper.staff.witnesses, mended=keeper.mended
        ),
    )
    return make_console(
        keeper.monitor,
        host=options.console_host,
        gateway=ground.info.url,
        vkey=wiring.public_key(ground.data),
        is_proxied=options.console_origin is not None,
        windows=windows,
    )


def _actor(ground: Ground, keeper: Keeper) -> Actor:
    tools = Tools(
        data=ground.data,
        store=ground.store,
        desk=keeper.staff.approvals,
        herald=keeper.staff.herald,
        blueprint=keeper.monitor.blueprint,
        restart=keeper.restart,
        note=keeper.monitor.note,
        clock=ground.clock,
        entropy=ground.entropy,
    )
    return Actor(tools)
