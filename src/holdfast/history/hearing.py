"""How new records reach those who listen."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from holdfast.audit import CallRecord, ChangeRecord


class Heard(msgspec.Struct, frozen=True, gc=False):
    """One entry of the log, decoded. ``is_old`` when it is from long before this process began to
    listen: a history that is built anew hears everything again, and nobody counts that twice."""

    index: int
    record: CallRecord | ChangeRecord
    is_old: bool = False


class Listener(Protocol):
    """Hears every entry of the log once, in order, from a thread. It neither raises nor blocks for
    long: what it cannot take at once it queues within a bound, and counts what it drops."""

    def hear(self, heard: Sequence[Heard]) -> None: ...
