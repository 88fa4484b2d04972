"""What the console asks of the past, each question by its name."""

from collections.abc import Callable

import made

from holdfast.history import PAGE_MAX, CallQuery, History

MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US

Question = Callable[[History], object]


def _calls(**words: object) -> Question:
    query = CallQuery(**words)  # pyright: ignore[reportArgumentType]
    return lambda history: history.calls(query)


def questions(history: History, now: int) -> dict[str, Question]:
    """Common ones, and those that are hard: rare among many, old, nothing at all."""
    some = history.calls(CallQuery(limit=PAGE_MAX))
    traced = next(call for call in some if call.session == call.trace)
    talk = next(call for call in some if call.session and call.session.startswith("talk-"))
    caller, callee, relationship = made.pairs()[0]
    rare = made.pairs()[-1]
    middle = now - 15 * DAY_US
    old = history.calls(CallQuery(until=middle, limit=1))[0].call
    week, month = now - 7 * DAY_US, now - 30 * DAY_US
    return {
        "newest 50 calls": _calls(),
        "newest 500 calls": _calls(limit=PAGE_MAX),
        "50 calls before one of 15 days ago": _calls(before=old),
        "50 calls after one of 15 days ago": _calls(after=old),
        "calls of the busiest agent": _calls(caller=caller),
        "calls of the quietest pair": _calls(caller=rare[0], callee=rare[1]),
        "refused calls": _calls(outcome="refused"),
        "calls refused by budget, of one agent": _calls(caller=caller, rule="budget.exhausted"),
        "failed calls of one relationship": _calls(relationship=relationship, outcome="failed"),
        "cancelled tool calls, a day of two weeks ago": _calls(
            tool="tool-3", outcome="cancelled", since=middle, until=middle + DAY_US
        ),
        "a combination that never was": _calls(callee="model-1", tool="tool-3"),
        "500 failed calls to one callee": _calls(callee=callee, outcome="failed", limit=PAGE_MAX),
        "one call": lambda history: history.call(old),
        "calls of a trace": _calls(trace=traced.trace),
        "calls of a session": _calls(session=talk.session),
        "failed calls of a session": _calls(session=talk.session, outcome="failed"),
        "newest 50 sessions": lambda history: history.sessions(),
        "newest 50 sessions of an agent": lambda history: history.sessions(agent="agent-9"),
        "one session": lambda history: history.session(talk.session or ""),
        "traffic of a minute": lambda history: history.traffic(middle, middle + 1),
        "traffic of the last hour": lambda history: history.traffic(now - 60 * MINUTE_US, now),
        "traffic of the last day": lambda history: history.traffic(now - DAY_US, now),
        "traffic of 30 days": lambda history: history.traffic(month, now),
        "calls a minute for a day": lambda history: history.series(
            "calls", since=now - DAY_US, until=now, step_s=60
        ),
        "latency, five minutes each, for a day": lambda history: history.series(
            "latency", since=now - DAY_US, until=now, step_s=300
        ),
        "latency of one callee, half hours, for a week": lambda history: history.series(
            "latency", since=week, until=now, step_s=1800, callee="model-1"
        ),
        "cost of one relationship, hours, for 30 days": lambda history: history.series(
            "cost", since=month, until=now, step_s=3600, relationship=relationship
        ),
        "how far it reaches": lambda history: history.extent(),
    }
