"""What ``holdfast restart`` does: a word to the running instance, and a record of who said it."""

import msgspec

from holdfast.app import wiring
from holdfast.app.acts import new_act
from holdfast.app.control import Request, tell
from holdfast.app.datadir import DataDir
from holdfast.app.instances import NoInstanceError
from holdfast.audit import Act, Outbox, record_of
from holdfast.world.ports import Store

RESTARTED = "instance.restarted"
"""The kind of the change; its subject is the instance."""
_SUBJECT_MAX = 500


class Restarted(msgspec.Struct, frozen=True):
    """``workers`` fresh ones take the calls; ``leaving`` old ones finish those they have. ``change``
    is the record of it."""

    workers: int
    leaving: int
    change: str


def record_restart(store: Store, act: Act, *, instance: str) -> None:
    """Before it is done: whoever asked is known, whatever comes of it."""
    with store.transaction() as change:
        Outbox.add(change, record_of(act, kind=RESTARTED, subject=instance[:_SUBJECT_MAX]))


def restart_workers(data: DataDir, *, reason: str = "") -> Restarted:
    """Replace every worker; all calls go to fresh ones when this returns."""
    instance = data.instance()
    if instance is None:
        raise NoInstanceError(
            f"no instance is running on {data.path}", fix="start one with 'holdfast up FILE'"
        )
    act, store = new_act(reason), wiring.open_store(data)
    try:
        record_restart(store, act, instance=instance.name)
    finally:
        store.close()
    reply = tell(data.control_socket, Request("restart"))
    return Restarted(reply.workers, reply.leaving, act.id)
