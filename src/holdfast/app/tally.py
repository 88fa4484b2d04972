"""What the keeper counts of the calls whose records it reads, for Prometheus and ``holdfast top``."""

from collections.abc import Callable, Mapping, Sequence

from holdfast.audit import CallRecord
from holdfast.history import Heard
from holdfast.telemetry.tally import Count, Tallied


class Tally:
    """A listener of the follower, and a ``Tallies`` for whoever reads. ``drops`` tell, by where it
    was to go, how much telemetry was lost."""

    def __init__(self, drops: Mapping[str, Callable[[], int]]) -> None:
        self._count = Count()
        self._entries = 0
        self._drops = drops

    def hear(self, heard: Sequence[Heard]) -> None:
        """Old records were counted by the instance that ran when they were made."""
        self._count.add(
            each.record
            for each in heard
            if not each.is_old and isinstance(each.record, CallRecord) and each.record.is_last
        )
        if heard:
            self._entries = heard[-1].index + 1

    def tallied(self) -> tuple[Tallied, ...]:
        return tuple(self._count.told.values())

    def entries(self) -> int:
        return self._entries

    def dropped(self) -> dict[str, int]:
        return {name: count() for name, count in self._drops.items()}
