"""The newest rows of many small lists, each in its own order: as few steps as rows are asked for."""

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import msgspec

from holdfast.world.ports import Transaction, Value

CHUNK_MAX = 256
_CHUNK = 16


class Stretch(NamedTuple):
    """Keys above ``low`` and below ``high``: the newest first, or the oldest."""

    low: bytes
    high: bytes
    is_backward: bool

    @property
    def order(self) -> str:
        return "DESC" if self.is_backward else "ASC"

    def beyond(self, key: bytes) -> "Stretch":
        """What is left after a key."""
        return self._replace(high=key) if self.is_backward else self._replace(low=key)


def all_keys(view: Transaction, stretch: Stretch) -> Iterator[bytes]:
    """The keys of all calls."""
    sql = f"SELECT key FROM calls WHERE key > ? AND key < ? ORDER BY key {stretch.order} LIMIT ?"
    return _in_chunks(view, sql, (), stretch)


def keys_of_kinds(
    view: Transaction,
    kinds: Sequence[int],
    stretch: Stretch,
    *,
    where: str = "",
    values: Sequence[Value] = (),
) -> Iterator[bytes]:
    """The keys of the calls of these kinds, in one order. ``where`` is a condition before that of
    the kind, in the order of an index that ends with it."""
    within = f"{where} kind = {{}} AND key > ? AND key < ? ORDER BY key {stretch.order} LIMIT"
    heads = f"SELECT p.value, (SELECT key FROM calls WHERE {within.format('p.value')} 1)"
    asked = msgspec.json.encode(kinds).decode()
    found = view.query(f"{heads} FROM json_each(?) p", (*values, stretch.low, stretch.high, asked))
    sql = f"SELECT key FROM calls WHERE {within.format('?')} ?"

    def of(kind: int, head: bytes) -> Iterator[bytes]:
        yield head
        yield from _in_chunks(view, sql, (*values, kind), stretch.beyond(head))

    lists = cast("list[tuple[int, bytes | None]]", found)
    each = [of(kind, head) for kind, head in lists if head is not None]
    return heapq.merge(*each, reverse=stretch.is_backward)


def _in_chunks(
    view: Transaction, sql: str, values: Sequence[Value], stretch: Stretch
) -> Iterator[bytes]:
    size = _CHUNK
    while True:
        rows = view.query(sql, (*values, stretch.low, stretch.high, size))
        keys = [cast("bytes", row[0]) for row in rows]
        yield from keys
        if len(keys) < size:
            return
        stretch = stretch.beyond(keys[-1])
        size = min(size * 2, CHUNK_MAX)
