"""The time strip: how many calls there were in each step of a span, and a slider under it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from holdfast.faces.web.now.asking import MINUTE_US, SPANS, Asked, Span
from holdfast.faces.web.now.reading import Strip
from holdfast.faces.web.words import clock, day_and_minute, moment
from holdfast.history import Measure, Moment, Point

LANE_HEIGHT = 30
_TICKS_MAX = 6
MOMENTS_MAX = 12
_WORDS: dict[Measure, tuple[str, str]] = {
    "calls": ("calls", "plain"),
    "refused": ("refused", "refused"),
    "failed": ("failed", "failed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One measure over the span: ``path`` has a bar for each step; ``most`` is the highest, and
    ``about`` says it in words."""

    word: str
    tone: str
    path: str
    most: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A time written under the strip, at a share of its width."""

    x: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLink:
    """Another length of the strip."""

    word: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StripView:
    """``steps`` wide. ``first`` and ``last`` are the slider's ends in minutes since 1970, ``minute``
    where it stands. ``cursor`` is the shown minute's place, None for now."""

    steps: int
    height: int
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    spans: tuple[SpanLink, ...]
    first: int
    last: int
    minute: int
    cursor: float | None
    shown: str
    shown_at: str
    now_href: str
    earlier: str
    later: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentRow:
    """Something that happened."""

    at: str
    clock: str
    kind: str
    subject: str
    text: str
    by: str
    href: str


def strip_view(asked: Asked, strip: Strip, *, now: int) -> StripView:
    """The strip that ends now."""
    length, step_s = SPANS[asked.span]
    steps = length // step_s
    last = now // MINUTE_US
    first = last - length // 60 + 1
    step_us = step_s * 1_000_000
    end = (now // step_us + 1) * step_us
    begin = end - length * 1_000_000
    shown = asked.at if asked.at is not None else now // MINUTE_US * MINUTE_US
    minute = min(max(shown // MINUTE_US, first), last)
    return StripView(
        steps=steps,
        height=LANE_HEIGHT,
        lanes=tuple(_lane(name, points, begin, step_us) for name, points in strip.items()),
        ticks=tuple(_ticks(begin, end)),
        spans=tuple(_span(asked, word) for word in SPANS),
        first=first,
        last=last,
        minute=minute,
        cursor=None if asked.at is None else round((asked.at - begin) / step_us, 2),
        shown=day_and_minute(shown),
        shown_at=moment(shown),
        now_href=_at(asked, None).href(),
        earlier=_at(asked, shown - MINUTE_US).href(),
        later=_at(asked, shown + MINUTE_US).href() if shown // MINUTE_US < last else "",
        fields=tuple(asked.fields()),
    )


def _at(asked: Asked, at: int | None) -> Asked:
    return replace(asked, at=at, find="")


def _span(asked: Asked, word: Span) -> SpanLink:
    other = replace(asked, span=word)
    return SpanLink(word=word, href=f"{other.href()}#time", is_current=word == asked.span)


def _lane(name: Measure, points: Sequence[Point], begin: int, step_us: int) -> Lane:
    word, tone = _WORDS[name]
    most = max((point.value for point in points), default=0.0)
    bars = [
        f"M{(point.at - begin) // step_us} {LANE_HEIGHT}v-{_high(point.value, most)}h.8V{LANE_HEIGHT}z"
        for point in points
        if point.value
    ]
    highest = max(points, key=lambda point: point.value, default=None)
    about = f"no {word}" if word != "calls" else "no calls"
    if highest is not None and most:
        about = f"{sum(p.value for p in points):,.0f} {word}; most at {day_and_minute(highest.at)}"
    minutes = step_us // MINUTE_US
    each = "minute" if minutes == 1 else f"{minutes} minutes"
    return Lane(
        word=word,
        tone=tone if most else "nought",
        path="".join(bars),
        most=f"≤ {most:,.0f} in {each}" if most else "none",
        about=about,
    )


def _high(value: float, most: float) -> str:
    """At least two units: one call of many thousands is seen."""
    return f"{max(value / most * (LANE_HEIGHT - 1), 2):.1f}"


def _ticks(begin: int, end: int) -> list[Tick]:
    """At even times: every so many minutes that divide a day."""
    minutes = (end - begin) // MINUTE_US
    every = next(
        each
        for each in (10, 30, 60, 180, 240, 360, 720, 1_440, 2_880)
        if minutes / each <= _TICKS_MAX + 1
    )
    step = every * MINUTE_US
    found: list[Tick] = []
    at = (begin // step + 1) * step
    while at < end:
        x = (at - begin) / (end - begin) * 100
        if 2 < x < 97:
            text = moment(at)[5:10] if every >= 1_440 else clock(at)[:5]
            found.append(Tick(x=round(x, 2), text=text))
        at += step
    return found


def moments_view(asked: Asked, moments: Sequence[Moment]) -> tuple[MomentRow, ...]:
    """What happened near the shown minute, the nearest before it first."""
    if asked.at is None:
        return ()
    near = [each for each in moments if abs(each.at - asked.at) <= 15 * MINUTE_US]
    near.sort(key=lambda each: each.at, reverse=True)
    return tuple(_moment(each) for each in near[:MOMENTS_MAX])


def _moment(each: Moment) -> MomentRow:
    return MomentRow(
        at=moment(each.at),
        clock=clock(each.at)[:8],
        kind=each.kind,
        subject=each.subject,
        text=each.text,
        by=each.by or "",
        href=f"/log/{each.index}" if each.index is not None else "",
    )
