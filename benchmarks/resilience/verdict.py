"""From what became of every call to what is told of a run. Pure."""

from typing import Any, NamedTuple

RECOVERED_SHARE = 0.95
WINDOW_S = 2.0
STEP_S = 0.25


class Seen(NamedTuple):
    """One call: due so many seconds after the beginning, how it ended, how long it took."""

    at: float
    is_right: bool
    status: int
    seconds: float
    first_s: float | None
    why: str


class Span(NamedTuple):
    """What became of some calls. ``good`` are right answers a second."""

    calls: int
    right: int
    p50_s: float
    p99_s: float
    good: float

    @property
    def share(self) -> float:
        return self.right / self.calls if self.calls else 1.0


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def span(calls: list[Seen], begin: float, end: float) -> Span:
    """Of calls due from ``begin`` on and before ``end``."""
    return _span([call for call in calls if begin <= call.at < end], end - begin)


def met(calls: list[Seen], begin: float, end: float) -> Span:
    """Of calls that were due in that time, or under way when it began."""
    return _span([c for c in calls if c.at < end and c.at + c.seconds >= begin], end - begin)


def ended(calls: list[Seen], begin: float, end: float) -> Span:
    """Of calls that ended in that time, whenever they were due: what a steady load brings."""
    return _span([c for c in calls if begin <= c.at + c.seconds < end], end - begin)


def _span(inside: list[Seen], length: float) -> Span:
    """Latencies are those of right answers: a quick refusal is no merit."""
    took = [call.seconds for call in inside if call.is_right]
    return Span(
        calls=len(inside),
        right=len(took),
        p50_s=quantile(took, 0.5),
        p99_s=quantile(took, 0.99),
        good=len(took) / length,
    )


def recovery_s(calls: list[Seen], fault_end: float, end: float) -> float | None:
    """Seconds from the fault's end until right answers stay at 95 % of the calls, in every window
    of 2 s that begins later; None when they do not before the end."""
    late = [call for call in calls if call.at >= fault_end]
    last_bad = None
    at = fault_end
    while at + WINDOW_S <= end:
        inside = [call.is_right for call in late if at <= call.at < at + WINDOW_S]
        if inside and sum(inside) / len(inside) < RECOVERED_SHARE:
            last_bad = at
        at += STEP_S
    if last_bad is None:
        return 0.0
    recovered = last_bad + STEP_S
    return recovered - fault_end if recovered + WINDOW_S <= end else None


def reasons(calls: list[Seen]) -> dict[str, int]:
    """Why calls were not answered, the most frequent first."""
    found: dict[str, int] = {}
    for call in calls:
        if not call.is_right:
            why = call.why.partition(":")[0]
            found[why] = found.get(why, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def findings(
    rows: list[list[Any]], *, calm_s: float, fault_s: float, after_s: float
) -> dict[str, Any]:
    """What a run is remembered by."""
    calls = [Seen(*row) for row in rows]
    fault_end = calm_s + fault_s
    end = fault_end + after_s
    return {
        "calls": len(calls),
        "calm": span(calls, 0.0, calm_s)._asdict(),
        "during": met(calls, calm_s, fault_end)._asdict(),
        "after": span(calls, fault_end, end)._asdict(),
        "whole": met(calls, calm_s, end)._asdict(),
        "recovery_s": recovery_s(calls, fault_end, end),
        "reasons": reasons(calls),
        "samples": sorted({call.why for call in calls if call.why})[:5],
    }
