"""What one worker has learnt of an upstream and tells the others, so that none learns it alone.

Durations, never points in time: each process has a monotonic clock of its own. News is told once,
by the worker that learnt it; what a worker hears it does not tell again.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

NewsKind: TypeAlias = Literal["open", "closed", "ejected", "resting", "down", "up"]
"""``open`` and ``closed`` are the breaker's, ``down`` and ``up`` the health check's."""


class News(msgspec.Struct, frozen=True):
    """What is new of ``upstream`` (the node that has it) as one that answers for ``node``.

    ``for_s`` is how long it holds, seconds from now; 0 for what holds until the contrary is told
    (``closed``, ``down``, ``up``).
    """

    node: str
    upstream: str
    kind: NewsKind
    for_s: float


OnNews: TypeAlias = Callable[[News], None]


def keep_to_oneself(_news: News) -> None:
    """What a gateway that works alone does with its news."""
