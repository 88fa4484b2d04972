"""What of a minute's calls an objective counts, and what of that is bad."""

from collections.abc import Iterable

from holdfast.blueprint import Objective
from holdfast.history import Minute
from holdfast.telemetry.objectives.forms import Scope
from holdfast.telemetry.objectives.ledger import Sums


def covers(scope: Scope, minute: Minute) -> bool:
    """Whether a pair's calls are the objective's business."""
    match scope.kind:
        case "system":
            return True
        case "node":
            return minute.callee == scope.name
        case "relationship":
            return minute.relationship == scope.name


def count(objective: Objective, minutes: Iterable[Minute]) -> Sums:
    """The sums of pairs of one minute."""
    used = counted = 0
    for minute in minutes:
        bad, all_ = _of(objective, minute)
        used += bad
        counted += all_
    return Sums(used, counted)


def _of(objective: Objective, minute: Minute) -> tuple[int, int]:
    """Calls that somebody declared should be refused, and calls given up by their caller, are not
    counted: neither says anything of whether the system can be relied on."""
    limit = objective.limit or 0
    match objective.kind:
        case "availability":
            bad = minute.failed + minute.unserved
            return bad, minute.answered + bad
        case "first_token":
            times = minute.first_tokens
            return times.count - times.within(limit), times.count
        case "duration":
            times = minute.durations
            return times.count - times.within(limit), times.count
        case "tokens_per_s":
            return minute.speeds.within(limit - 1), minute.speeds.count
        case "cost":
            return minute.cost, minute.answered
