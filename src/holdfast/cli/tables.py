"""Tables for a terminal: aligned, and as wide as it is. Pure."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from holdfast.cli.colours import Paint, Tone

GAP = "  "
CUT = "…"


class Cell(NamedTuple):
    """What stands in one place, and how it is meant."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """``least``: how narrow it may be made where there is no room; 0: never narrower than what it
    holds. ``rank``: where narrowing does not do, the column of the highest rank goes first; one of
    rank 0 stays. ``room`` is taken though nothing fills it: tables that grow stay aligned."""

    title: str
    align: Literal["left", "right"] = "left"
    least: int = 0
    rank: int = 0
    room: int = 0


def table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    *,
    width: int | None,
    paint: Paint,
) -> list[str]:
    """The lines, headings first. ``width`` None: as wide as it must be, nothing is cut."""
    head = [Cell(column.title, "head") for column in columns]
    body = [head, *([Cell(plain(cell.text), cell.tone) for cell in row] for row in rows)]
    wanted = [
        max(column.room, *(measure(row[i].text) for row in body))
        for i, column in enumerate(columns)
    ]
    kept, widths = _fitted(columns, wanted, width)
    return [
        GAP.join(_drawn(row[i], widths[i], columns[i].align, paint=paint) for i in kept).rstrip()
        for row in body
    ]


def plain(text: str) -> str:
    """Without anything that moves the cursor, hides or ends the line: callers choose names."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def measure(text: str) -> int:
    """How many places it takes: East Asian wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_places(each) for each in text)


def cut(text: str, width: int) -> str:
    """At most so wide, with a mark where something is missing."""
    if measure(text) <= width:
        return text
    taken = 0
    for i, each in enumerate(text):
        taken += _places(each)
        if taken > width - 1:
            return text[:i] + CUT if width > 0 else ""
    return text


def _places(each: str) -> int:
    if unicodedata.combining(each):
        return 0
    return 2 if unicodedata.east_asian_width(each) in "WF" else 1


def _fitted(
    columns: Sequence[Column], wanted: Sequence[int], width: int | None
) -> tuple[list[int], dict[int, int]]:
    """Which columns are shown, and how wide each."""
    kept = list(range(len(columns)))
    if width is None:
        return kept, dict(enumerate(wanted))
    while _least(columns, wanted, kept) > width:
        worst = max(kept, key=lambda i: columns[i].rank)
        if columns[worst].rank == 0:
            break
        kept.remove(worst)
    return kept, _narrowed(columns, {i: wanted[i] for i in kept}, width)


def _least(columns: Sequence[Column], wanted: Sequence[int], kept: Sequence[int]) -> int:
    least = (min(wanted[i], columns[i].least or wanted[i]) for i in kept)
    return sum(least) + len(GAP) * (len(kept) - 1)


def _narrowed(columns: Sequence[Column], widths: dict[int, int], width: int) -> dict[int, int]:
    """Take from the widest that may give, until all fit or none may give more."""
    over = sum(widths.values()) + len(GAP) * (len(widths) - 1) - width
    for _ in range(max(0, over)):
        giving = [i for i in widths if columns[i].least and widths[i] > columns[i].least]
        if not giving:
            break
        widths[max(giving, key=widths.__getitem__)] -= 1
    return widths


def _drawn(cell: Cell, width: int, align: str, *, paint: Paint) -> str:
    text = cut(cell.text, width)
    room = " " * (width - measure(text))
    painted = paint(text, cell.tone)
    return room + painted if align == "right" else painted + room
