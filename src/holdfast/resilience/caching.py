"""Answers kept for the same question of the same scope; bounded in bytes, dead after their time."""

import hashlib
from collections import OrderedDict
from typing import Generic, NewType, TypeVar

T = TypeVar("T")

CacheKey = NewType("CacheKey", bytes)

ENTRY_BYTES = 256
"""What an entry costs beside its answer: so that empty answers too are bounded in number."""
_LENGTH_BYTES = 8


def cache_key(scope: bytes, path: bytes, body: bytes) -> CacheKey:
    """SHA-256 over the three parts, each after its length: two calls share a key only when all
    three parts are equal, byte for byte. ``scope`` names who may share an answer, and of whom."""
    hasher = hashlib.sha256()
    for part in (scope, path, body):
        hasher.update(len(part).to_bytes(_LENGTH_BYTES, "big"))
        hasher.update(part)
    return CacheKey(hasher.digest())


class AnswerCache(Generic[T]):
    """Keeps answers for ``ttl_s``, at most ``bytes_max`` of them with what keeping costs; those
    that were used longest ago go first. What an answer is, and its size, are the caller's."""

    __slots__ = ("_bytes_max", "_entries", "_ttl_s", "size")

    def __init__(self, bytes_max: int, *, ttl_s: float) -> None:
        self._bytes_max = bytes_max
        self._ttl_s = ttl_s
        self._entries: OrderedDict[CacheKey, tuple[T, int, float]] = OrderedDict()
        self.size = 0
        """Bytes kept."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: CacheKey, now: float) -> T | None:
        """The answer that was put under ``key`` less than ``ttl_s`` ago."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        answer, size, due = entry
        if now >= due:
            del self._entries[key]
            self.size -= size
            return None
        self._entries.move_to_end(key)
        return answer

    def put(self, key: CacheKey, answer: T, *, size: int, now: float) -> bool:
        """Keep ``answer``, of ``size`` bytes. False when it is larger than the whole cache."""
        old = self._entries.pop(key, None)
        if old is not None:
            self.size -= old[1]
        size += ENTRY_BYTES
        if size > self._bytes_max:
            return False
        while self.size + size > self._bytes_max:
            _, (_, freed, _) = self._entries.popitem(last=False)
            self.size -= freed
        self._entries[key] = (answer, size, now + self._ttl_s)
        self.size += size
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.size = 0
