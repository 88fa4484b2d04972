"""How large a map is shown. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.blueprint.drawing import shortened
from holdfast.faces.web.chart.forms import GhostMark
from holdfast.faces.web.chart.plan import Place, Plan

SMALL_PX = 620
MEDIUM_PX = 1_300
BROAD_PX = 2_000
"""Up to here a map is made to fit a usual window; a larger one is scrolled."""
LARGE_SCALE = 0.8
_MARGIN = 24.0
_LETTER_PX = 16.0
_TEXT_LEFT = 42.0
_TEXT_RIGHT = 6.0
_SMALL_CHARACTER = 6.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """``word`` is small, medium, broad or large; the last is scrolled."""

    word: str
    width: int
    height: int
    shown_width: str
    shown_height: str


def sized(plan: Plan, *, height: float, ghosts: Sequence[GhostMark] = ()) -> Size:
    """The room that a map takes, in its own units and in the page's."""
    right = max((ghost.x + ghost.width + _MARGIN for ghost in ghosts), default=0.0)
    width = max(plan.width, right)
    scale = LARGE_SCALE if width > BROAD_PX else 1.0
    word = next(
        (
            word
            for word, most in (("small", SMALL_PX), ("medium", MEDIUM_PX), ("broad", BROAD_PX))
            if width <= most
        ),
        "large",
    )
    return Size(
        word=word,
        width=round(width),
        height=round(height),
        shown_width=f"{width * scale / _LETTER_PX:.1f}rem",
        shown_height=f"{height * scale / _LETTER_PX:.1f}rem",
    )


def fitting(phrases: Sequence[str], place: Place, *, beside: str = "") -> str:
    """As many phrases as stand in a box's second line, left of what stands ``beside`` it; the first
    is shortened where it must be."""
    room = place.box.width - _TEXT_LEFT - _TEXT_RIGHT - _SMALL_CHARACTER * (len(beside) + 1)
    most = max(int(room / _SMALL_CHARACTER), 4)
    said = shortened(phrases[0], most)
    for phrase in phrases[1:]:
        if len(said) + len(phrase) + 2 <= most:
            said = f"{said}, {phrase}"
    return said
