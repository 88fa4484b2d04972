"""States of one part in many scenarios at once: three bit sets, one bit for each scenario.

Bit ``i`` of the three says that in scenario ``i`` the part is worse than up, worse than degraded,
and down. The lattice's meet is then a bitwise *or*, its join a bitwise *and*, so that one walk over
the system answers any number of questions together; with one scenario it is an ordinary walk.
"""

from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

from holdfast.blueprint.blast.states import State

Levels: TypeAlias = tuple[int, int, int]
"""Where a part is worse than up, worse than degraded, down; each contains the next."""
WELL: Levels = (0, 0, 0)


class Bound(Enum):
    """How much of what is needed reaches the one that needs it."""

    ALL = auto()
    SLOW_STOPS = auto()
    """Slowness is held by a bulkhead: it costs something, and is not handed on."""
    AT_WORST_DEGRADED = auto()


class Option(NamedTuple):
    """One way to meet a need. A ``standby`` serves at best degraded."""

    part: int
    standby: bool = False


class Need(NamedTuple):
    """Something a part needs: it suffers when ``tolerated`` + 1 of the options do. With ``any_hurts``
    one lost option already costs something. ``over`` is the relationship, where there is one. A
    tuple, for a large system has many."""

    options: tuple[Option, ...]
    tolerated: int = 0
    any_hurts: bool = False
    bound: Bound = Bound.ALL
    by: str = "call"
    over: str | None = None


def meet(one: Levels, other: Levels) -> Levels:
    return (one[0] | other[0], one[1] | other[1], one[2] | other[2])


def state_of(levels: Levels, bit: int) -> State:
    """The state in scenario ``bit``."""
    return State(3 - sum((level >> bit) & 1 for level in levels))


def forced(state: State, scenarios: int) -> Levels:
    """``state`` in all the scenarios of the bit set, up elsewhere."""
    worse = State.UP - state
    return (
        scenarios if worse >= 1 else 0,
        scenarios if worse >= 2 else 0,
        scenarios if worse >= 3 else 0,
    )


def met(need: Need, parts: Sequence[Levels], every: int) -> Levels:
    """What ``need`` lets through, given every part's levels; ``every`` has all scenarios' bits."""
    if len(need.options) == 1 and not need.options[0].standby:
        found = parts[need.options[0].part]
    else:
        found = _of_several(need, parts, every)
    return bounded(need, found)


def bounded(need: Need, found: Levels) -> Levels:
    """What of ``found`` reaches the one that has the need."""
    match need.bound:
        case Bound.ALL:
            return found
        case Bound.SLOW_STOPS:
            return (found[0], found[2], found[2])
        case Bound.AT_WORST_DEGRADED:
            return (found[0], 0, 0)


def _of_several(need: Need, parts: Sequence[Levels], every: int) -> Levels:
    least = need.tolerated + 1
    seen = [parts[option.part] for option in need.options]
    hurt = [
        every if option.standby else levels[0]
        for option, levels in zip(need.options, seen, strict=True)
    ]
    return (
        at_least(1 if need.any_hurts else least, hurt),
        at_least(least, [levels[1] for levels in seen]),
        at_least(least, [levels[2] for levels in seen]),
    )


def at_least(count: int, sets: Sequence[int]) -> int:
    """The scenarios that stand in at least ``count`` of the sets."""
    if count > len(sets):
        return 0
    found = [0] * count
    for members in sets:
        for index in range(count - 1, 0, -1):
            found[index] |= found[index - 1] & members
        found[0] |= members
    return found[-1]


def counted(sets: Iterable[int]) -> list[int]:
    """In how many sets each bit stands, as binary digits, the lowest first: one addition with
    carry for all bits together."""
    digits: list[int] = []
    for members in sets:
        carry, place = members, 0
        while carry:
            if place == len(digits):
                digits.append(0)
            digits[place], carry = digits[place] ^ carry, digits[place] & carry
            place += 1
    return digits


def count_at(digits: Sequence[int], bit: int) -> int:
    """The number that ``counted`` found for one bit."""
    return sum(((digit >> bit) & 1) << place for place, digit in enumerate(digits))
