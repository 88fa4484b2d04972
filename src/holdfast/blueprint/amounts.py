"""How amounts are spelt: counts such as ``2M``, money and prices to the millionth."""

import re
from decimal import Decimal

from pydantic import JsonValue

from holdfast.blueprint.spelling import Schema, wrong

COUNT_MAX = 10**15
MONEY_MAX = 10**9
"""In units of the currency. With six decimals that is fifteen digits: as many as a number in YAML
surely keeps, so what is written is what is counted."""
PRICE_MAX = 10**6

MICRO = 10**6
_TARGET = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,4})?) ?%")
_UNITS = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}
_COUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([kKMG])")

COUNT_SCHEMA: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": COUNT_MAX},
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[kKMG]$"},
    ]
}
MONEY_SCHEMA: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": MONEY_MAX}
PRICE_SCHEMA: Schema = {"type": "number", "minimum": 0, "maximum": PRICE_MAX}

TARGET_SCHEMA: Schema = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": 0.999999},
        {"type": "string", "pattern": r"^[0-9]{1,2}(\.[0-9]{1,4})? ?%$"},
    ]
}

_COUNT_FIX = "write a whole number, or one with k, M or G: `500k`, `2M`"
_TARGET_FIX = "write more than 0 % and less than 100 %: `99.9%`, or 0.999"
_MONEY_FIX = "write a number without quotes or a sign of currency, such as 0.15"


def read_count(value: object) -> JsonValue:
    """A whole number, or text such as ``500k`` (500,000), ``1.5M`` (1,500,000) or ``2G``."""
    count = value
    if isinstance(value, str):
        found = _COUNT.fullmatch(value)
        exact = Decimal(found[1]) * _UNITS[found[2]] if found else Decimal("0.5")
        if exact != int(exact):
            raise wrong(f"`{value}` is not a count", _COUNT_FIX)
        count = int(exact)
    if isinstance(count, bool) or not isinstance(count, int):
        raise wrong("is not a count", _COUNT_FIX)
    if not 1 <= count <= COUNT_MAX:
        raise wrong(f"{value} is out of range", f"write at least 1 and at most {COUNT_MAX:,}")
    return count


def read_target(value: object) -> JsonValue:
    """A share to be reached, in millionths: ``99.9%`` and ``0.999`` are 999,000. Never all: a target
    of 100 % leaves nothing that may fail."""
    if isinstance(value, str):
        found = _TARGET.fullmatch(value)
        share = Decimal(found[1]) / 100 if found else None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        share = None
    else:
        share = Decimal(repr(value))
    if share is None:
        raise wrong("is not a target share", _TARGET_FIX)
    micro = share * MICRO
    if not 0 < share < 1:
        raise wrong(f"{value} is out of range", _TARGET_FIX)
    if micro != int(micro):
        raise wrong(f"{value} has more than six decimals", "round it to millionths")
    return int(micro)


def read_money(value: object) -> JsonValue:
    """An amount of money, more than nothing, in millionths of the currency."""
    micro = _micro(value, most=MONEY_MAX)
    if micro == 0:
        raise wrong("0 is out of range", "write more than 0; a budget of nothing refuses all calls")
    return micro


def read_price(value: object) -> JsonValue:
    """A price in millionths of the currency; 0 where nothing is charged."""
    return _micro(value, most=PRICE_MAX)


def _micro(value: object, *, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong("must be an amount of money", _MONEY_FIX)
    if not 0 <= value <= most:
        raise wrong(f"{value} is out of range", f"write a number from 0 to {most:,}")
    # The shortest text that gives the same float is, within these bounds, the text as written.
    micro = Decimal(repr(value)) * MICRO
    if micro != int(micro):
        raise wrong(f"{value} has more than six decimals", "round it to millionths")
    return int(micro)
