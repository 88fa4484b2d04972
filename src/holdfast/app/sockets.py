"""Claiming the addresses to listen at, before anything else is started."""

import errno
import socket

from holdfast.core import HoldfastError

BACKLOG = 4096


class StartError(HoldfastError):
    """The instance cannot start."""

    code = "start.failed"


def claim(host: str, port: int, *, count: int, flag: str) -> list[socket.socket]:
    """``count`` sockets bound to one address, by SO_REUSEPORT when more than one.

    Port 0 takes a free one. The keeper holds them for as long as it lives, so that a worker that
    is replaced leaves no caller waiting at a closed door.
    """
    family, address = _resolve(host, port)
    first = _bind(family, address, flag=flag, shared=False)
    if count == 1:
        return [first]
    # The exclusive bind was the question whether anybody else listens here; now share.
    port = first.getsockname()[1]
    first.close()
    family, address = _resolve(host, port)
    return [_bind(family, address, flag=flag, shared=True) for _ in range(count)]


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise StartError(
            f"'{host}' is not an address of this machine: {error}", fix="choose another --host"
        ) from error
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def _bind(
    family: socket.AddressFamily, address: tuple[str, int], *, flag: str, shared: bool
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        reason = (
            "is already in use" if error.errno == errno.EADDRINUSE else f"failed: {error.strerror}"
        )
        raise StartError(
            f"{address[0]}:{address[1]} {reason}", fix=f"choose another port with {flag}"
        ) from error
    return sock
