"""The window through which the console, the API and the commands see the past."""

from typing import Protocol

from holdfast.history.forms import Call, CallQuery, Extent, Measure, Moment, Point, Session, Traffic
from holdfast.history.minutes import Minute


class CallHistory(Protocol):
    """Single calls. Methods block: use them from a thread. ``HistoryError`` when it cannot be read."""

    def calls(self, query: CallQuery) -> tuple[Call, ...]:
        """Newest first, at most ``query.limit``."""
        ...

    def call(self, call: str) -> Call | None: ...

    def sessions(
        self, *, agent: str | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[Session, ...]:
        """The newest first, by their last call."""
        ...

    def session(self, session: str) -> Session | None:
        """One; its calls are those of ``CallQuery(session=...)``."""
        ...

    def extent(self) -> Extent: ...


class TrafficHistory(Protocol):
    """What calls add up to. Methods block: use them from a thread."""

    def traffic(self, since: int, until: int, *, caller: str | None = None) -> tuple[Traffic, ...]:
        """Every pair (of one caller) that had calls in whole minutes from ``since`` to ``until``."""
        ...

    def minutes(self, since: int, until: int) -> tuple[Minute, ...]:
        """Each pair's minutes, oldest first; at most a day at once. One that is asked again may
        have got more: calls count where they began, and are told when they end."""
        ...

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
        """One value for each step, oldest first; a step without calls counts 0 (latency: left out)."""
        ...

    def moments(
        self, since: int, until: int, *, kind: str | None = None, limit: int = 200
    ) -> tuple[Moment, ...]:
        """Newest first; ``kind`` also stands for all that begin with it and a dot."""
        ...


class History(CallHistory, TrafficHistory, Protocol):
    """Both."""
