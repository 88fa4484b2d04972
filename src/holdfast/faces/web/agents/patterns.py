"""What in a session deserves a look: asking the same again and again, going round in circles, ending
badly, running past its bounds. Pure, over the calls of one session in the order they began.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.blueprint import Blueprint
from holdfast.core import NodeId
from holdfast.history import Call

REPEATS_MIN = 3
"""So often the same question in the same session is called a loop."""
REPEATS_WITHIN_US = 600_000_000
"""... when it was asked within ten minutes."""
PERIOD_MAX = 4
"""The longest circle that is looked for, in calls."""
ROUNDS_MIN = 3
"""So often round is a circle."""
MICRO = 1_000_000

Kind: TypeAlias = Literal["repeats", "circles", "ended badly", "past its bounds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Something found. ``call`` is the first call that shows it."""

    kind: Kind
    agent: str
    text: str
    call: str


def patterns(calls: Sequence[Call], blueprint: Blueprint) -> tuple[Pattern, ...]:
    """Everything found in one session, agent by agent."""
    by_agent: dict[str, list[Call]] = {}
    for call in calls:
        by_agent.setdefault(call.caller or "", []).append(call)
    found: list[Pattern] = []
    for agent, mine in by_agent.items():
        circle = _circle(agent, mine)
        found += _repeats(agent, mine, beside=circle)
        found += circle
        found += _past_bounds(agent, mine, blueprint)
        found += _ended_badly(agent, mine)
    return tuple(found)


def _what(call: Call) -> str:
    return f"{call.callee} / {call.tool}" if call.tool else f"{call.callee}"


def _repeats(agent: str, calls: Sequence[Call], *, beside: Sequence[Pattern]) -> list[Pattern]:
    """The same question, most often within ten minutes. A circle says it already."""
    if beside:
        return []
    same: dict[int, list[Call]] = {}
    for call in calls:
        if call.alike is not None and not call.cached:
            same.setdefault(call.alike, []).append(call)
    found: list[Pattern] = []
    for asked in same.values():
        most, first = _densest(asked)
        if most >= REPEATS_MIN:
            text = f"asked {_what(first)} the same {most} times within ten minutes"
            found.append(Pattern(kind="repeats", agent=agent, text=text, call=first.call))
    return found


def _densest(calls: Sequence[Call]) -> tuple[int, Call]:
    """The most calls within the window, and the first of them."""
    most, first, start = 0, calls[0], 0
    for end, call in enumerate(calls):
        while call.at - calls[start].at > REPEATS_WITHIN_US:
            start += 1
        if end - start + 1 > most:
            most, first = end - start + 1, calls[start]
    return most, first


def _circle(agent: str, calls: Sequence[Call]) -> list[Pattern]:
    """The same two to four different questions, in the same order, over and over."""
    keys = [call.alike for call in calls]
    for period in range(2, PERIOD_MAX + 1):
        rounds, start = _longest(keys, period)
        if rounds >= ROUNDS_MIN:
            steps = " → ".join(_what(call) for call in calls[start : start + period])
            text = f"went round {rounds} times: {steps}"
            return [Pattern(kind="circles", agent=agent, text=text, call=calls[start].call)]
    return []


def _longest(keys: Sequence[int | None], period: int) -> tuple[int, int]:
    """How often a circle of this length is gone round at most, and where that begins."""
    best, best_start, run = 0, 0, 0
    for at in range(period, len(keys)):
        run = run + 1 if keys[at] is not None and keys[at] == keys[at - period] else 0
        start = at - run - period + 1
        rounds = (run + period) // period if run else 0
        if rounds > best and len(set(keys[start : start + period])) == period:
            best, best_start = rounds, start
    return best, best_start


def _past_bounds(agent: str, calls: Sequence[Call], blueprint: Blueprint) -> list[Pattern]:
    """More than the blueprint says that a run of this agent ends at."""
    node = blueprint.nodes.get(NodeId(agent))
    bounds = node.facts.bounds if node is not None else None
    if bounds is None:
        return []
    tokens = sum((call.tokens_in or 0) + (call.tokens_out or 0) for call in calls)
    took_s = (calls[-1].at + calls[-1].duration_us - calls[0].at) / MICRO
    spent = sum(call.cost or 0 for call in calls) / 1_000_000_000
    limits = (
        ("steps", len(calls), bounds.steps),
        ("tokens", tokens, bounds.tokens),
        ("seconds", took_s, bounds.time_s),
        ("of the currency", spent, bounds.spend),
    )
    return [
        Pattern(
            kind="past its bounds",
            agent=agent,
            text=f"{used:,.0f} {word}; the blueprint says that a run ends at {limit:,.0f}",
            call=calls[-1].call,
        )
        for word, used, limit in limits
        if limit is not None and used > limit
    ]


def _ended_badly(agent: str, calls: Sequence[Call]) -> list[Pattern]:
    """The last thing it did was refused or failed, and nothing followed."""
    last = calls[-1]
    if last.outcome not in ("refused", "failed"):
        return []
    rule = f" ({last.rule})" if last.rule else ""
    text = f"its last call, {_what(last)}, was {last.outcome}{rule}; nothing followed"
    return [Pattern(kind="ended badly", agent=agent, text=text, call=last.call)]
