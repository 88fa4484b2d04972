"""The console over that history: every page and path as a browser asks for it, without the network."""

from collections.abc import AsyncIterator, Iterator

import made
from starlette.testclient import TestClient

from holdfast.audit import LogReader
from holdfast.blueprint import Blueprint
from holdfast.core import Instant
from holdfast.faces import Live, Windows, WorkerState
from holdfast.faces.service import make_app
from holdfast.gateway import Seen, Totals
from holdfast.history import CallQuery, History

RECENT = 200


class Quiet:
    """A running system in which nothing happens just now (a ``SystemView``)."""

    def __init__(self, log: LogReader, history: History, now: int) -> None:
        self._log = log
        self._blueprint = made.blueprint()
        recent = tuple(
            Seen(
                each.call,
                each.at,
                "sealed",
                each.principal,
                each.callee,
                each.relationship,
                each.outcome,
                each.rule,
                each.status,
                (11, 16, 25, 27, 42, each.duration_us),
            )
            for each in history.calls(CallQuery(limit=RECENT))
        )
        workers = (WorkerState(0, 4211, True, None), WorkerState(1, 4212, True, None))
        self._live = Live(Instant(now), workers, Totals(), (), recent)

    def blueprint(self) -> Blueprint:
        return self._blueprint

    def live(self) -> Live:
        return self._live

    async def changes(self) -> AsyncIterator[Live]:
        yield self._live

    def log(self) -> LogReader:
        return self._log

    def trouble(self) -> str | None:
        return None


def addresses(history: History) -> Iterator[str]:
    """Of pages and of the control API. One that is not there is told so."""
    call = history.calls(CallQuery(limit=1))[0]
    session = next(
        each.session for each in history.calls(CallQuery(limit=500)) if each.session is not None
    )
    yield from ("/", "/calls", "/calls?outcome=failed", "/calls?caller=agent-9&outcome=refused")
    yield from (f"/calls/{call.call}", f"/traces/{call.trace}")
    yield from ("/agents", "/agents/agent-0", f"/agents/sessions/{session}", "/principals")
    yield from ("/approvals", "/architecture", "/log", f"/log/{call.index}")
    yield from ("/api/history/calls", "/api/history/calls?outcome=failed&callee=model-1")
    yield from (f"/api/calls/{call.call}", f"/api/calls/{call.call}/proof")
    yield from ("/api/sessions", "/api/traffic", "/api/series?measure=latency", "/metrics")


def client(log: LogReader, history: History, now: int) -> TestClient:
    """Somebody who asks."""
    view = Quiet(log, history, now)
    app = make_app(view, version="0", windows=Windows(history=history))
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
