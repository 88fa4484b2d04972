"""The control API's paths that do something: decide, revoke, lift, restart."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field

from holdfast.core import rfc3339
from holdfast.faces.acting import Acting, Done
from holdfast.faces.replies import ErrorReply
from holdfast.faces.visitors import Deed, require
from holdfast.gateway import Question
from holdfast.identity.revocation import NAME_LENGTH_MAX, Kind

REASON_LENGTH_MAX = 500
ID_LENGTH_MAX = 64

Reason = Annotated[
    str, Field(min_length=1, max_length=REASON_LENGTH_MAX, description="Why; stands in the log.")
]
Id = Annotated[str, Path(max_length=ID_LENGTH_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionForm:
    """A person's word about a call that waits."""

    decision: Literal["yes", "no"]
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationForm:
    """What is no longer to be accepted: for ``agent`` and ``principal`` a node's id will do."""

    kind: Kind
    subject: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonForm:
    """Why something is done."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneReply:
    """What came of it. ``change`` is the id of its record in the log, null where it leaves none."""

    change: str | None
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionReply:
    """All that is known of a call that waits. ``content`` is what would be sent, cut short where
    ``is_cut``; ``groups`` are those each of which must say yes."""

    call: str
    groups: tuple[str, ...]
    principal: str
    on_behalf_of: str | None
    chain: tuple[str, ...]
    action: str
    callee: str
    tool: str | None
    content: str
    is_cut: bool
    content_bytes: int
    policies: tuple[str, ...]
    reason: str
    relationship: str
    since: str
    until: str


def acts_router(acting: Acting) -> APIRouter:
    """Every path that changes the running system. Each asks for the deed itself, too: the gatekeeper
    is not the only lock."""
    router = APIRouter(tags=["acts"])

    async def question(request: Request, call_id: Id) -> QuestionReply:
        """All that a person needs to know to decide, what would be sent included."""
        require(request, Deed.APPROVE)
        return _question(acting.question(call_id))

    async def decide(request: Request, call_id: Id, form: DecisionForm) -> DoneReply:
        """Say yes or no, in the name of whoever has signed in."""
        by = require(request, Deed.APPROVE)
        is_yes = form.decision == "yes"
        return _done(await acting.decide(by, call_id, is_yes=is_yes, reason=form.reason))

    async def revoke(request: Request, form: RevocationForm) -> DoneReply:
        """Nothing of the subject is accepted on any worker when this answers."""
        by = require(request, Deed.OPERATE)
        return _done(await acting.revoke(by, form.kind, form.subject, reason=form.reason))

    async def lift(request: Request, revocation_id: Id, form: ReasonForm) -> DoneReply:
        """Take a revocation back; those of keys and mandates are final."""
        by = require(request, Deed.OPERATE)
        return _done(await acting.lift(by, revocation_id, reason=form.reason))

    async def restart(request: Request, form: ReasonForm) -> DoneReply:
        """Put a fresh worker in every place; no call is cut off for it."""
        by = require(request, Deed.OPERATE)
        return _done(await acting.restart(by, reason=form.reason))

    def add(path: str, endpoint: Any, method: str, summary: str, *statuses: int) -> None:
        fails: dict[int | str, dict[str, Any]] = {
            status: {"model": ErrorReply} for status in (401, 403, 421, 422, 429, 500, *statuses)
        }
        router.add_api_route(path, endpoint, methods=[method], summary=summary, responses=fails)

    add("/api/approvals/{call_id}", question, "GET", "A call that waits, whole", 404)
    add("/api/approvals/{call_id}", decide, "POST", "Decide about a call", 404)
    add("/api/revocations", revoke, "POST", "Revoke something")
    add("/api/revocations/{revocation_id}/lift", lift, "POST", "Lift a revocation", 404, 409)
    add("/api/restart", restart, "POST", "Restart the workers", 503)
    return router


def _done(done: Done) -> DoneReply:
    return DoneReply(change=done.change, said=done.said)


def _question(of: Question) -> QuestionReply:
    return QuestionReply(
        call=of.call,
        groups=of.groups,
        principal=of.principal,
        on_behalf_of=of.on_behalf_of,
        chain=of.chain,
        action=of.action,
        callee=of.callee,
        tool=of.tool,
        content=of.content,
        is_cut=of.is_cut,
        content_bytes=of.content_bytes,
        policies=of.policies,
        reason=of.reason,
        relationship=of.relationship,
        since=rfc3339(of.since),
        until=rfc3339(of.until),
    )
