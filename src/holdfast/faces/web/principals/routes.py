"""``/principals``, one principal, and why a question would be answered as it would."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core import NodeId
from holdfast.faces.errors import NotThereError
from holdfast.faces.past import Past
from holdfast.faces.permissions import PermissionsView, actions_on, known_kind, pairs_of
from holdfast.faces.registers import Registers
from holdfast.faces.web.principals.tree import tree_of
from holdfast.faces.web.principals.views import (
    PAIRS_SHOWN,
    EventRow,
    MatrixView,
    PrincipalView,
    WhyView,
    call_rows,
    callers,
    event_rows,
    pair_rows,
    passport_part,
    revoked_rows,
    title_of,
    why_view,
    worker_rows,
)
from holdfast.faces.web.shell import PRINCIPALS, Shell
from holdfast.faces.web.words import short_name
from holdfast.history import Call, CallQuery, History, Moment
from holdfast.identity.passports import Passport
from holdfast.identity.revocation import Revocation

CALLS_READ = 500
CALLS_SHOWN = 15
EVENTS_SHOWN = 30
EVENTS_READ = 500
EVENTS_DAYS = 90
NAME_LENGTH_MAX = 300
_DAY = 86_400_000_000
_KINDS = (
    ("agent", "the agent, and all that descends from it"),
    ("principal", "this principal alone"),
)
_PERSON = (("principal", "this person, and all that stands on their mandates"),)


class PrincipalsPage:
    """Renders the pages about principals."""

    def __init__(
        self,
        shell: Shell,
        *,
        permissions: PermissionsView,
        registers: Registers | None,
        past: Past | None,
    ) -> None:
        self._shell = shell
        self._permissions = permissions
        self._registers = registers
        self._past = past

    async def page(
        self, request: Request, caller: str = "", callee: str = "", page: int = 0
    ) -> Response:
        """Who may ask whom for what: declared pairs, a page at a time."""
        blueprint = self._shell.view.blueprint()
        pairs = pairs_of(blueprint, caller=caller.strip(), callee=callee.strip())
        page = max(0, min(page, (len(pairs) - 1) // PAIRS_SHOWN))
        shown = pairs[page * PAIRS_SHOWN : (page + 1) * PAIRS_SHOWN]
        found = await run_in_threadpool(self._permissions.permissions, shown)
        rows = pair_rows(blueprint, found, self._permissions.kinds)
        url = request.url.include_query_params
        part = MatrixView(
            rows=rows,
            pairs=len(pairs),
            newer=f"?{url(page=page - 1).query}" if page else None,
            older=f"?{url(page=page + 1).query}" if (page + 1) * PAIRS_SHOWN < len(pairs) else None,
            caller=caller,
            callee=callee,
            strangers=callers(self._shell.view.live(), blueprint),
        )
        return self._shell.page(request, PRINCIPALS, "principals/page.html", part=part)

    async def why(
        self, request: Request, caller: str = "", action: str = "", callee: str = "", kind: str = ""
    ) -> Response:
        """The policies that would decide, and those that nearly would."""
        kinds = self._permissions.kinds
        pair = self._known_pair(caller, callee, action)
        kind = known_kind(self._permissions, kind)

        def ask() -> WhyView:
            explained = self._permissions.why(pair[0], action, pair[1], kind=kind)
            (found,) = (
                each for each in self._permissions.permissions([pair]) if each.action == action
            )
            answer = found.answers[kinds.index(kind)]
            return why_view(
                explained,
                caller=caller,
                action=action,
                callee=callee,
                kind=kind,
                kinds=kinds,
                unmet=answer if answer.startswith("demand.") else "",
            )

        part = await run_in_threadpool(ask)
        return self._shell.page(request, PRINCIPALS, "principals/why.html", part=part)

    def _known_pair(self, caller: str, callee: str, action: str) -> tuple[NodeId, NodeId]:
        blueprint = self._shell.view.blueprint()
        pair = (NodeId(caller), NodeId(callee))
        if pair not in blueprint.connections():
            raise NotThereError(
                f"'{caller[:80]}' may ask nothing of '{callee[:80]}': no relationship is declared",
                fix="what is not declared is refused, whatever any policy says",
            )
        known = actions_on(blueprint.nodes[pair[1]])
        if action not in known:
            raise NotThereError(
                f"'{action[:40]}' is nothing that '{callee}' is asked for",
                fix=f"say one of: {', '.join(known)}",
            )
        return pair

    async def principal(self, request: Request, name: str) -> Response:
        """One principal: a node's id, or a person (``user:ISSUER:SUB``)."""
        name = name[:NAME_LENGTH_MAX]
        blueprint = self._shell.view.blueprint()
        passport, revocations = await self._registered(name)
        calls, moments = await self._past_of(name)
        is_person = name.startswith("user:")
        node = blueprint.nodes.get(NodeId(name))
        if node is None and not (is_person or passport or calls):
            raise NotThereError(
                f"nobody here is called '{name[:100]}'", fix="GET /principals lists who may call"
            )
        spiffe = passport.sub if passport is not None else _spiffe(name, calls)
        title, about = title_of(node, name)
        keys = None if node is None else await run_in_threadpool(self._permissions.keys, node.id)
        part = PrincipalView(
            name=name,
            title=title,
            about="A person, known by an identity provider." if is_person else about,
            spiffe=spiffe,
            keys=keys,
            passport=passport_part(passport) if passport is not None else None,
            revoked=revoked_rows(revocations, frozenset((name, spiffe))),
            workers=worker_rows(self._shell.view.live().workers),
            tree=tree_of(calls),
            events=_events(moments, frozenset((name, spiffe))),
            calls=call_rows(calls[:CALLS_SHOWN]),
            kinds=_PERSON if is_person else _KINDS,
        )
        return self._shell.page(request, PRINCIPALS, "principals/one.html", part=part)

    async def _registered(self, name: str) -> tuple[Passport | None, tuple[Revocation, ...]]:
        registers = self._registers
        if registers is None:
            return None, ()
        passports = await run_in_threadpool(registers.passports)
        mine = next((each for each in passports if name in (each.sub, short_name(each.sub))), None)
        return mine, await run_in_threadpool(registers.revocations)

    async def _past_of(self, name: str) -> tuple[tuple[Call, ...], tuple[Moment, ...]]:
        """The newest calls it made, or that were made under its authority; what was done to it."""
        if self._past is None:
            return (), ()
        now = self._shell.view.live().at

        def read(history: History) -> tuple[tuple[Call, ...], tuple[Moment, ...]]:
            if name.startswith("user:"):
                newest = history.calls(CallQuery(limit=CALLS_READ))
                calls = tuple(each for each in newest if name in each.chain)
            else:
                calls = history.calls(CallQuery(caller=name, limit=CALLS_READ))
            moments = history.moments(now - EVENTS_DAYS * _DAY, now + _DAY, limit=EVENTS_READ)
            return calls, moments

        return await self._past.ask(read)


def _spiffe(name: str, calls: Sequence[Call]) -> str:
    return next((call.principal for call in calls if call.principal and call.caller == name), name)


def _events(moments: Sequence[Moment], names: frozenset[str]) -> tuple[EventRow, ...]:
    mine = [each for each in moments if each.subject in names or (each.by or "") in names]
    return event_rows(mine[:EVENTS_SHOWN])


def add_principals(
    app: FastAPI,
    shell: Shell,
    *,
    permissions: PermissionsView,
    registers: Registers | None,
    past: Past | None,
) -> None:
    """``/principals`` and what belongs to it."""
    page = PrincipalsPage(shell, permissions=permissions, registers=registers, past=past)
    for path, handler in (
        ("/principals", page.page),
        ("/principals/why", page.why),
        ("/principals/{name:path}", page.principal),
    ):
        app.add_api_route(path, handler, include_in_schema=False, response_model=None)
