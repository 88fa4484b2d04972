"""A session as lanes, one an agent, drawn from left to right. Pure.

Time is to scale where something happens; a long wait is cut short and marked, so that an hour of
nothing does not make everything else a dot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from holdfast.faces.web.words import duration, outcome_mark
from holdfast.history import Call

WIDTH = 1000.0
LEFT = 150.0
LANE = 34.0
TOP = 26.0
BAR_MIN = 4.0
MARKED_MIN = 14.0
"""A bar with a glyph is wide enough for it."""
GAP_WIDTH = 34.0
GAP_SHARE = 0.12
"""A wait longer than this share of all that is busy is cut short."""
GAP_MIN_US = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One call in its lane. ``first_x`` is where its first token came, None where nothing tells."""

    call: str
    x: float
    y: float
    width: float
    first_x: float | None
    kind: str
    tone: str
    glyph: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One agent's line. ``short`` fits where it stands."""

    name: str
    short: str
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A wait that was cut short."""

    x: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """All that the drawing needs."""

    width: float
    height: float
    left: float
    lanes: tuple[Lane, ...]
    bars: tuple[Bar, ...]
    gaps: tuple[Gap, ...]


_UNMARKED = ("answered", "open")
"""Bars that bear no glyph: nothing went wrong."""


def lanes_of(calls: Sequence[Call]) -> Lanes:
    """Lanes in the order in which agents first called."""
    names = list(dict.fromkeys(call.caller or "unknown caller" for call in calls))
    scale = _Scale(calls)
    places = {name: TOP + LANE * place for place, name in enumerate(names)}
    return Lanes(
        width=WIDTH,
        height=TOP + LANE * len(names) + 6,
        left=LEFT,
        lanes=tuple(
            Lane(name=n, short=n if len(n) <= 19 else f"{n[:18]}…", y=y) for n, y in places.items()
        ),
        bars=tuple(_bar(each, places, scale) for each in calls),
        gaps=scale.gaps,
    )


def _bar(call: Call, places: dict[str, float], scale: "_Scale") -> Bar:
    x = scale.x(call.at)
    tone, glyph = outcome_mark(call.outcome)
    is_marked = call.outcome not in _UNMARKED
    least = MARKED_MIN if is_marked else BAR_MIN
    width = max(scale.x(call.at + call.duration_us) - x, least)
    what = f"{call.callee} / {call.tool}" if call.tool else call.callee
    first = call.first_token_us
    return Bar(
        call=call.call,
        x=round(x, 1),
        y=places[call.caller or "unknown caller"],
        width=round(width, 1),
        first_x=round(scale.x(call.at + first), 1) if first is not None else None,
        kind="tool" if call.tool else "model",
        tone=tone,
        glyph=glyph if is_marked else "",
        about=f"{what}: {call.outcome}, {duration(call.duration_us)}",
    )


class _Scale:
    """Where an instant lies."""

    def __init__(self, calls: Sequence[Call]) -> None:
        busy = _merged(calls)
        total = sum(end - start for start, end in busy) or 1
        limit = max(total * GAP_SHARE, GAP_MIN_US)
        cut = [(a, b) for (_, a), (b, _) in pairwise(busy) if b - a > limit]
        kept = (busy[-1][1] - busy[0][0]) - sum(b - a for a, b in cut)
        self._start = busy[0][0]
        self._cut = cut
        self._per_us = max(WIDTH - LEFT - GAP_WIDTH * len(cut) - 8, 100.0) / (kept or 1)
        self.gaps = tuple(
            Gap(x=round(self.x(a) + GAP_WIDTH / 2, 1), text=duration(b - a)) for a, b in cut
        )

    def x(self, at: int) -> float:
        us, wide = at - self._start, 0.0
        for start, end in self._cut:
            if at > start:
                passed = min(at, end) - start
                us -= passed
                wide += GAP_WIDTH * passed / (end - start)
        return LEFT + us * self._per_us + wide


def _merged(calls: Sequence[Call]) -> list[tuple[int, int]]:
    """Stretches in which something was under way, in order."""
    spans = sorted((call.at, call.at + max(call.duration_us, 1)) for call in calls)
    merged = [spans[0]]
    for start, end in spans[1:]:
        if start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
