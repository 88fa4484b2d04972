"""Objectives and anomalies of a running instance: the history read minute by minute, and judged.

All of it is made again at every start, from the history: a crash loses nothing but the moment at
which an alert began.
"""

import asyncio
from collections.abc import Callable
from itertools import groupby

import structlog

from holdfast.blueprint import Blueprint
from holdfast.core import HoldfastError
from holdfast.history import Minute, TrafficHistory
from holdfast.telemetry.anomalies import BUCKET_S, Anomaly, Change, Watch
from holdfast.telemetry.objectives import Alert, Book, Standing
from holdfast.world.ports import Clock

LOOK_S = 30.0
"""How often objectives are judged."""
AGAIN_MIN = 15
"""A call counts in the minute in which it began: so long a minute may still grow."""
GRACE_S = 120
"""So long after their end five minutes are looked at for anomalies."""
RECOUNT_S = 6 * 3_600
"""How often all is counted anew, for calls that took longer than that, and histories made anew."""
LEARN_DAYS = 14
"""Days of the history that anomalies are learnt from at the start."""
PAUSE_S = 0.05
"""Between two days of the past: whoever uses the console is let through."""

_SECOND_US = 1_000_000
_MINUTE_US = 60 * _SECOND_US
_DAY_US = 86_400 * _SECOND_US
_BUCKET_US = BUCKET_S * _SECOND_US

_Held = dict[tuple[str, Alert], Standing]

log = structlog.get_logger("holdfast.objectives")


class ObjectiveDesk:
    """A ``faces.ObjectivesView``. ``look`` blocks and is used from one thread at a time; what the
    view tells is swapped as a whole."""

    def __init__(
        self, history: TrafficHistory, *, clock: Clock, blueprint: Callable[[], Blueprint]
    ) -> None:
        self._history = history
        self._clock = clock
        self._blueprint = blueprint
        self._book: Book | None = None
        self._digest: str | None = None
        self._read_to = 0
        self._opened = 0
        self._watch = Watch()
        self._watched_to = 0
        self._unwatched = 0
        self._standings: tuple[Standing, ...] = ()
        self._anomalies: tuple[Anomaly, ...] = ()
        self._alerts: _Held = {}
        self._is_stuck = False

    def standings(self) -> tuple[Standing, ...]:
        return self._standings

    def anomalies(self) -> tuple[Anomaly, ...]:
        return self._anomalies

    async def serve(self) -> None:
        """Look for ever; the past first, a day at a time."""
        while True:
            behind = await asyncio.to_thread(self.look_safely)
            await asyncio.sleep(PAUSE_S if behind else LOOK_S)

    def look_safely(self) -> bool:
        """``look``, with what keeps it from looking told once."""
        try:
            behind = self.look()
        except HoldfastError as error:
            if not self._is_stuck:
                log.error("objectives.unknown", reason=str(error))
            self._is_stuck = True
            return False
        self._is_stuck = False
        return behind

    def look(self) -> bool:
        """Read what is new, at most a day of it, and judge. Whether there is more to read."""
        now = self._clock.now()
        blueprint = self._blueprint()
        is_old = now - self._opened > RECOUNT_S * _SECOND_US
        if self._book is None or blueprint.digest != self._digest or is_old:
            self._open(blueprint, now)
        behind = self._count(now)
        behind = self._look_for_anomalies(now) or behind
        if not behind:
            self._judge(now)
        return behind

    def _open(self, blueprint: Blueprint, now: int) -> None:
        """Count for these objectives, from as far back as they look."""
        self._book, self._digest = Book(blueprint), blueprint.digest
        self._read_to = now - self._book.days * _DAY_US
        self._opened = now
        if self._book.left_out:
            log.warning("objectives.left-out", count=self._book.left_out)

    def _count(self, now: int) -> bool:
        assert self._book is not None
        if self._book.is_empty:
            return False
        since = self._read_to
        until = min(now + _MINUTE_US, since + _DAY_US)
        self._book.take(self._history.minutes(since, until))
        # The newest minutes are read again next time: calls that began there are still to end.
        self._read_to = max(until - AGAIN_MIN * _MINUTE_US, since) if until > now else until
        return until <= now

    def _look_for_anomalies(self, now: int) -> bool:
        if not self._watched_to:
            self._watched_to = (now - LEARN_DAYS * _DAY_US) // _BUCKET_US * _BUCKET_US
        closed = (now - GRACE_S * _SECOND_US) // _BUCKET_US * _BUCKET_US
        until = min(closed, self._watched_to + _DAY_US)
        if until <= self._watched_to:
            return False
        is_past = until < closed
        found = self._history.minutes(self._watched_to, until)
        by_bucket = {at: tuple(each) for at, each in groupby(found, key=_bucket_of)}
        for at in range(self._watched_to, until, _BUCKET_US):
            for change in self._watch.take(at, by_bucket.get(at, ())):
                if not is_past:
                    _tell_anomaly(change)
        self._watched_to = until
        self._anomalies = self._watch.anomalies()
        if len(self._watch.left_out) > self._unwatched:
            self._unwatched = len(self._watch.left_out)
            log.warning("anomalies.left-out", relationships=self._unwatched)
        return is_past

    def _judge(self, now: int) -> None:
        assert self._book is not None
        self._standings = self._book.judge(now)
        held: _Held = {
            (standing.id, alert): standing
            for standing in self._standings
            for alert in standing.alerts
        }
        for (name, alert), standing in held.items():
            if (name, alert) not in self._alerts:
                log.warning(
                    "objective.burning",
                    objective=name,
                    severity=alert.severity,
                    window_min=alert.long_min,
                    burn=_rounded(standing.burn(alert.long_min)),
                    left=_rounded(standing.left),
                )
        for name, alert in self._alerts.keys() - held.keys():
            log.info("objective.calm", objective=name, window_min=alert.long_min)
        self._alerts = held


def _bucket_of(minute: Minute) -> int:
    return minute.at // _BUCKET_US * _BUCKET_US


def _tell_anomaly(change: Change) -> None:
    anomaly = change.anomaly
    if change.began:
        log.warning(
            "anomaly.began",
            relationship=anomaly.relationship,
            measure=anomaly.measure,
            direction=anomaly.direction,
            value=_rounded(anomaly.value),
            expected=_rounded(anomaly.expected),
        )
    else:
        log.info("anomaly.ended", relationship=anomaly.relationship, measure=anomaly.measure)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
