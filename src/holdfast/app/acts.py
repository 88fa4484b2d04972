"""Who a command acts for, which principal a name means, and the word to the running instance."""

import os
import pwd
import socket

from holdfast.app.control import Request, tell
from holdfast.app.datadir import DataDir
from holdfast.audit import Act
from holdfast.core import RANDOM_BYTES, HoldfastError, ulid
from holdfast.world.real import SystemClock, SystemEntropy

_STORED = "It is in force when the instance starts."


class UnknownPrincipalError(HoldfastError):
    """The blueprint in force declares no node of that name."""

    code = "principal.unknown"


def author() -> str:
    """The person at the keyboard, as the machine knows them: no proof, but a name to ask for.

    Not from the environment, which anybody sets as they like.
    """
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid-{os.getuid()}"
    return f"user:{socket.gethostname()}:{name}"


def new_act(reason: str = "") -> Act:
    """What this command does, from now on."""
    now = SystemClock().now()
    return Act(
        id=ulid(now, SystemEntropy().noise(RANDOM_BYTES)), by=author(), at=now, reason=reason
    )


def principal_of(data: DataDir, name: str) -> str:
    """The SPIFFE ID of a node, or the one that ``name`` is already."""
    if name.startswith("spiffe://"):
        return name
    known = data.principals()
    if name not in known:
        from holdfast.blueprint import suggestion  # noqa: PLC0415 - takes 0.3 s to load

        raise UnknownPrincipalError(
            f"the blueprint has no node '{name[:100]}'", fix=suggestion(name, known, noun="node")
        )
    return known[name]


def put_in_force(data: DataDir) -> str:
    """Let a running instance look at what was changed; a sentence on what came of it."""
    if data.instance() is None:
        return _STORED
    reply = tell(data.control_socket, Request("revocations"))
    return f"It is in force on {reply.workers} worker{'s' if reply.workers != 1 else ''}."
