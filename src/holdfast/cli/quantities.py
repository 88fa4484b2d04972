"""Numbers as people read them, always with their unit. Pure."""

NONE = "-"
MONEY_NANO = 1_000_000_000
_SECOND_US = 1_000_000
_STEPS = ((1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


def duration(us: float | None) -> str:
    """``850 us``, ``12.3 ms``, ``4.20 s``, ``3 min 05 s``, ``2 h 10 min``, ``3 d 4 h``."""
    if us is None:
        return NONE
    if us < 1_000:
        return f"{us:.0f} us"
    if us < _SECOND_US:
        return f"{_figures(us / 1_000)} ms"
    seconds = us / _SECOND_US
    if seconds < 60:
        return f"{_figures(seconds)} s"
    whole = round(seconds)
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"


def count(number: float | None) -> str:
    """``812``, ``12.3k``, ``4.20M``."""
    if number is None:
        return NONE
    for size, name in _STEPS:
        if abs(number) >= size:
            return f"{_figures(number / size)}{name}"
    return f"{number:.0f}"


def rate(per_s: float) -> str:
    """``0``, ``0.02/s``, ``4.2/s``, ``1.20k/s``."""
    if per_s == 0:
        return "0/s"
    if per_s < 0.01:
        return "<0.01/s"
    return f"{_figures(per_s)}/s" if per_s < 1_000 else f"{count(per_s)}/s"


def share(part: float, whole: float) -> str:
    """``0 %``, ``<0.1 %``, ``2.4 %``, ``100 %``; never 0 or 100 where it is not."""
    if whole <= 0:
        return NONE
    percent = part / whole * 100
    if percent in (0, 100):
        return f"{percent:.0f} %"
    if percent < 0.1:
        return "<0.1 %"
    return ">99.9 %" if percent > 99.9 else f"{percent:.1f} %"


def money(nano: int | None) -> str:
    """Billionths of the currency that prices are written in."""
    if nano is None:
        return NONE
    amount = nano / MONEY_NANO
    if amount and abs(amount) < 0.01:
        return f"{amount:.6f}".rstrip("0").rstrip(".") if abs(amount) >= 0.000001 else "<0.000001"
    return f"{amount:,.2f}"


def _figures(value: float) -> str:
    """Three figures."""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
