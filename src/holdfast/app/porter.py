"""The keeper's hand at the console's entrance: links for whoever may write the data directory."""

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from holdfast.app.control import ControlError, Reply, Request
from holdfast.app.datadir import DataDir
from holdfast.app.entering import DeclaredProviders, PolicyAccess, Scribe, StoredPrograms
from holdfast.app.files import Loaded
from holdfast.app.herald import Herald
from holdfast.app.options import Options
from holdfast.app.sockets import StartError
from holdfast.core import rfc3339
from holdfast.faces.entry import Entrance, Ports, Session
from holdfast.world.ports import Clock, Entropy, Store

_LOCAL = ("localhost", "127.0.0.1", "[::1]")


class SessionRow(msgspec.Struct, frozen=True):
    """Somebody's session at the console, as people see it."""

    id: str
    principal: str
    name: str
    way: str
    since: str
    address: str
    left_s: int


class Porter:
    """Answers the control socket's questions about the console."""

    def __init__(self, entrance: Entrance, *, console: str) -> None:
        self.entrance = entrance
        self._console = entrance.origin or console

    @classmethod
    def open(
        cls,
        options: Options,
        *,
        console: str,
        data: DataDir,
        store: Store,
        loaded: Callable[[], Loaded],
        herald: Herald,
        clock: Clock,
        entropy: Entropy,
    ) -> "Porter":
        """The entrance of an instance whose console is at the address ``console``."""
        scribe = Scribe(store, clock=clock, entropy=entropy)
        ports = Ports(
            clock=clock,
            entropy=entropy,
            access=PolicyAccess(loaded, is_revoked=herald.is_revoked),
            providers=DeclaredProviders(data, loaded),
            programs=StoredPrograms(store, scribe, clock=clock, entropy=entropy),
            chronicler=scribe,
        )
        origin = options.console_origin or _own(options.console_host, console)
        entrance = Entrance(ports, origin=origin, is_open=options.console_open)
        return cls(entrance, console=console)

    def link(self, by: str) -> str:
        """A link that signs ``by`` in, once."""
        return f"{self._console}/sign-in?token={self.entrance.tickets.issue(by)}"

    async def answer(self, request: Request) -> Reply:
        """``console-link``, ``console-sessions``, ``console-end``."""
        by = request.by or "nobody"
        if request.operation == "console-link":
            return Reply(link=self.link(by))
        if request.operation == "console-sessions":
            return self._told(self.entrance.sessions.list())
        if request.session is None:
            raise ControlError("no session is named", fix="name one of 'holdfast console sessions'")
        return self._told((await self.entrance.end(request.session, by=by),))

    def _told(self, sessions: tuple[Session, ...]) -> Reply:
        rows = (msgspec.json.encode(self._row(each)) for each in sessions)
        return Reply(sessions=tuple(map(msgspec.Raw, rows)))

    def _row(self, of: Session) -> SessionRow:
        return SessionRow(
            of.name,
            of.comer.principal,
            of.comer.name,
            of.comer.way,
            rfc3339(of.at),
            of.address,
            max(0, int(self.entrance.sessions.left_s(of))),
        )


def _own(host: str, console: str) -> str | None:
    """The console's address, where it is one: bound to every address it has many."""
    try:
        return None if ip_address(host).is_unspecified else console
    except ValueError:
        return console if host else None


def console_origin(text: str | None) -> str | None:
    """``--console-origin`` as it is compared; ``StartError`` for what is none."""
    if text is None:
        return None
    parts = urlsplit(text)
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    host = parts.netloc.partition(":")[0] if not parts.netloc.startswith("[") else parts.netloc
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)
    if not (is_bare and is_safe and parts.netloc and text.isascii() and text.isprintable()):
        raise StartError(
            f"'{text[:100]}' is no origin of a console",
            fix="write it as https://console.example, without a path; browsers keep no session "
            "over plain http",
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"
