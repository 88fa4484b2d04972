"""Token buckets: how often something may be done, by whom. Tables of a bounded size."""

from collections import OrderedDict

from holdfast.world.ports import Clock


class Buckets:
    """One bucket a key: ``burst`` at once, then ``per_s`` each second. Of more keys than
    ``keys_max`` the one that was asked for longest ago is forgotten."""

    def __init__(self, clock: Clock, *, per_s: float, burst: float, keys_max: int = 4_096) -> None:
        self._clock = clock
        self._per_s = per_s
        self._burst = burst
        self._keys_max = keys_max
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str = "") -> float:
        """0 when it may be done; else the seconds until it may."""
        wait_s, left, now = self._look(key)
        self._held[key] = (left - 1 if not wait_s else left, now)
        self._held.move_to_end(key)
        if len(self._held) > self._keys_max:
            self._held.popitem(last=False)
        return wait_s

    def wait_s(self, key: str = "") -> float:
        """The same, and nothing is taken."""
        return self._look(key)[0]

    def forget(self, key: str) -> None:
        """Let the key begin anew."""
        self._held.pop(key, None)

    def _look(self, key: str) -> tuple[float, float, float]:
        now = self._clock.monotonic()
        left, at = self._held.get(key, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        return (0.0 if left >= 1 else (1 - left) / self._per_s), left, now
