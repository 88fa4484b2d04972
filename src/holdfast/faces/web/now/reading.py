"""What the first page reads of the history, at most once for all who watch."""

from collections.abc import Sequence
from dataclasses import replace

from holdfast.core import HoldfastError
from holdfast.faces.past import Past
from holdfast.faces.view import Live
from holdfast.faces.web.now.asking import MINUTE_US, SPANS, Span
from holdfast.faces.web.now.traffic import UNDECLARED, Window, live_window, pairs_of
from holdfast.history import Call, CallQuery, History, Measure, Moment, Point, Traffic

WINDOW_MINUTES = 3
"""Live rates are over the present minute and those before it, three together."""
KEPT_US = 2_000_000
"""How long what was read of the last minutes is shown to all."""
STRIP_KEPT_US = 30_000_000
DAY_US = 86_400_000_000
NEAR_US = 15 * MINUTE_US
"""Moments this far from a minute are told beside it."""
MEASURES: tuple[Measure, ...] = ("calls", "refused", "failed")
_CALLS_MAX = 200
_MOMENTS_MAX = 200

Strip = dict[Measure, tuple[Point, ...]]


class Reading:
    """The history as this page asks it."""

    def __init__(self, past: Past | None) -> None:
        self._past = past
        self._window: Window | None = None
        self._strips: dict[Span, tuple[int, Strip]] = {}

    @property
    def has_history(self) -> bool:
        return self._past is not None

    async def recent(self, live: Live) -> Window:
        """The last minutes; of the last calls alone where no history is kept."""
        if self._past is None:
            return live_window(live)
        kept = self._window
        if kept is not None and 0 <= live.at - kept.until < KEPT_US:
            return kept
        since = (live.at // MINUTE_US - WINDOW_MINUTES + 1) * MINUTE_US
        until = (live.at // MINUTE_US + 1) * MINUTE_US
        found = await self._read(since, until, seconds=(live.at - since) / 1_000_000)
        self._window = replace(found, until=live.at)
        return self._window

    async def minute(self, at: int) -> Window:
        """One minute of the past, with what happened around it."""
        found = await self._read(at, at + MINUTE_US, seconds=60.0)
        return replace(found, moments=await self._moments(at))

    async def strip(self, span: Span, now: int) -> Strip:
        """Calls, and those refused and failed, step by step up to now; empty where unknown."""
        if self._past is None:
            return {}
        kept = self._strips.get(span)
        if kept is not None and 0 <= now - kept[0] < STRIP_KEPT_US:
            return kept[1]
        length, step_s = SPANS[span]
        step = step_s * 1_000_000
        until = (now // step + 1) * step
        since = until - length * 1_000_000

        def ask(history: History) -> Strip:
            return {
                each: history.series(each, since=since, until=until, step_s=step_s)
                for each in MEASURES
            }

        try:
            found = await self._past.ask(ask)
        except HoldfastError:
            return {}
        self._strips[span] = now, found
        return found

    async def _read(self, since: int, until: int, *, seconds: float) -> Window:
        if self._past is None:
            return Window(since=since, until=until, seconds=seconds, trouble="no history is kept")

        def ask(history: History) -> tuple[tuple[Traffic, ...], Sequence[Call], int]:
            calls = [
                call
                for rule in UNDECLARED
                for call in history.calls(
                    CallQuery(rule=rule, since=since, until=until, limit=_CALLS_MAX)
                )
            ]
            return history.traffic(since, until), calls, history.extent().upto

        try:
            rows, calls, upto = await self._past.ask(ask)
        except HoldfastError as error:
            return Window(since=since, until=until, seconds=seconds, trouble=str(error))
        return Window(
            since=since,
            until=until,
            seconds=seconds,
            rows=rows,
            undeclared=pairs_of(calls),
            upto=upto,
        )

    async def _moments(self, at: int) -> tuple[Moment, ...]:
        """What upstreams became in the day before, and all that happened around the minute."""
        if self._past is None:
            return ()

        def ask(history: History) -> tuple[Moment, ...]:
            until = at + MINUTE_US
            states = history.moments(until - DAY_US, until, kind="upstream", limit=_MOMENTS_MAX)
            near = history.moments(at - NEAR_US, at + NEAR_US, limit=_MOMENTS_MAX)
            return tuple(dict.fromkeys((*near, *states)))

        try:
            return await self._past.ask(ask)
        except HoldfastError:
            return ()
