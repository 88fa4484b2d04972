"""A bounded queue between the thread that reads the log and the loop that sends."""

from collections import deque


class Backlog:
    """What comes when it is full is dropped and counted: old things say how it began.

    One thread puts, another takes, and neither waits: each counts its own side.
    """

    def __init__(self, *, items_max: int, bytes_max: int) -> None:
        self._items: deque[bytes] = deque()
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._in = self._out = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: bytes) -> None:
        waiting = self._in - self._out
        if len(self._items) >= self._items_max or waiting + len(item) > self._bytes_max:
            self.dropped += 1
            return
        self._in += len(item)
        self._items.append(item)

    def take(self, items_max: int, bytes_max: int) -> list[bytes]:
        """The oldest, at least one where there is any."""
        batch: list[bytes] = []
        size = 0
        while self._items and len(batch) < items_max:
            if batch and size + len(self._items[0]) > bytes_max:
                break
            item = self._items.popleft()
            size += len(item)
            batch.append(item)
        self._out += size
        return batch
