"""The keeper's desk of approvals: what calls wait for, who may decide, and what was decided.

Calls wait at their workers; here stands what a person needs to know of them. It is kept in memory
only: a worker that ends takes its questions with it, and so does the keeper. What was decided is a
change in the log, durable before the call goes on.
"""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from holdfast.app.approval_errors import ApprovalError, ApprovalGroupError, ApprovalOwnError
from holdfast.app.channel import ApprovalAsked, ApprovalGiven, ApprovalWithdrawn, Message
from holdfast.app.control import Decision
from holdfast.audit import Outbox, record_of
from holdfast.core import trace_of
from holdfast.faces import WaitingCall
from holdfast.gateway import Question, Verdict
from holdfast.world.ports import Store

APPROVALS_MAX = 1024
"""Questions on the desk, of all workers; a further call is refused."""
GIVEN, DENIED = "approval.given", "approval.denied"
"""The kinds of the changes; their subject is the call."""

log = structlog.get_logger("holdfast.approvals")


class _Case(msgspec.Struct, kw_only=True):
    question: Question
    worker: int
    tell: Callable[[Message], None]
    given: dict[str, str]

    @property
    def left(self) -> tuple[str, ...]:
        """The groups that have not said yes."""
        return tuple(name for name in self.question.groups if name not in self.given)

    @property
    def trace_id(self) -> str:
        """The call's, as its record will have it."""
        return _trace_id(self.question)


class ApprovalDesk:
    """What waits, by call."""

    def __init__(self, store: Store) -> None:
        Outbox(store)
        self._store = store
        self._cases: dict[str, _Case] = {}
        self._deciding = asyncio.Lock()

    def hear(
        self,
        worker: int,
        message: ApprovalAsked | ApprovalWithdrawn,
        *,
        tell: Callable[[Message], None],
    ) -> None:
        """A worker asks, or has nothing to ask any more."""
        if isinstance(message, ApprovalWithdrawn):
            gone = self._cases.pop(message.call, None)
            if gone is not None:
                log.info("approval.withdrawn", call=message.call, trace_id=gone.trace_id)
            return
        asked = message.question
        if len(self._cases) >= APPROVALS_MAX:
            log.warning("approval.desk-full", call=asked.call, trace_id=_trace_id(asked))
            tell(ApprovalGiven(Verdict(call=asked.call, is_yes=False, by=None)))
            return
        self._cases[asked.call] = _Case(question=asked, worker=worker, tell=tell, given={})
        log.info(
            "approval.asked",
            call=asked.call,
            trace_id=_trace_id(asked),
            groups=asked.groups,
            callee=asked.callee,
        )

    def gone(self, worker: int) -> None:
        """A worker has ended, and its calls with it."""
        for case in [case for case in self._cases.values() if case.worker == worker]:
            call = case.question.call
            del self._cases[call]
            log.info("approval.withdrawn", call=call, trace_id=case.trace_id)

    def questions(self) -> tuple[Question, ...]:
        """What waits, oldest first, without what would be sent."""
        return tuple(msgspec.structs.replace(q, content="") for q in self._open())

    def question(self, call: str) -> Question:
        """One, whole."""
        return self._case(call).question

    def seen(self) -> tuple[WaitingCall, ...]:
        """What faces may see: nothing of what anybody said."""
        return tuple(_seen(case) for case in self._cases.values())

    async def decide(self, decision: Decision) -> tuple[str, ...]:
        """Let a call go on or not; the groups whose yes is still missing.

        A crash after the record leaves a decision in the log of a call that ended with its worker.
        """
        async with self._deciding:
            case = self._case(decision.call)
            groups = _heard(case, decision)
            await asyncio.to_thread(self._record, decision)
            if self._cases.get(decision.call) is not case:
                raise ApprovalError(
                    f"the call '{decision.call[:40]}' waited no longer when this was decided",
                    fix="its record says how it ended",
                )
            by = decision.act.by
            case.given.update(dict.fromkeys(groups, by))
            if decision.is_yes and case.left:
                return case.left
            del self._cases[decision.call]
            who = ", ".join(dict.fromkeys(case.given.values())) if decision.is_yes else by
            case.tell(
                ApprovalGiven(Verdict(call=case.question.call, is_yes=decision.is_yes, by=who))
            )
            log.info(
                "approval.decided",
                call=decision.call,
                trace_id=case.trace_id,
                is_yes=decision.is_yes,
                by=by,
            )
            return ()

    def _open(self) -> list[Question]:
        return [case.question for case in self._cases.values()]

    def _case(self, call: str) -> _Case:
        found = self._cases.get(call)
        if found is None:
            raise ApprovalError(
                f"no call '{call[:40]}' waits for an approval",
                fix="'holdfast approvals list' tells those that do",
            )
        return found

    def _record(self, decision: Decision) -> None:
        kind = GIVEN if decision.is_yes else DENIED
        with self._store.transaction() as change:
            Outbox.add(change, record_of(decision.act, kind=kind, subject=decision.call))


def _trace_id(asked: Question) -> str:
    return trace_of(asked.call, asked.trace).trace


def _heard(case: _Case, decision: Decision) -> tuple[str, ...]:
    """The groups for which this word counts."""
    asked, by = case.question, decision.act.by
    if by in {asked.principal, asked.on_behalf_of, *asked.chain}:
        raise ApprovalOwnError(
            f"the call is made by '{by[:200]}' or on their behalf", fix="let somebody else decide"
        )
    groups = tuple(name for name in decision.groups if name in asked.groups)
    if not groups:
        wanted = ", ".join(asked.groups)
        raise ApprovalGroupError(
            f"'{by[:200]}' is in none of the groups that are asked", fix=f"ask one of: {wanted}"
        )
    return groups


def _seen(case: _Case) -> WaitingCall:
    asked = case.question
    return WaitingCall(
        call=asked.call,
        groups=case.left,
        principal=asked.principal,
        on_behalf_of=asked.on_behalf_of,
        action=asked.action,
        callee=asked.callee,
        tool=asked.tool,
        relationship=asked.relationship,
        policies=asked.policies,
        since=asked.since,
        until=asked.until,
    )
