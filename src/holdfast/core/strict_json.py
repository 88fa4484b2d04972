"""The JSON Canonicalization Scheme (RFC 8785), floats included, and strict reading of JSON.

``canonical_json`` serves our own values, which have no floats. What others wrote (a tool's schema,
an agent's card) may have any; its digest is made over these bytes.
"""

import json
import math
from typing import TypeAlias

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None
"""Any value of JSON."""
JsonObject: TypeAlias = dict[str, JsonValue]

JSON_DEPTH_MAX = 64

_SMALL_FROM = -6


class JsonError(ValueError):
    """Text that is not JSON in the strict sense, or a value that has no canonical form;
    ``where`` is a JSON pointer where one is known."""

    def __init__(self, what: str, *, where: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where


def read_json(data: bytes, *, depth_max: int = JSON_DEPTH_MAX) -> JsonValue:
    """The value in ``data``: UTF-8, no member twice in one object, no number beyond a double, no
    lone surrogate, no deeper than ``depth_max``. ``JsonError`` says what is wrong.

    Two parsers that are this strict read one meaning (CVE-2026-27896 and its like need two).
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonError(f"byte {error.start} is not UTF-8") from error
    _check_depth(data, depth_max)
    try:
        value: JsonValue = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg} at character {error.pos}") from error
    if "\\u" in text:
        _check_surrogates(value)
    return value


def jcs(value: JsonValue) -> bytes:
    """The RFC 8785 bytes of ``value``; ``JsonError`` when it has none.

    Whole numbers outside the range that a double holds exactly are written with all their digits:
    RFC 8785 would round them, and two values would share a digest.
    """
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError as error:
        raise JsonError("a string holds half of a surrogate pair") from error


def jcs_number(value: float) -> str:
    """A double as ECMAScript writes it (RFC 8785, section 3.2.2.3): the shortest digits that read
    back as the same double, which is what ``repr`` finds too, in another layout."""
    if not math.isfinite(value):
        raise JsonError("JSON has no number that is infinite or none")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, exponent = _digits(abs(value))
    count, point = len(digits), exponent + 1
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _SMALL_FROM < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{mantissa}e{'+' if exponent > 0 else '-'}{abs(exponent)}"


def _digits(value: float) -> tuple[str, int]:
    """The significant digits, and the power of ten of the first."""
    mantissa, _, exponent = f"{value!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    power = int(exponent or 0) + len(whole) - 1
    digits = whole + ("" if fraction == "0" else fraction)
    stripped = digits.lstrip("0")
    power -= len(digits) - len(stripped)
    return stripped.rstrip("0"), power


def _write(value: JsonValue, parts: list[str], depth: int) -> None:
    if depth > JSON_DEPTH_MAX:
        raise JsonError(f"deeper than {JSON_DEPTH_MAX} levels")
    match value:
        case None:
            parts.append("null")
        case bool():
            parts.append("true" if value else "false")
        case int():
            parts.append(str(value))
        case float():
            parts.append(jcs_number(value))
        case str():
            # Two-character escapes where there are any, \u00xx in small letters: as section 3.2.2.2.
            parts.append(json.dumps(value, ensure_ascii=False))
        case list():
            _write_list(value, parts, depth)
        case dict():
            _write_object(value, parts, depth)


def _write_list(value: list[JsonValue], parts: list[str], depth: int) -> None:
    separator = "["
    for item in value:
        parts.append(separator)
        _write(item, parts, depth + 1)
        separator = ","
    parts.append("]" if value else "[]")


def _write_object(value: JsonObject, parts: list[str], depth: int) -> None:
    separator = "{"
    for name in sorted(value, key=_utf16):
        parts.append(separator + json.dumps(name, ensure_ascii=False) + ":")
        _write(value[name], parts, depth + 1)
        separator = ","
    parts.append("}" if value else "{}")


def _utf16(name: str) -> bytes:
    try:
        return name.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise JsonError("a member's name holds half of a surrogate pair") from error


def _object(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonError(f"the member {twice[:64]!r} stands twice in one object")
    return found


def _no_constant(name: str) -> JsonValue:
    raise JsonError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonError(f"the number {text[:32]} is beyond a double")
    return value


_INTEGER_DIGITS_MAX = 310


def _whole(text: str) -> int:
    if len(text) > _INTEGER_DIGITS_MAX:
        raise JsonError("a number is beyond a double")
    return int(text)


def _check_depth(data: bytes, depth_max: int) -> None:
    """Before the parser recurses: a count that strings can only make too high."""
    if data.count(b"[") + data.count(b"{") <= depth_max:
        return
    depth, inside, escaped = 0, False, False
    for byte in data:
        if inside:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte in b"[{":
            depth += 1
            if depth > depth_max:
                raise JsonError(f"nested deeper than {depth_max} levels")
        elif byte in b"]}":
            depth -= 1


def _check_surrogates(value: JsonValue) -> None:
    """An escape may name half of a surrogate pair, which no UTF-8 can carry on."""
    match value:
        case str():
            _check_string(value)
        case list():
            for item in value:
                _check_surrogates(item)
        case dict():
            for name, item in value.items():
                _check_string(name)
                _check_surrogates(item)
        case _:
            pass


def _check_string(text: str) -> None:
    if not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text):
        raise JsonError("a string holds half of a surrogate pair")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_no_constant,
    parse_float=_finite,
    parse_int=_whole,
)
"""Made once: making one costs more than reading a small message."""
