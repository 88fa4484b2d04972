"""Times and numbers as people read them. Pure."""

from holdfast.core import Instant, rfc3339

MONEY_NANO = 1_000_000_000
NONE_YET = "-"
OUTCOME_MARKS = {
    "answered": ("good", "✓"),
    "refused": ("refused", "✕"),
    "failed": ("failed", "!"),
    "cancelled": ("plain", "←"),
}
"""How an ended call is marked: its tone, and a glyph for those who see no colours."""
_NO_MARK = ("plain", "-")


def outcome_mark(outcome: str) -> tuple[str, str]:
    """Tone and glyph of what came of a call."""
    return OUTCOME_MARKS.get(outcome, _NO_MARK)


def duration(us: int) -> str:
    """A duration as people read it: three figures, the unit that fits."""
    if us < 1_000:
        return f"{us} µs"
    if us < 1_000_000:
        return f"{_three(us / 1_000)} ms"
    seconds = us / 1_000_000
    if seconds < 120:
        return f"{_three(seconds)} s"
    for size, unit in ((60, "min"), (3_600, "h")):
        if seconds < 120 * size or (unit == "h" and seconds < 48 * size):
            return f"{_three(seconds / size)} {unit}"
    return f"{_three(seconds / 86_400)} days"


def _three(value: float) -> str:
    if value < 10:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def moment(instant: int) -> str:
    """An instant for machines: RFC 3339, in UTC."""
    return rfc3339(Instant(instant))


def clock(instant: int) -> str:
    """The time of day in UTC, to the millisecond."""
    return moment(instant)[11:23]


def day_and_minute(instant: int) -> str:
    """``2026-11-21 09:41 UTC``."""
    at = moment(instant)
    return f"{at[:10]} {at[11:16]} UTC"


def money(nano: int) -> str:
    """An amount of the currency: two places, more where it is small."""
    amount = nano / MONEY_NANO
    return f"{amount:,.2f}" if amount >= 1 or not nano else f"{amount:.6f}".rstrip("0")


def short_name(principal: str | None) -> str:
    """The node's id at the end of a SPIFFE ID."""
    return (principal or "").rpartition("/")[2]
