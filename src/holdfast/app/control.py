"""The keeper's control socket: how a command on the same machine asks a running instance to act.

A Unix socket inside the data directory: whoever may write the directory may speak, nobody else.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from holdfast.audit import Act
from holdfast.core import HoldfastError

ANSWER_S = 10.0
RESTART_S = 600.0
"""A restart takes a second or two for each worker, and each step has a bound of its own."""
LINE_BYTES_MAX = 16_384
REPLY_BYTES_MAX = 16 * 1024 * 1024
"""All that waits for an approval, without what would be sent."""
_UNIX_PATH_MAX = 100
_STORED = frozenset(("credentials", "revocations", "tools"))
"""Operations that only say that something was changed in the database."""
_STORED_FIX = "the change is stored; restart the instance to put it in force"
_ASKED_FIX = "'holdfast status' tells whether one runs; start it with 'holdfast up FILE'"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word about a call that waits. ``groups`` are those that the person speaks for."""

    call: str
    is_yes: bool
    act: Act
    groups: tuple[str, ...]


class Request(msgspec.Struct, frozen=True):
    """``credentials``: read them anew, on every worker. ``revocations``: the same, and passports
    too. ``tools``: the approved tools. ``restart``: put a fresh worker in every place.
    ``approvals``: tell what waits for one; ``approval``: tell all about ``call``; ``decide``: take a
    person's ``decision``. ``live``: tell how the system is (``picture.Picture``).
    ``console-link``: a sign-in link for ``by``; ``console-sessions``: who is signed in;
    ``console-end``: end ``session``."""

    operation: str
    call: str | None = None
    decision: Decision | None = None
    by: str | None = None
    session: str | None = None

    @property
    def answer_s(self) -> float:
        """How long the answer may take."""
        return RESTART_S if self.operation == "restart" else ANSWER_S


class Reply(msgspec.Struct, frozen=True):
    """``workers`` is how many have done it, ``leaving`` how many replaced ones still finish calls;
    ``questions`` are what was asked for, ``left`` the groups whose yes is still missing;
    ``live`` is the picture; ``link`` signs in, ``sessions`` are those of the console; ``problem``
    says why not, ``code`` and ``fix`` what that is and how to mend it."""

    workers: int = 0
    leaving: int = 0
    problem: str | None = None
    code: str | None = None
    fix: str = ""
    questions: tuple[msgspec.Raw, ...] = ()
    left: tuple[str, ...] = ()
    live: msgspec.Raw = msgspec.Raw(b"null")
    link: str = ""
    sessions: tuple[msgspec.Raw, ...] = ()


class ControlError(HoldfastError):
    """The running instance could not be told."""

    code = "instance.unreachable"


async def serve_control(
    path: Path, answer: Callable[[Request], Awaitable[Reply]]
) -> asyncio.Server:
    """Listen at ``path``; each connection is one request."""

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                request = msgspec.json.decode(await reader.readline(), type=Request)
            async with asyncio.timeout(request.answer_s):
                reply = await answer(request)
        except HoldfastError as error:
            reply = Reply(problem=error.what, code=error.code, fix=error.fix)
        except (TimeoutError, ValueError) as error:
            reply = Reply(problem=str(error) or type(error).__name__)
        writer.write(msgspec.json.encode(reply) + b"\n")
        writer.close()

    sock = _bind(path)
    return await asyncio.start_unix_server(on_connection, sock=sock, limit=LINE_BYTES_MAX)


def tell(path: Path, request: Request) -> Reply:
    """Ask the instance at ``path``; ``ControlError`` when it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(request.answer_s)
            sock.connect(_short(path))
            sock.sendall(msgspec.json.encode(request) + b"\n")
            with sock.makefile("rb") as file:
                line = file.readline(REPLY_BYTES_MAX)
        reply = msgspec.json.decode(line, type=Reply)
    except (OSError, msgspec.DecodeError) as error:
        raise ControlError(
            f"the running instance does not answer at {path}: {error}",
            fix=_STORED_FIX if request.operation in _STORED else _ASKED_FIX,
        ) from error
    if reply.problem is not None:
        what = f"the running instance could not act: {reply.problem}"
        raise ControlError(what, fix=reply.fix, code=reply.code)
    return reply


def _bind(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind(_short(path))
    return sock


def _short(path: Path) -> str:
    """Unix socket addresses are short (108 bytes on Linux); reach long ones through the folder."""
    if len(os.fsencode(path)) <= _UNIX_PATH_MAX:
        return str(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{folder}/{path.name}"
