"""Sightings in the database. This module owns the table ``drift_counts``: counts by week, no spans."""

from collections.abc import Iterator
from typing import Literal, TypeAlias, cast

import msgspec

from holdfast.core import Instant, sha256_digest
from holdfast.loops.drift.sightings import (
    CONTACTS_MAX,
    ORDERS_MAX,
    PRESENCES_MAX,
    Contact,
    Count,
    Order,
    Presence,
    Tally,
    week_of,
)
from holdfast.world.ports import Store, Transaction

WEEKS_KEPT = 26
"""Older weeks go: what matters of them has been a trend for half a year."""

_Sort: TypeAlias = Literal["contact", "presence", "order"]
_ROWS_MAX: dict[_Sort, int] = {
    "contact": CONTACTS_MAX,
    "presence": PRESENCES_MAX,
    "order": ORDERS_MAX,
}
_TABLE = """
create table if not exists drift_counts (
  sort text not null,
  week integer not null,
  name text not null,
  entry text not null,
  n integer not null,
  calls integer not null,
  first integer not null,
  last integer not null,
  primary key (sort, week, name)
) strict
"""
_ADD = """
insert into drift_counts (sort, week, name, entry, n, calls, first, last)
values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (sort, week, name) do update set
  n = drift_counts.n + excluded.n,
  calls = drift_counts.calls + excluded.calls,
  first = case when excluded.first < drift_counts.first
    then excluded.first else drift_counts.first end,
  last = case when excluded.last > drift_counts.last
    then excluded.last else drift_counts.last end
"""
ENTRY_BYTES_MAX = 16 * 1024
"""What one kind of sighting may take; a longer one is not kept."""
_MILLI = 1_000
_CALLS_MAX = 2**62

_CONTACT = msgspec.json.Decoder(Contact)
_PRESENCE = msgspec.json.Decoder(Presence)
_ORDER = msgspec.json.Decoder(Order)


class SightingStore:
    """Add and read. Calls block. What was added is durable; a crash before leaves it uncounted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.transaction() as change:
            change.execute(_TABLE)

    def add(self, tally: Tally, *, now: Instant) -> int:
        """Add counts, forget weeks that are too old; gives how many kinds of sighting had no room."""
        oldest = week_of(now) - WEEKS_KEPT
        dropped = 0
        with self._store.transaction() as change:
            change.execute("delete from drift_counts where week < ?", (oldest,))
            for sort, rows in _rows(tally):
                recent = [row for row in rows if row[1] >= oldest]
                kept = [row for row in recent if len(row[3]) <= ENTRY_BYTES_MAX]
                fitting = _fitting(change, sort, kept)
                dropped += len(recent) - len(fitting)
                change.execute_many(_ADD, fitting)
        return dropped

    def read(self) -> Tally:
        """All that is kept."""
        with self._store.snapshot() as view:
            rows = view.query(
                "select sort, week, name, entry, n, calls, first, last from drift_counts"
            )
        tally = Tally()
        for row in cast("list[_Row]", rows):
            _put(tally, row)
        return tally


_Row: TypeAlias = tuple[_Sort, int, str, str, int, int, int, int]
"""``name`` is a digest of the entry: databases bound what a key may be long."""


def _rows(tally: Tally) -> Iterator[tuple[_Sort, list[_Row]]]:
    yield "contact", [_row("contact", key, count) for key, count in tally.contacts.items()]
    yield "presence", [_row("presence", key, count) for key, count in tally.presences.items()]
    yield "order", [_row("order", key, count) for key, count in tally.orders.items()]


def _row(sort: _Sort, key: tuple[int, Contact | Presence | Order], count: Count) -> _Row:
    week, entry = key
    calls = min(_CALLS_MAX, int(count.calls * _MILLI))
    text = msgspec.json.encode(entry).decode()
    name = sha256_digest(text.encode())
    return sort, week, name, text, count.n, calls, count.first, count.last


def _fitting(change: Transaction, sort: _Sort, rows: list[_Row]) -> list[_Row]:
    """Those that are there already, and as many new ones as there is room for."""
    (there,) = change.query("select count(*) from drift_counts where sort = ?", (sort,))[0]
    room = _ROWS_MAX[sort] - cast("int", there)
    if room >= len(rows):
        return rows
    known = [row for row in rows if _is_known(change, row)]
    names = {(row[1], row[2]) for row in known}
    new = [row for row in rows if (row[1], row[2]) not in names]
    return [*known, *new[: max(0, room)]]


def _is_known(change: Transaction, row: _Row) -> bool:
    sql = "select 1 from drift_counts where sort = ? and week = ? and name = ?"
    return bool(change.query(sql, row[:3]))


def _put(tally: Tally, row: _Row) -> None:
    sort, week, _, text, n, calls, first, last = row
    count = Count(n, calls=calls / _MILLI, first=first, last=last)
    match sort:
        case "contact":
            tally.contacts[week, _CONTACT.decode(text)] = count
        case "presence":
            tally.presences[week, _PRESENCE.decode(text)] = count
        case "order":
            tally.orders[week, _ORDER.decode(text)] = count
