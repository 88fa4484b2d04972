"""A value that ends, replaced before it does, for any number of threads and tasks."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from holdfast.client.errors import ClientError, RenewalError
from holdfast.core import Instant
from holdfast.world.ports import Clock

RETRY_S = 10
"""After a renewal that brought nothing newer, before the next is tried."""
WAIT_S = 60
"""For a renewal by another thread, by those who have nothing good to go on with."""

_SECOND = 1_000_000
_FIX = "see why nothing renews it; docs/identity/client.md shows the ways"


class Ending(Protocol):
    """Good until ``expires``, and better replaced from ``renew_at`` on."""

    @property
    def renew_at(self) -> Instant: ...

    @property
    def expires(self) -> Instant: ...


_T = TypeVar("_T", bound=Ending)


class Renewing(Generic[_T]):
    """Holds the newest. One thread renews while the others go on with what is still good; a renewal
    that fails is an error only when nothing is good any more."""

    __slots__ = ("_clock", "_held", "_lock", "_renew", "_retry_at", "_what")

    def __init__(
        self, renew: Callable[[], _T], clock: Clock, *, what: str, first: _T | None = None
    ) -> None:
        self._renew = renew
        self._clock = clock
        self._what = what
        self._held = first
        self._retry_at = Instant(0)
        self._lock = threading.Lock()

    @property
    def newest(self) -> _T | None:
        """What is held, good or not, without waiting."""
        return self._held

    def is_due(self) -> bool:
        """Whether ``take`` would renew, which may take a while."""
        held, now = self._held, self._clock.now()
        return held is None or now >= held.expires or now >= max(held.renew_at, self._retry_at)

    def take(self) -> _T:
        """One that is good now. Waits only when there is none."""
        held = self._held
        if held is not None and not self.is_due():
            return held
        is_good = held is not None and self._clock.now() < held.expires
        if not self._lock.acquire(timeout=0 if is_good else WAIT_S):
            if held is not None and is_good:
                return held
            raise RenewalError(f"{self._what}: a renewal takes longer than {WAIT_S} s")
        try:
            return self._replaced()
        finally:
            self._lock.release()

    def _replaced(self) -> _T:
        held, now = self._held, self._clock.now()
        if held is not None and not self.is_due():  # another thread was first
            return held
        self._retry_at = Instant(now + RETRY_S * _SECOND)
        try:
            fresh = self._renewed(now)
        except ClientError:
            if held is not None and now < held.expires:
                return held
            raise
        self._held = fresh
        return fresh

    def _renewed(self, now: Instant) -> _T:
        try:
            fresh = self._renew()
        except ClientError:
            raise
        except Exception as error:  # whatever a callable of the user's raises
            raise RenewalError(f"{self._what} cannot be renewed: {error}", fix=_FIX) from error
        if now >= fresh.expires:
            raise RenewalError(f"{self._what} has ended, and there is no newer one", fix=_FIX)
        return fresh
