"""The shortest way from one sequence to another, deletions first where there is a choice.

Source: Myers, "An O(ND) difference algorithm and its variations" (1986), the greedy forward form,
with the tie rule of the library that the reference uses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

EDITS_MAX = 1_000
"""Past this many single edits two sequences are told as wholly replaced."""

ChangeKind: TypeAlias = Literal["added", "removed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """``count`` items of one kind of change, in either sequence's order."""

    kind: ChangeKind
    count: int


@dataclass(frozen=True, slots=True)
class _Link:
    stretch: Stretch
    before: "_Link | None"


@dataclass(slots=True)
class _Way:
    old: int
    """Index of the last item of the old sequence that is done with."""
    last: _Link | None


def stretches(old: Sequence[object], new: Sequence[object]) -> list[Stretch]:
    """How ``old`` becomes ``new``, as stretches in order."""
    ways: dict[int, _Way] = {0: _Way(-1, None)}
    done = _slide(ways[0], 0, old=old, new=new)
    if ways[0].old + 1 >= len(old) and done + 1 >= len(new):
        return _listed(ways[0].last)
    least, most = -EDITS_MAX, EDITS_MAX
    for edits in range(1, min(len(old) + len(new), EDITS_MAX) + 1):
        for diagonal in range(max(least, -edits), min(most, edits) + 1, 2):
            way = _step(ways, diagonal, old=old, new=new)
            if way is None:
                continue
            done = _slide(way, diagonal, old=old, new=new)
            old_is_done, new_is_done = way.old + 1 >= len(old), done + 1 >= len(new)
            if old_is_done and new_is_done:
                return _listed(way.last)
            ways[diagonal] = way
            most = min(most, diagonal - 1) if old_is_done else most
            least = max(least, diagonal + 1) if new_is_done else least
    whole = (Stretch("removed", len(old)), Stretch("added", len(new)))
    return [each for each in whole if each.count]


def _step(
    ways: dict[int, _Way], diagonal: int, *, old: Sequence[object], new: Sequence[object]
) -> _Way | None:
    """One edit onto ``diagonal`` from the better of its neighbours."""
    removing, adding = ways.pop(diagonal - 1, None), ways.get(diagonal + 1)
    can_add = adding is not None and 0 <= adding.old - diagonal < len(new)
    can_remove = removing is not None and removing.old + 1 < len(old)
    if (
        adding is not None
        and can_add
        and (not can_remove or removing is None or removing.old < adding.old)
    ):
        return _Way(adding.old, _grown(adding.last, "added"))
    if removing is not None and can_remove:
        return _Way(removing.old + 1, _grown(removing.last, "removed"))
    ways.pop(diagonal, None)
    return None


def _slide(way: _Way, diagonal: int, *, old: Sequence[object], new: Sequence[object]) -> int:
    """Along equal items; the index of the last item of the new sequence that is done with."""
    at_old, at_new, count = way.old, way.old - diagonal, 0
    while at_new + 1 < len(new) and at_old + 1 < len(old) and old[at_old + 1] == new[at_new + 1]:
        at_old, at_new, count = at_old + 1, at_new + 1, count + 1
    if count:
        way.last = _Link(Stretch("unchanged", count), way.last)
    way.old = at_old
    return at_new


def _grown(last: _Link | None, kind: ChangeKind) -> _Link:
    if last is not None and last.stretch.kind == kind:
        return _Link(Stretch(kind, last.stretch.count + 1), last.before)
    return _Link(Stretch(kind, 1), last)


def _listed(last: _Link | None) -> list[Stretch]:
    found: list[Stretch] = []
    while last is not None:
        found.append(last.stretch)
        last = last.before
    return found[::-1]


def changes(old: Sequence[object], new: Sequence[object]) -> Iterator[tuple[ChangeKind, slice]]:
    """Each stretch with its place: in ``old`` where it is removed, otherwise in ``new``."""
    at_old = at_new = 0
    for each in stretches(old, new):
        start = at_old if each.kind == "removed" else at_new
        yield each.kind, slice(start, start + each.count)
        at_old += 0 if each.kind == "added" else each.count
        at_new += 0 if each.kind == "removed" else each.count


def sentences(text: str) -> list[str]:
    """A text in sentences and the white space between them; joined they are the text."""
    found: list[str] = []
    start = index = 0
    while index < len(text):
        ends = text[index] in ".!?" and text[index + 1 : index + 2].isspace()
        if not ends:
            index += 1
            continue
        found.append(text[start : index + 1])
        start = index = index + 1
        while index < len(text) and text[index].isspace():
            index += 1
        found.append(text[start:index])
        start = index
    return [each for each in (*found, text[start:]) if each]
