"""How well a part of a system is, and how much a loss of it weighs."""

from enum import IntEnum

from holdfast.blueprint import Importance


class State(IntEnum):
    """From the worst to the best: ``slow`` answers too late, ``degraded`` answers with less."""

    DOWN = 0
    SLOW = 1
    DEGRADED = 2
    UP = 3

    def __str__(self) -> str:
        return self.name.lower()


LOSS = {State.DOWN: 1.0, State.SLOW: 0.6, State.DEGRADED: 0.3, State.UP: 0.0}
"""How much of a part's worth each state costs: a stated choice, for ranking only."""
WORTH: dict[Importance, int] = {"low": 1, "medium": 2, "high": 4, "critical": 8}
"""What a part is worth by its criticality; one whose criticality is unknown counts as medium."""


def worth(importance: Importance | None) -> int:
    return WORTH[importance or "medium"]
