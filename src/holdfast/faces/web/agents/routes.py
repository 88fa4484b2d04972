"""``/agents``, one agent, one session."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from holdfast.blueprint import Blueprint
from holdfast.core import NodeId
from holdfast.faces.errors import NotThereError
from holdfast.faces.past import Past
from holdfast.faces.registers import Registers
from holdfast.faces.view import Live
from holdfast.faces.web.agents.authority import DAYS, Held, LastUse, held_by, named_tools
from holdfast.faces.web.agents.views import (
    AgentRow,
    AgentsView,
    AgentView,
    SessionView,
    agent_rows,
    agents_of,
    session_row,
    session_view,
    stuck_calls,
)
from holdfast.faces.web.shell import AGENTS, Fragments, Shell
from holdfast.history import Call, CallQuery, History, Moment, Session
from holdfast.identity.passports import Passport

DAY_US = 86_400_000_000
SESSIONS_SHOWN = 30
CALLS_SHOWN = 500
USES_READ = 100
"""The newest calls of a relationship in which tools are looked for that no blueprint names."""
APPROVALS_READ = 500
MINUTE_US = 60_000_000


class AgentsPage:
    """Renders the pages about agents."""

    def __init__(self, shell: Shell, past: Past, registers: Registers | None) -> None:
        self._shell = shell
        self._past = past
        self._registers = registers

    async def page(self, request: Request, before: int | None = None) -> Response:
        """All agents, and the newest sessions."""
        rows = await self._rows(self._shell.view.live())
        found = await self._past.ask(
            lambda history: history.sessions(before=before, limit=SESSIONS_SHOWN)
        )
        part = AgentsView(
            agents=rows,
            sessions=tuple(session_row(each) for each in found),
            older=_older(found, "/agents"),
        )
        return self._shell.page(request, AGENTS, "agents/page.html", part=part)

    async def list_fragment(self) -> str:
        """The table of agents at this moment."""
        return self._list(await self._rows(self._shell.view.live()))

    async def fragments(self, live: Live) -> Fragments:
        """What a stream renews."""
        return [("agents-list", self._list(await self._rows(live)))]

    def _list(self, rows: tuple[AgentRow, ...]) -> str:
        return self._shell.fragment("agents/fragments/list.html", rows=rows)

    async def agent(self, request: Request, agent: str, before: int | None = None) -> Response:
        """One agent: what it may do and did, and its sessions."""
        blueprint = self._shell.view.blueprint()
        if agent not in agents_of(blueprint):
            raise NotThereError(
                f"the blueprint has no agent '{agent[:100]}'", fix="GET /agents lists them"
            )
        live = self._shell.view.live()
        now = live.at
        (row,) = await self._rows(live, agent)

        def read(history: History) -> AgentView:
            sessions = history.sessions(agent=agent, before=before, limit=SESSIONS_SHOWN)
            traffic = history.traffic(now - DAYS * DAY_US, now + MINUTE_US, caller=agent)
            last = _last_use(history, agent, blueprint)
            held = held_by(agent, blueprint, traffic, last)
            return AgentView(
                row=row,
                description=blueprint.nodes[NodeId(agent)].description,
                held=held,
                unused=_unused(held),
                sessions=tuple(session_row(each) for each in sessions),
                older=_older(sessions, f"/agents/{agent}"),
            )

        part = await self._past.ask(read)
        return self._shell.page(request, AGENTS, "agents/agent.html", part=part, days=DAYS)

    async def session(self, request: Request, session: str) -> Response:
        """One session's story."""
        blueprint = self._shell.view.blueprint()
        part = await self._past.ask(lambda history: _read_session(history, session, blueprint))
        if part is None:
            raise NotThereError(
                f"there is no session '{session[:100]}'", fix="GET /agents lists the newest"
            )
        return self._shell.page(request, AGENTS, "agents/session.html", part=part)

    async def _rows(self, live: Live, only: str | None = None) -> tuple[AgentRow, ...]:
        blueprint = self._shell.view.blueprint()
        passports = await self._passports()

        def read(history: History) -> tuple[AgentRow, ...]:
            midnight = live.at - live.at % DAY_US
            today = history.traffic(midnight, live.at + MINUTE_US, caller=only)
            agents = agents_of(blueprint) if only is None else (only,)
            usual = {(t.caller or "", t.callee or ""): t.p99_us or 0 for t in today}
            return agent_rows(
                blueprint,
                passports,
                today,
                agents=agents,
                last=_last_calls(history, agents),
                stuck=stuck_calls(live, usual),
            )

        return await self._past.ask(read)

    async def _passports(self) -> tuple[Passport, ...]:
        if self._registers is None:
            return ()
        return await run_in_threadpool(self._registers.passports)


def _last_calls(history: History, agents: Sequence[str]) -> dict[str, Call]:
    found = {name: history.calls(CallQuery(caller=name, limit=1)) for name in agents}
    return {name: calls[0] for name, calls in found.items() if calls}


def _last_use(history: History, agent: str, blueprint: Blueprint) -> LastUse:
    """When each tool was used last: those named in the blueprint, and those of the newest calls."""
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for (source, _), link in blueprint.connections().items():
        if source != agent:
            continue
        newest = history.calls(CallQuery(caller=agent, relationship=link.id, limit=USES_READ))
        used = [call for call in newest if call.tool and call.rule is None]
        queries = [
            CallQuery(caller=agent, relationship=link.id, tool=name, limit=1)
            for name in named_tools(link, {})
        ]
        used += [call for query in queries for call in history.calls(query)]
        last.update(
            {(link.id, call.tool or ""): (call.at, call.call) for call in sorted(used, key=_at)}
        )
    return last


def _at(call: Call) -> int:
    return call.at


def _unused(held: Sequence[Held]) -> tuple[str, ...]:
    """What could be taken away without anybody noticing, in words."""
    whole = [f"{each.relationship} (never called)" for each in held if not each.is_used]
    tools = [
        f"{each.relationship}: {', '.join(each.unused)}"
        for each in held
        if each.is_used and each.unused
    ]
    return (*whole, *tools)


def _read_session(history: History, name: str, blueprint: Blueprint) -> SessionView | None:
    session = history.session(name)
    if session is None:
        return None
    newest = history.calls(CallQuery(session=name, limit=CALLS_SHOWN))
    if not newest:
        return None
    return session_view(
        session,
        newest[::-1],
        _approvals(history, newest),
        blueprint=blueprint,
        is_cut=session.calls > len(newest),
    )


def _approvals(history: History, newest: Sequence[Call]) -> tuple[Moment, ...]:
    began, ended = newest[-1].at, newest[0].at + newest[0].duration_us
    return history.moments(began, ended + MINUTE_US, kind="approval", limit=APPROVALS_READ)


def _older(found: Sequence[Session], path: str) -> str | None:
    return f"{path}?before={found[-1].last}" if len(found) == SESSIONS_SHOWN else None


def add_agents(app: FastAPI, shell: Shell, *, past: Past, registers: Registers | None) -> None:
    """``/agents`` and what belongs to it."""
    page = AgentsPage(shell, past, registers)

    async def changes() -> Response:
        return shell.stream("agents", page.fragments)

    async def fragment() -> Response:
        return HTMLResponse(await page.list_fragment())

    for path, handler in (
        ("/agents", page.page),
        ("/agents/changes", changes),
        ("/agents/fragments/list", fragment),
        ("/agents/sessions/{session}", page.session),
        ("/agents/{agent}", page.agent),
    ):
        app.add_api_route(path, handler, include_in_schema=False, response_model=None)
