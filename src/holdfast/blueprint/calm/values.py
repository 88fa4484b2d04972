"""What the reference's language makes of a JSON value: truth, equality, numbers, dates.

The rules of CALM are written in JavaScript, and its verdicts hang on these meanings: in it ``""``
and ``0`` are false while ``[]`` and ``{}`` are true, ``1`` and ``true`` differ, and ``"-1" == -1``.
"""

import re
from collections.abc import Hashable
from datetime import date, timedelta

from holdfast.core import JsonValue

_PLACEHOLDER_NUMBER = -1
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_SPACES = (
    " \t\n\r\v\f\u00a0\ufeff\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_ISO_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_ISO_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"
)
_SLASHED_YEAR_FIRST = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})")
_SLASHED_YEAR_LAST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_MONTHS, _DAYS, _HOURS, _MINUTES = 12, 31, 24, 60


def truthy(value: JsonValue) -> bool:
    """False for ``null``, ``false``, ``0`` and ``""`` only."""
    return isinstance(value, list | dict) or bool(value)


def identity(value: JsonValue) -> Hashable:
    """Equal for two values exactly where the reference's ``===`` says so."""
    match value:
        case bool():
            return ("boolean", value)
        case int() | float():
            return ("number", value)
        case list() | dict():
            return ("object", id(value))
        case _:
            return (type(value).__name__, value)


def loosely_text(value: JsonValue, text: str) -> bool:
    """Whether the reference's ``value == text`` holds, for a text that is written out."""
    if isinstance(value, str):
        return value == text
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return False
    return _number_in(text) == value


def is_placeholder_number(value: JsonValue) -> bool:
    """Whether the reference's ``value == -1`` holds: also for ``"-1"`` and ``[-1]``."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    match value:
        case bool():
            return False
        case int() | float():
            return value == _PLACEHOLDER_NUMBER
        case str():
            return _number_in(value) == _PLACEHOLDER_NUMBER
        case _:
            return False


def _number_in(text: str) -> float | None:
    stripped = text.strip(_SPACES)
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def instant_of(value: JsonValue) -> float | None:
    """Seconds of a date as the reference parses it, or ``None`` where it sees none.

    As in the reference's engine a day up to 31 is taken in every month and flows into the next.
    Of the many other spellings that engines accept, those with slashes are read here.
    """
    text = value if isinstance(value, str) else str(value) if _whole(value) else ""
    whole = _ISO_DATE.fullmatch(text)
    if whole:
        year, month, day = (int(part) if part else 1 for part in whole.groups())
        return _seconds(year, month, day)
    slashed = _SLASHED_YEAR_FIRST.fullmatch(text)
    if slashed:
        year, month, day = (int(part) for part in slashed.groups())
        return _seconds(year, month, day)
    slashed = _SLASHED_YEAR_LAST.fullmatch(text)
    if slashed:
        month, day, year = (int(part) for part in slashed.groups())
        return _seconds(year, month, day)
    timed = _ISO_TIME.fullmatch(text)
    return _timed(timed) if timed else None


def _whole(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _seconds(year: int, month: int, day: int) -> float | None:
    if not (1 <= month <= _MONTHS and 1 <= day <= _DAYS and year >= 1):
        return None
    return (date(year, month, 1) + timedelta(days=day - 1) - date(1970, 1, 1)).total_seconds()


def _timed(found: re.Match[str]) -> float | None:
    hour, minute, second = int(found[4]), int(found[5]), int(found[6] or 0)
    if hour > _HOURS or minute >= _MINUTES or second >= _MINUTES:
        return None
    midnight = _seconds(int(found[1]), int(found[2]), int(found[3]))
    if midnight is None:
        return None
    zone = found[8] or "Z"
    ahead = 0
    if zone != "Z":
        ahead = (int(zone[1:3]) * 60 + int(zone[-2:])) * 60 * (-1 if zone[0] == "-" else 1)
    return midnight + hour * 3600 + minute * 60 + second + float(found[7] or 0) - ahead
