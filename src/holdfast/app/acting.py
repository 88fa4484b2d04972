"""What people do by console and API: a ``faces.Acting``. The same as by command, under their name."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from holdfast.app.acts import UnknownPrincipalError, principal_of
from holdfast.app.approval_errors import ApprovalError, ApprovalGroupError, ApprovalOwnError
from holdfast.app.approvals import ApprovalDesk
from holdfast.app.control import Decision, Reply
from holdfast.app.datadir import DataDir
from holdfast.app.handles import FleetError
from holdfast.app.herald import Herald
from holdfast.app.restarts import record_restart
from holdfast.audit import Act
from holdfast.blueprint import Blueprint
from holdfast.core import RANDOM_BYTES, ulid
from holdfast.faces import ActFailedError, ActRefusedError, ActUnknownError, Done, Visitor
from holdfast.gateway import Question
from holdfast.identity.revocation import Kind, RevocationError, RevocationStore
from holdfast.world.ports import Clock, Entropy, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What acting needs of a running instance. ``note`` lets watchers see that something changed."""

    data: DataDir
    store: Store
    desk: ApprovalDesk
    herald: Herald
    blueprint: Callable[[], Blueprint]
    restart: Callable[[], Awaitable[Reply]]
    note: Callable[[], None]
    clock: Clock
    entropy: Entropy


class Actor:
    """Each act has its record before it takes effect."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._revocations = RevocationStore(tools.store)

    def question(self, call: str) -> Question:
        try:
            return self._tools.desk.question(call)
        except ApprovalError as error:
            raise ActUnknownError(error.what, fix=error.fix, code=error.code) from error

    async def decide(self, by: Visitor, call: str, *, is_yes: bool, reason: str) -> Done:
        """A person speaks for the groups that their provider says they are in; whoever came by a
        link of this machine for all, where no provider is declared that would know better."""
        groups = self._groups(by, self.question(call))
        act = self._act(by, reason)
        decision = Decision(call=call, is_yes=is_yes, act=act, groups=groups)
        try:
            left = await self._tools.desk.decide(decision)
        except (ApprovalOwnError, ApprovalGroupError) as error:
            raise ActRefusedError(error.what, fix=error.fix, code=error.code) from error
        except ApprovalError as error:
            raise ActUnknownError(error.what, fix=error.fix, code=error.code) from error
        self._tools.note()
        return Done(change=act.id, said=_decided(call, left, is_yes=is_yes))

    async def revoke(self, by: Visitor, kind: Kind, subject: str, *, reason: str) -> Done:
        act = self._act(by, reason)
        name = await asyncio.to_thread(self._named, kind, subject)
        made = await asyncio.to_thread(self._revocations.revoke, kind, name, act=act)
        return await self._in_force(act, f"{made.kind} {made.name} is revoked")

    async def lift(self, by: Visitor, revocation: str, *, reason: str) -> Done:
        act = self._act(by, reason)
        lifted = await asyncio.to_thread(self._revocations.lift, revocation, act=act)
        return await self._in_force(act, f"{lifted.kind} {lifted.name} is accepted again")

    async def restart(self, by: Visitor, *, reason: str) -> Done:
        act = self._act(by, reason)
        name = self._tools.blueprint().name
        await asyncio.to_thread(record_restart, self._tools.store, act, instance=name)
        try:
            reply = await self._tools.restart()
        except FleetError as error:
            raise ActFailedError(error.what, fix=error.fix, code=error.code) from error
        said = f"{reply.workers} fresh workers; {reply.leaving} old finishing calls"
        return Done(change=act.id, said=said)

    def _groups(self, by: Visitor, asked: Question) -> tuple[str, ...]:
        if by.way == "provider":
            return tuple(name for name in asked.groups if name in by.groups)
        return asked.groups if by.way == "link" and not self._tools.blueprint().people else ()

    def _named(self, kind: Kind, subject: str) -> str:
        """A node's id is its principal, as for the command."""
        if kind not in ("agent", "principal") or subject.startswith("user:"):
            return subject
        try:
            return principal_of(self._tools.data, subject)
        except UnknownPrincipalError as error:
            raise RevocationError(error.what, fix=error.fix, code=error.code) from error

    async def _in_force(self, act: Act, said: str) -> Done:
        try:
            workers = await self._tools.herald.adopt()
        except FleetError as error:
            what = f"{said}, but not every worker has said that it knows: {error.what}"
            raise ActFailedError(what, fix=error.fix, code=error.code) from error
        self._tools.note()
        return Done(change=act.id, said=f"{said}. It is in force on {workers} workers.")

    def _act(self, by: Visitor, reason: str) -> Act:
        if by.principal is None:
            raise ActRefusedError("nobody has signed in", fix="sign in")
        now = self._tools.clock.now()
        name = ulid(now, self._tools.entropy.noise(RANDOM_BYTES))
        return Act(id=name, by=by.principal, at=now, reason=reason)


def _decided(call: str, left: tuple[str, ...], *, is_yes: bool) -> str:
    if not is_yes:
        return f"denied: the call {call} is refused"
    if left:
        return f"approved; the call still waits for: {', '.join(left)}"
    return f"approved: the call {call} goes on"
