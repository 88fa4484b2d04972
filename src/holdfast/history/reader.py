"""The history as it is asked: reads only, beside the one that writes it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import msgspec

from holdfast.history.errors import HistoryError, QueryError
from holdfast.history.finding import find_call, find_calls
from holdfast.history.forms import (
    PAGE_MAX,
    Call,
    CallQuery,
    Extent,
    Measure,
    Moment,
    Point,
    Session,
    Traffic,
)
from holdfast.history.minutes import Minute
from holdfast.history.summing import minute_of, read_minutes, sum_series, sum_traffic
from holdfast.history.tables import read_cursor
from holdfast.world.ports import Row, Store, Transaction, Value, WorldError

_NEVER = 2**63 - 1
_SESSION = """
SELECT s.session, s.began, s.last, c.agents, s.behalf, s.calls, s.failed, s.refused, s.tokens_in,
  s.tokens_out, s.cost, s.id FROM sessions s JOIN crews c ON c.id = s.crew WHERE
"""
_HEADS = """
SELECT p.value, (SELECT max(last) FROM sessions WHERE crew = p.value AND last < ?)
FROM json_each(?) p
"""
_OF_CREW = """
SELECT last, id FROM sessions WHERE crew = ? AND last >= ? AND last < ?
ORDER BY last DESC, id DESC LIMIT ?
"""


class StoredHistory:
    """A ``History``. Threads may share it; each question sees one moment."""

    def __init__(self, store: Store) -> None:
        """``store`` has the tables already: whoever writes makes them."""
        self._store = store

    def calls(self, query: CallQuery) -> tuple[Call, ...]:
        with self._view() as view:
            return find_calls(view, query)

    def call(self, call: str) -> Call | None:
        with self._view() as view:
            return find_call(view, call)

    def sessions(
        self, *, agent: str | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[Session, ...]:
        _check_page(limit)
        with self._view() as view:
            return _sessions(view, agent, before=_NEVER if before is None else before, limit=limit)

    def session(self, session: str) -> Session | None:
        with self._view() as view:
            rows = view.query(f"{_SESSION} s.session = ?", (session,))
            return _session(rows[0]) if rows else None

    def extent(self) -> Extent:
        with self._view() as view:
            cursor = read_cursor(view)
            oldest = view.query("SELECT at FROM calls ORDER BY key LIMIT 1")
            return Extent(cursor.upto, cast("int", oldest[0][0]) if oldest else None, cursor.calls)

    def traffic(self, since: int, until: int, *, caller: str | None = None) -> tuple[Traffic, ...]:
        with self._view() as view:
            return sum_traffic(view, since, until, caller=caller)

    def minutes(self, since: int, until: int) -> tuple[Minute, ...]:
        with self._view() as view:
            rows = read_minutes(view, since, until)
        return tuple(map(minute_of, rows))

    def series(
        self,
        measure: Measure,
        *,
        since: int,
        until: int,
        step_s: int,
        relationship: str | None = None,
        callee: str | None = None,
    ) -> tuple[Point, ...]:
        with self._view() as view:
            return sum_series(
                view,
                measure,
                since=since,
                until=until,
                step_s=step_s,
                relationship=relationship,
                callee=callee,
            )

    def moments(
        self, since: int, until: int, *, kind: str | None = None, limit: int = 200
    ) -> tuple[Moment, ...]:
        _check_page(limit)
        where = "at >= ? AND at < ?"
        words: list[Value] = [since, until]
        if kind is not None:
            # "." is followed by "/" in ASCII: all that begins with the kind and a dot.
            where += " AND (kind = ? OR (kind >= ? AND kind < ?))"
            words += [kind, f"{kind}.", f"{kind}/"]
        sql = f"SELECT at, kind, subject, text, author, entry FROM moments WHERE {where} "
        with self._view() as view:
            rows = view.query(sql + "ORDER BY at DESC, id DESC LIMIT ?", (*words, limit))
        return tuple(_moment(row) for row in rows)

    @contextmanager
    def _view(self) -> Generator[Transaction]:
        try:
            with self._store.snapshot() as view:
                yield view
        except WorldError as error:
            raise HistoryError(
                f"the history cannot be read: {error.what}", fix=error.fix
            ) from error


def _check_page(limit: int) -> None:
    if not 1 <= limit <= PAGE_MAX:
        raise QueryError(f"{limit} are no page", fix=f"ask for 1 to {PAGE_MAX}")


def _sessions(
    view: Transaction, agent: str | None, *, before: int, limit: int
) -> tuple[Session, ...]:
    """From each crew its newest, and of these the newest."""
    crews = [
        number
        for number, agents in cast(
            "list[tuple[int, str]]", view.query("SELECT id, agents FROM crews")
        )
        if agent is None or agent in agents.split("\n")
    ]
    asked = msgspec.json.encode(crews).decode()
    found = cast("list[tuple[int, int | None]]", view.query(_HEADS, (before, asked)))
    heads = sorted(((last, crew) for crew, last in found if last is not None), reverse=True)
    # So many sessions as are asked for ended then or later: no older one is among the newest.
    since = heads[limit - 1][0] if len(heads) >= limit else 0
    newest: list[tuple[int, int]] = []
    for last, crew in heads:
        if last >= since:
            newest += cast(
                "list[tuple[int, int]]", view.query(_OF_CREW, (crew, since, before, limit))
            )
    numbers = [number for _, number in sorted(newest, reverse=True)[:limit]]
    rows = view.query(f"{_SESSION} s.id IN ({', '.join('?' * len(numbers))})", numbers)
    ordered = sorted(rows, key=lambda row: cast("tuple[int, int]", (row[2], row[-1])), reverse=True)
    return tuple(_session(row) for row in ordered)


def _session(row: Row) -> Session:
    fields = dict(zip(Session.__struct_fields__, row[:-1], strict=True))
    agents = cast("str", fields["agents"])
    return msgspec.convert({**fields, "agents": agents.split("\n") if agents else ()}, Session)


def _moment(row: Row) -> Moment:
    at, kind, subject, text, by, index = row
    fields = {"at": at, "kind": kind, "subject": subject, "text": text, "by": by, "index": index}
    return msgspec.convert(fields, Moment)
