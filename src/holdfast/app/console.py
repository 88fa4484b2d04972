"""The console's server: FastAPI on uvicorn, on its own port, inside the keeper."""

import contextlib
from collections.abc import Generator

import uvicorn

from holdfast import __version__
from holdfast.faces import SystemView, Windows
from holdfast.faces.service import make_app

CONNECTIONS_MAX = 256
SHUTDOWN_S = 2


class ConsoleServer(uvicorn.Server):
    """Uvicorn without its signal handling: the keeper decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def make_console(
    view: SystemView,
    *,
    host: str,
    gateway: str,
    vkey: str,
    is_proxied: bool = False,
    windows: Windows,
) -> ConsoleServer:
    """A server for the console; run its ``serve(sockets=[sock])``. Only one that ``is_proxied``
    believes a proxy on this machine whom it speaks for."""
    config = uvicorn.Config(
        make_app(
            view,
            version=__version__,
            host=host,
            gateway=gateway,
            vkey=vkey,
            windows=windows,
        ),
        loop="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=is_proxied,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    return ConsoleServer(config)
