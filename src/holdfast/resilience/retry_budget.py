"""How many retries live traffic can bear: a share of it, so that retries never make an overload."""

WINDOW_S = 10.0
"""What traffic earned is good for about this long (Finagle's RetryBudget: 10 s)."""
BURST = 10.0
"""As many retries as quiet traffic may save up, since below it nothing expires."""


class RetryBudget:
    """Retries that may be sent: each first attempt earns ``share`` of one, each second
    ``per_s_min``.

    Always holds: taken - refunded <= share * deposits + per_s_min * seconds + ``BURST``. Savings
    above ``BURST`` expire over ``WINDOW_S``, so that a calm hour does not pay for a storm.
    """

    __slots__ = ("_at", "_deposits", "_per_s_min", "_share", "level")

    def __init__(self, share: float, *, per_s_min: float, now: float) -> None:
        self._share = share
        self._per_s_min = per_s_min
        self._at = now
        self._deposits = 0
        self.level = min(BURST, per_s_min * WINDOW_S)
        """Retries in hand when last settled."""

    def deposit(self) -> None:
        """A first attempt was sent."""
        self._deposits += 1

    def take(self, now: float) -> bool:
        """Whether one retry may be sent; if so, it is paid for."""
        if self.settle(now) < 1.0:
            return False
        self.level -= 1.0
        return True

    def refund(self) -> None:
        """A retry that was paid for was not sent."""
        self.level += 1.0

    def settle(self, now: float) -> float:
        """Retries in hand now: adds what was earned since, takes off what expired."""
        passed_s = max(now - self._at, 0.0)
        earned = self._share * self._deposits + self._per_s_min * passed_s
        self._at += passed_s
        self._deposits = 0
        saved = self.level + earned
        if saved > BURST and passed_s > 0.0:
            # Deposits carry no time, so they count as spread evenly since the last look.
            kept = self.level * max(1.0 - passed_s / WINDOW_S, 0.0)
            kept += earned * min(WINDOW_S / passed_s, 1.0)
            saved = max(kept, BURST)
        self.level = saved
        return saved
