"""Which allotments are open: accounts that mandates declare, each with one life and a known end.

Nothing that ended opens again while its keeper runs, not even when the wall clock is set back: what
is dropped here is forgotten, so it would be there to be spent a second time.
"""

from collections import Counter
from collections.abc import Iterable
from heapq import heappop, heappush

from holdfast.core import Instant
from holdfast.resilience.leases import Allotment

ALLOTMENTS_MAX = 32_768
"""Open at once; one more is refused until some have ended."""
ALLOTMENTS_PER_ROOT_MAX = 1_024
"""Of one root: whoever delegates without end runs into this long before anybody else notices."""


class Allotments:
    """All that are open, by account."""

    __slots__ = ("_ended", "_ends", "_of_root", "_open")

    def __init__(self, kept: Iterable[Allotment] = ()) -> None:
        self._open: dict[str, Allotment] = {}
        self._ends: list[tuple[int, str]] = []
        self._of_root: Counter[str] = Counter()
        self._ended = 0
        for allotment in kept:
            self._hold(allotment)

    def find(self, account: str) -> Allotment | None:
        """The allotment behind an account, while it is open."""
        return self._open.get(account)

    def open(self, allotment: Allotment, *, wall: Instant) -> bool:
        """This is declared, perhaps not for the first time. False: it has ended, something else was
        declared of the account before, or there are too many."""
        held = self._open.get(allotment.account)
        if held is not None:
            return held == allotment
        if allotment.ends <= max(wall, self._ended) or len(self._open) >= ALLOTMENTS_MAX:
            return False
        if self._of_root.get(allotment.root, 0) >= ALLOTMENTS_PER_ROOT_MAX:
            return False
        self._hold(allotment)
        return True

    def close_ended(self, wall: Instant) -> list[str]:
        """The accounts of those that have ended, which are no longer known."""
        closed: list[str] = []
        while self._ends and self._ends[0][0] <= wall:
            ends, account = heappop(self._ends)
            root = self._open.pop(account).root
            self._ended = max(self._ended, ends)
            self._of_root[root] -= 1
            if not self._of_root[root]:
                del self._of_root[root]
            closed.append(account)
        return closed

    def _hold(self, allotment: Allotment) -> None:
        self._open[allotment.account] = allotment
        self._of_root[allotment.root] += 1
        heappush(self._ends, (allotment.ends, allotment.account))
