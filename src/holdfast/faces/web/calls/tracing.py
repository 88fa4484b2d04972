"""All calls of one trace in time. Pure."""

from dataclasses import dataclass

from holdfast.faces.web.calls.listing import NOBODY, NOTHING, how_of, tokens_of
from holdfast.faces.web.calls.one import LANE, LEAST
from holdfast.faces.web.calls.rows import GLYPHS, IN_FLIGHT
from holdfast.faces.web.words import clock, day_and_minute, duration, moment, money
from holdfast.history import Call

CALLS_MAX = 200
"""Calls of a trace that are drawn, the newest of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One call: when it began after the first, and a bar from ``x`` on as long as it took."""

    id: str
    href: str
    caller: str
    callee: str
    tool: str | None
    rule: str | None
    how: tuple[str, ...]
    outcome: str
    tone: str
    glyph: str
    at: str
    clock: str
    after: str
    took: str
    x: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceView:
    """A trace. ``more`` says that it has more calls than are drawn."""

    trace: str
    lanes: tuple[Lane, ...]
    began: str
    when: str
    took: str
    tokens: str
    cost: str
    callers: int
    more: bool


def trace_view(trace: str, calls: tuple[Call, ...]) -> TraceView | None:
    """None where no call is of that trace."""
    if not calls:
        return None
    shown = sorted(calls, key=lambda call: (call.at, call.call))[-CALLS_MAX:]
    began = shown[0].at
    took = max(max(call.at + call.duration_us for call in shown) - began, 1)
    costs = [call.cost for call in shown if call.cost is not None]
    return TraceView(
        trace=trace,
        lanes=tuple(_lane(call, began=began, scale=LANE / took) for call in shown),
        began=moment(began),
        when=day_and_minute(began),
        took=duration(took),
        tokens=tokens_of(
            sum(call.tokens_in or 0 for call in shown), sum(call.tokens_out or 0 for call in shown)
        ),
        cost=money(sum(costs)) if costs else "",
        callers=len({call.caller for call in shown}),
        more=len(calls) > CALLS_MAX,
    )


def _lane(call: Call, *, began: int, scale: float) -> Lane:
    is_open = call.outcome == "open"
    return Lane(
        id=call.call,
        href=f"/calls/{call.call}",
        caller=call.caller or NOBODY,
        callee=call.callee or NOTHING,
        tool=call.tool,
        rule=call.rule,
        how=how_of(call),
        outcome="in flight" if is_open else call.outcome,
        tone="running" if is_open else call.outcome,
        glyph=GLYPHS.get(call.outcome, IN_FLIGHT),
        at=moment(call.at),
        clock=clock(call.at),
        after=f"+{duration(call.at - began)}",
        took=duration(call.duration_us),
        x=min(round((call.at - began) * scale), LANE - LEAST),
        width=min(max(round(call.duration_us * scale), LEAST), LANE),
    )
