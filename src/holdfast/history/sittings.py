"""What the calls of one session add up to."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import cast

from holdfast.audit import CallRecord
from holdfast.history.naming import Naming
from holdfast.world.ports import Transaction

AGENTS_MAX = 16
"""Callers that are told of one session."""

_NAMES_AT_ONCE = 500
_COLUMNS = (
    *("id", "crew", "began", "last", "behalf", "calls", "failed", "refused"),
    *("tokens_in", "tokens_out", "cost"),
)
_READ = f"SELECT session, {', '.join(_COLUMNS)} FROM sessions WHERE session IN ({{}})"
_WRITE = (
    f"INSERT INTO sessions (session, {', '.join(_COLUMNS)}) "
    f"VALUES ({', '.join('?' * (1 + len(_COLUMNS)))}) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
)


@dataclass(slots=True)
class Sitting:
    """One session so far."""

    number: int
    crew: int
    began: int
    last: int
    behalf: str | None
    calls: int = 0
    failed: int = 0
    refused: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: int = 0

    def count(self, record: CallRecord) -> None:
        """One more call."""
        self.began = min(self.began, record.at)
        self.last = max(self.last, record.at)
        if self.behalf is None and record.chain:
            self.behalf = record.chain[0]
        self.calls += 1
        self.failed += record.outcome == "failed"
        self.refused += record.outcome == "refused"
        self.tokens_in += record.tokens_in or 0
        self.tokens_out += record.tokens_out or 0
        self.cost += record.cost or 0


_fields = attrgetter("number", *_COLUMNS[1:])


class Sittings:
    """The sessions that a batch has calls of."""

    __slots__ = ("_change", "_naming", "_next", "_touched")

    def __init__(self, change: Transaction, naming: Naming) -> None:
        self._change = change
        self._naming = naming
        self._touched: dict[str, Sitting] = {}
        newest = change.query("SELECT coalesce(max(id), 0) FROM sessions")
        self._next = cast("int", newest[0][0]) + 1

    def read(self, sessions: Iterable[str]) -> None:
        """Those of the batch that are there already, many at a time."""
        names = list(dict.fromkeys(sessions))
        for start in range(0, len(names), _NAMES_AT_ONCE):
            asked = names[start : start + _NAMES_AT_ONCE]
            for row in self._change.query(_READ.format(", ".join("?" * len(asked))), asked):
                name, *rest = row
                self._touched[cast("str", name)] = Sitting(*rest)  # pyright: ignore[reportArgumentType] - the columns in order

    def count(self, session: str, record: CallRecord, caller: str | None) -> int:
        """One more call in it; the session's number."""
        sitting = self._touched.get(session)
        if sitting is None:
            number, self._next = self._next, self._next + 1
            sitting = Sitting(number, self._naming.crew(()) or 0, record.at, record.at, None)
            self._touched[session] = sitting
        sitting.count(record)
        agents = self._naming.crews[sitting.crew]
        if caller is not None and caller not in agents and len(agents) < AGENTS_MAX:
            sitting.crew = self._naming.crew((*agents, caller)) or sitting.crew
        return sitting.number

    def write(self) -> None:
        """As they are now."""
        self._change.execute_many(
            _WRITE, [(name, *_fields(each)) for name, each in self._touched.items()]
        )
