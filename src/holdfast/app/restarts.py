"""What ``holdfast restart`` does: a word to the running instance."""

import msgspec

from holdfast.app.control import Request, tell
from holdfast.app.datadir import DataDir
from holdfast.app.instances import NoInstanceError


class Restarted(msgspec.Struct, frozen=True):
    """``workers`` fresh ones take the calls; ``leaving`` old ones finish those they have."""

    workers: int
    leaving: int


def restart_workers(data: DataDir) -> Restarted:
    """Replace every worker; all calls go to fresh ones when this returns."""
    if data.instance() is None:
        raise NoInstanceError(
            f"no instance is running on {data.path}", fix="start one with 'holdfast up FILE'"
        )
    reply = tell(data.control_socket, Request("restart"))
    return Restarted(reply.workers, reply.leaving)
