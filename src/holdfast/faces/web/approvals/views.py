"""What the approvals page shows. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holdfast.faces.view import Live, WaitingCall
from holdfast.faces.web.words import clock, day_and_minute, moment, short_name
from holdfast.gateway import Question
from holdfast.history import Moment

HELD_MAX = 50
"""Calls shown at once, the oldest first; further ones are counted."""
CONTENT_SHOWN_MAX = 4_000
"""Characters of what would be sent, in the list; the call's own page shows all that is known."""

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What only those see who decide. ``rest`` says how much is not shown, empty where all is."""

    chain: str
    reason: str
    wanted: str
    content: str
    rest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One call that waits. ``missing`` are the groups that have not said yes."""

    call: str
    caller: str
    principal: str
    on_behalf_of: str | None
    what: str
    relationship: str
    policies: str
    missing: str
    since: str
    since_clock: str
    until: str
    until_clock: str
    left: str
    is_urgent: bool
    asked: Asked | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldView:
    """The list. ``more`` further ones wait."""

    rows: tuple[Held, ...]
    more: int
    may_decide: bool
    may_act: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision of before."""

    at: str
    shown: str
    is_yes: bool
    call: str
    by: str
    text: str


def held_view(
    live: Live, questions: Mapping[str, Question], *, may_decide: bool, may_act: bool
) -> HeldView:
    """``questions`` are those that may be shown whole, by call."""
    waiting = live.approvals[:HELD_MAX]
    return HeldView(
        rows=tuple(_held(each, questions.get(each.call), live.at) for each in waiting),
        more=max(0, len(live.approvals) - HELD_MAX),
        may_decide=may_decide,
        may_act=may_act,
    )


def _held(each: WaitingCall, question: Question | None, now: int) -> Held:
    what = f"{each.action} {each.callee}"
    left_s = max(0, (each.until - now) // _SECOND)
    return Held(
        call=each.call,
        caller=short_name(each.principal) or each.principal,
        principal=each.principal,
        on_behalf_of=each.on_behalf_of,
        what=what if each.tool is None else f"{what} / {each.tool}",
        relationship=each.relationship,
        policies=", ".join(each.policies),
        missing=" and ".join(each.groups),
        since=moment(each.since),
        since_clock=clock(each.since)[:8],
        until=moment(each.until),
        until_clock=clock(each.until)[:8],
        left=_left(left_s),
        is_urgent=left_s < 60,
        asked=None if question is None else _asked(question),
    )


def _left(left_s: int) -> str:
    """In steps, so that a list that nothing happens in is not sent anew each second."""
    if left_s >= 120:
        return f"about {left_s // 60} min left"
    return f"less than {max(10, (left_s // 10 + 1) * 10)} s left"


def _asked(question: Question) -> Asked:
    shown = question.content[:CONTENT_SHOWN_MAX]
    is_whole = shown == question.content and not question.is_cut
    return Asked(
        chain=" → ".join(question.chain) or "nobody",
        reason=question.reason,
        wanted=" and ".join(question.groups),
        content=shown,
        rest="" if is_whole else f"The whole request has {question.content_bytes:,} bytes.",
    )


def decided_rows(moments: Iterable[Moment]) -> tuple[Decided, ...]:
    """Newest first, as they come."""
    return tuple(
        Decided(
            at=moment(each.at),
            shown=day_and_minute(each.at),
            is_yes=each.kind == "approval.given",
            call=each.subject,
            by=each.by or "",
            text=each.text,
        )
        for each in moments
        if each.kind in ("approval.given", "approval.denied")
    )
