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
    """The seven stages of a call that a watcher sees, in order."""
    return stages_of(
        seen.marks_us, outcome=seen.outcome, rule=seen.rule, is_lost=seen.state == "lost"
    )


def stages_of(
    marks: tuple[int, ...], *, outcome: str | None, rule: str | None, is_lost: bool = False
) -> tuple[Stage, ...]:
    """The seven stages of a call by its marks (a record's ``stages_us``), in order. ``outcome`` is
    None, or ``open``, while it is under way; ``is_lost`` says that its record is not durable.

    Each stage that ran left one mark, except ``send``: none when no answer began, and a stream's
    opening record is a mark between ``send`` and ``write``. The last mark of an ended call is
    ``write``'s.
    """
    if outcome is None or outcome == "open":
        return _under_way(marks)
    before = min(len(marks) - 1, _SEND) if marks else 0
    refused = outcome == "refused"
    found = [_timed(i, Progress.PASSED, marks) for i in range(before)]
    if before == _SEND and not refused:
        found.append(_sent(marks, is_answered=outcome == "answered"))
    elif refused and rule != _AUDIT_RULE and found:
        last = found[-1]
        found[-1] = Stage(last.name, Progress.REFUSED, last.ended_us, last.took_us)
    found += [_untimed(i, Progress.SKIPPED) for i in range(len(found), _WRITE)]
    return (*found, _written(marks, rule=rule, is_lost=is_lost))


def _under_way(marks: tuple[int, ...]) -> tuple[Stage, ...]:
    # An answer that has begun is still being sent: its own record comes after its end.
    current = min(len(marks), _SEND)
    found = [_timed(i, Progress.PASSED, marks) for i in range(current)]
    found.append(Stage(STAGES[current], Progress.RUNNING, None, None))
    found += [_untimed(i, Progress.WAITING) for i in range(current + 1, len(STAGES))]
    return tuple(found)


def _sent(marks: tuple[int, ...], *, is_answered: bool) -> Stage:
    """Sending ends where the record of the whole call is made: at the last mark."""
    progress = Progress.PASSED if is_answered else Progress.FAILED
    return Stage(STAGES[_SEND], progress, marks[-1], marks[-1] - marks[_SEND - 1])


def _written(marks: tuple[int, ...], *, rule: str | None, is_lost: bool) -> Stage:
    if is_lost:
        return Stage(STAGES[_WRITE], Progress.FAILED, None, None)
    if rule == _AUDIT_RULE:
        return Stage(STAGES[_WRITE], Progress.REFUSED, None, None)
    return Stage(STAGES[_WRITE], Progress.PASSED, marks[-1] if marks else None, None)


def _timed(index: int, progress: Progress, marks: tuple[int, ...]) -> Stage:
    began = marks[index - 1] if index else 0
    return Stage(STAGES[index], progress, marks[index], marks[index] - began)


def _untimed(index: int, progress: Progress) -> Stage:
    return Stage(STAGES[index], progress, None, None)
