"""What ``holdfast approvals`` does: tells what waits for a person, and takes the person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from holdfast.app.acts import new_act
from holdfast.app.approval_errors import ApprovalError, ApprovalGroupError, ApprovalOwnError
from holdfast.app.control import Decision, Request, tell
from holdfast.app.datadir import DataDir
from holdfast.app.declared import declared_providers
from holdfast.app.login import person_here
from holdfast.audit import Act
from holdfast.core import HoldfastError, Instant, rfc3339
from holdfast.identity.people import SessionEndedError
from holdfast.world.real import SystemClock

if TYPE_CHECKING:  # the gateway takes half a second to load, and mostly nothing waits
    from holdfast.gateway import Question

_MICROSECONDS = 1_000_000
_ERRORS = {each.code: each for each in (ApprovalError, ApprovalOwnError, ApprovalGroupError)}


class Decided(msgspec.Struct, frozen=True):
    """``change`` is the id of the record; ``left`` are groups whose yes is still missing."""

    call: str
    is_yes: bool
    by: str
    change: str
    left: tuple[str, ...]


def waiting(data: DataDir) -> tuple[Question, ...]:
    """What waits on the running instance, oldest first."""
    return _tell(data, Request("approvals")).questions


def show_question(data: DataDir, call: str) -> Question:
    """One of them, with what would be sent."""
    return _tell(data, Request("approval", call=call)).questions[0]


def decide(data: DataDir, call: str, *, is_yes: bool, reason: str) -> Decided:
    """Say yes or no, as whoever is logged in here; where nobody can log in, as the machine's user.

    A person speaks for the groups that their provider says they are in. Where the blueprint names
    no provider nobody knows of groups: whoever may write the data directory speaks for all.
    """
    question = show_question(data, call)
    act, groups = _decider(data, question, reason)
    decision = Decision(call=call, is_yes=is_yes, act=act, groups=groups)
    reply = _tell(data, Request("decide", decision=decision))
    return Decided(call, is_yes, act.by, act.id, reply.left)


def questions_text(found: tuple[Question, ...]) -> str:
    """How they read at a terminal."""
    if not found:
        return "no call waits for an approval"
    lines = [f"{'CALL':26}  {'LEFT':>5}  {'GROUPS':16}  WHAT"]
    now = SystemClock().now()
    for each in found:
        what = f"{plain(each.principal)} {each.action} {each.callee}"
        what += f" / {plain(each.tool)}" if each.tool else ""
        groups = ",".join(each.groups)
        lines.append(f"{each.call:26}  {_left_s(each, now):>3} s  {groups:16}  {what}")
    lines.append("see: holdfast approvals show CALL; then: holdfast approvals approve|deny CALL")
    return "\n".join(lines)


def question_text(asked: Question) -> str:
    """One of them, with all that there is to know."""
    rows = [
        ("call", asked.call),
        ("caller", asked.principal),
        ("on behalf of", asked.on_behalf_of or "themselves"),
        ("through", " -> ".join(asked.chain) or "nobody"),
        ("wants to", f"{asked.action} {asked.callee}" + (f" / {asked.tool}" if asked.tool else "")),
        ("over", asked.relationship),
        ("policies", ", ".join(asked.policies)),
        ("because", asked.reason),
        ("groups", ", ".join(asked.groups)),
        ("since", rfc3339(asked.since)),
        ("until", rfc3339(asked.until)),
        ("request", f"{asked.content_bytes} bytes" + (", cut short below" if asked.is_cut else "")),
    ]
    lines = [f"{name:13} {plain(value)}" for name, value in rows]
    # What the caller wrote, marked at every line: nothing in it can pass for a line of ours.
    lines += [f"  | {plain(line)}" for line in asked.content.splitlines() or [""]]
    return "\n".join(lines)


def decided_text(done: Decided) -> str:
    if not done.is_yes:
        return f"denied: the call {done.call} is refused"
    if done.left:
        return f"approved; the call still waits for: {', '.join(done.left)}"
    return f"approved: the call {done.call} goes on"


def plain(text: str) -> str:
    """Without anything that moves the cursor or hides."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _left_s(asked: Question, now: Instant) -> int:
    return max(0, (asked.until - now) // _MICROSECONDS)


def _decider(data: DataDir, asked: Question, reason: str) -> tuple[Act, tuple[str, ...]]:
    act = new_act(reason)
    try:
        person = person_here(data).person
    except SessionEndedError:
        if declared_providers(data):
            raise
        return act, asked.groups
    groups = tuple(name for name in asked.groups if name in person.groups)
    return msgspec.structs.replace(act, by=person.principal), groups


class _Told(NamedTuple):
    questions: tuple[Question, ...]
    left: tuple[str, ...]


def _tell(data: DataDir, request: Request) -> _Told:
    try:
        reply = tell(data.control_socket, request)
    except HoldfastError as error:
        kind = _ERRORS.get(error.code)
        if kind is None:
            raise
        raise kind(error.what, fix=error.fix) from error
    if not reply.questions:
        return _Told((), reply.left)
    from holdfast.gateway import Question  # noqa: PLC0415 - see above

    questions = tuple(msgspec.json.decode(each, type=Question) for each in reply.questions)
    return _Told(questions, reply.left)
