"""The two fixpoints of the equations, over any number of scenarios at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.blueprint.blast.levels import WELL, Levels, Need, meet, met, state_of
from holdfast.blueprint.blast.model import Equations


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a part got worse, the last time it did: the need, and the part that did not meet it."""

    part: int
    need: Need


def greatest(
    equations: Equations, own: Sequence[Levels], every: int, *, affected: Sequence[int]
) -> list[Levels]:
    """Everything as well as it can be, given what ails each part of itself (``own``). ``affected``
    are the parts with an ailment of their own. Each part is looked at again only when something
    that it needs got worse, in an order in which, without circles, once is enough."""
    found = list(own)
    dirty = [False] * len(found)
    for part in affected:
        for other in equations.needing[part]:
            dirty[other] = True
    while any(dirty):
        for part in equations.order:
            if not dirty[part]:
                continue
            dirty[part] = False
            worse = equations.needing[part] if _sank(equations, part, found, every) else ()
            for other in worse:
                dirty[other] = True
    return found


def _sank(equations: Equations, part: int, found: list[Levels], every: int) -> bool:
    """Bring one part down to what its needs let through; whether that changed it."""
    levels = found[part]
    for need in equations.needs[part]:
        levels = meet(levels, met(need, found, every))
    if levels == found[part]:
        return False
    found[part] = levels
    return True


def traced(
    equations: Equations, own: Sequence[Levels], *, affected: Sequence[int]
) -> tuple[list[Levels], dict[int, Drop]]:
    """The same for one scenario, with the reason for each part's last drop. Reasons lead back to an
    ailment without circles: each next part is worse off, or equally badly off for longer."""
    found = list(own)
    drops: dict[int, Drop] = {}
    waiting = list(affected)
    while waiting:
        following: dict[int, None] = {}
        for part in waiting:
            following.update(dict.fromkeys(equations.needing[part]))
        waiting = [part for part in following if _lowered(equations, part, found, drops)]
    return found, drops


def _lowered(equations: Equations, part: int, found: list[Levels], drops: dict[int, Drop]) -> bool:
    levels, reason = found[part], None
    for need in equations.needs[part]:
        lower = meet(levels, met(need, found, 1))
        if lower != levels:
            levels, reason = lower, need
    if reason is None:
        return False
    found[part] = levels
    drops[part] = Drop(_culprit(reason, found), reason)
    return True


def _culprit(need: Need, found: Sequence[Levels]) -> int:
    """The option that is worst off; of several the first, so that the primary is named."""
    return min((option.part for option in need.options), key=lambda part: state_of(found[part], 0))


def least(
    equations: Equations, own: Sequence[Levels], extra: Sequence[Sequence[Need]]
) -> list[Levels]:
    """What comes up from nothing: all is down at first, and a part rises only as far as what it
    needs has risen. ``extra`` are needs of starting alone."""
    down: Levels = (1, 1, 1)
    found: list[Levels] = [down] * len(own)
    changed = True
    while changed:
        changed = False
        for part in equations.order:
            if found[part] == WELL:
                continue
            levels = own[part]
            for need in (*equations.needs[part], *extra[part]):
                levels = meet(levels, met(need, found, 1))
            if levels != found[part]:
                found[part] = levels
                changed = True
    return found
