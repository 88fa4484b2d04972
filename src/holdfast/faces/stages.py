"""A call as its seven states, read off the times it left behind."""

from enum import StrEnum

import msgspec

from holdfast.gateway import Seen

STAGES = ("accept", "authenticate", "authorize", "guard", "route", "send", "write")
_SEND, _WRITE = STAGES.index("send"), STAGES.index("write")
_AUDIT_RULE = "audit.unavailable"


class Progress(StrEnum):
    """What became of a stage."""

    PASSED = "passed"
    RUNNING = "running"
    REFUSED = "refused"
    FAILED = "failed"
    SKIPPED = "skipped"
    WAITING = "waiting"


class Stage(msgspec.Struct, frozen=True):
    """One of the seven. ``ended_us`` counts from the call's start; None where it has no end."""

    name: str
    progress: Progress
    ended_us: int | None
    took_us: int | None


def stages(seen: Seen) -> tuple[Stage, ...]:
    """The seven stages of a call, in order.

    Each stage that ran left one mark, except ``send``: none when no answer began, and a stream's
    opening record is a mark between ``send`` and ``write``. The last mark of an ended call is
    ``write``'s.
    """
    if seen.outcome is None:
        return _under_way(seen.marks_us)
    return _ended(seen)


def _under_way(marks: tuple[int, ...]) -> tuple[Stage, ...]:
    # An answer that has begun is still being sent: its own record comes after its end.
    current = min(len(marks), _SEND)
    found = [_timed(i, Progress.PASSED, marks) for i in range(current)]
    found.append(Stage(STAGES[current], Progress.RUNNING, None, None))
    found += [_untimed(i, Progress.WAITING) for i in range(current + 1, len(STAGES))]
    return tuple(found)


def _ended(seen: Seen) -> tuple[Stage, ...]:
    marks = seen.marks_us
    written = _written(seen)
    before = min(len(marks) - 1, _SEND) if marks else 0
    refused = seen.outcome == "refused"
    sent = before == _SEND and not refused
    found = [_timed(i, Progress.PASSED, marks) for i in range(before)]
    if sent:
        found.append(_sent(seen))
    elif refused and seen.rule != _AUDIT_RULE and found:
        last = found[-1]
        found[-1] = Stage(last.name, Progress.REFUSED, last.ended_us, last.took_us)
    found += [_untimed(i, Progress.SKIPPED) for i in range(len(found), _WRITE)]
    return (*found, written)


def _sent(seen: Seen) -> Stage:
    """Sending ends where the record of the whole call is made: at the last mark."""
    ended = seen.marks_us[-1]
    progress = Progress.PASSED if seen.outcome == "answered" else Progress.FAILED
    return Stage(STAGES[_SEND], progress, ended, ended - seen.marks_us[_SEND - 1])


def _written(seen: Seen) -> Stage:
    if seen.state == "lost":
        return Stage(STAGES[_WRITE], Progress.FAILED, None, None)
    if seen.rule == _AUDIT_RULE:
        return Stage(STAGES[_WRITE], Progress.REFUSED, None, None)
    ended = seen.marks_us[-1] if seen.marks_us else None
    return Stage(STAGES[_WRITE], Progress.PASSED, ended, None)


def _timed(index: int, progress: Progress, marks: tuple[int, ...]) -> Stage:
    began = marks[index - 1] if index else 0
    return Stage(STAGES[index], progress, marks[index], marks[index] - began)


def _untimed(index: int, progress: Progress) -> Stage:
    return Stage(STAGES[index], progress, None, None)
