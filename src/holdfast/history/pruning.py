"""What the history lets go of: the oldest, a little at a time. The log keeps everything."""

from typing import cast

from holdfast.history.tables import ALL_PAIRS, MINUTE_US, SPANS
from holdfast.world.ports import Transaction

CALLS_MAX = 5_000_000
CALLS_DAYS = 90
"""Single calls, their sessions, and single minutes."""
PERIODS_DAYS = 400
"""Sums of ten minutes, hours and days; and moments."""
MOMENTS_MAX = 200_000
PRUNED_AT_ONCE = 2_000
_DAY_US = 86_400_000_000
_PAIRS = f"(SELECT {ALL_PAIRS} UNION ALL SELECT id FROM pairs)"


def prune(change: Transaction, now: int, *, surplus: int) -> int:
    """One step; how many calls went."""
    horizon = now - CALLS_DAYS * _DAY_US
    gone = _prune_calls(change, horizon, surplus=surplus)
    _prune_sessions(change, horizon)
    for span in SPANS:
        days = CALLS_DAYS if span == SPANS[0] else PERIODS_DAYS
        change.execute(
            f"DELETE FROM periods WHERE span = ? AND pair IN {_PAIRS} AND minute < ?",
            (span, (now - days * _DAY_US) // MINUTE_US),
        )
    change.execute("DELETE FROM moments WHERE at < ?", (now - PERIODS_DAYS * _DAY_US,))
    change.execute(
        "DELETE FROM moments WHERE id <= (SELECT max(id) FROM moments) - ?", (MOMENTS_MAX,)
    )
    return gone


def _prune_calls(change: Transaction, horizon: int, *, surplus: int) -> int:
    sql = "SELECT key, at FROM calls ORDER BY key LIMIT ?"
    oldest = cast("list[tuple[bytes, int]]", change.query(sql, (PRUNED_AT_ONCE,)))
    going = [key for place, (key, at) in enumerate(oldest) if at < horizon or place < surplus]
    if going:
        change.execute("DELETE FROM calls WHERE key <= ?", (going[-1],))
    return len(going)


def _prune_sessions(change: Transaction, horizon: int) -> None:
    """Those whose last call is gone: calls name their sessions."""
    oldest = change.query("SELECT at FROM calls ORDER BY key LIMIT 1")
    until = cast("int", oldest[0][0]) if oldest else horizon
    change.execute(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions "
        "WHERE crew IN (SELECT id FROM crews) AND last < ? LIMIT ?)",
        (until, PRUNED_AT_ONCE),
    )
