"""Redaction: personal and secret data taken out of text before it passes.

What can be told by its form alone: cards (ISO/IEC 7812, Luhn), bank accounts (ISO 13616, modulo
97), e-mail addresses, IP addresses, telephone numbers in international form, and the secrets whose
issuers gave them a form to be found by. Names and addresses have no form; that needs a model.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from typing import Literal, TypeAlias

from holdfast.core import JsonValue

RedactionKind: TypeAlias = Literal["card", "email", "iban", "ip", "phone", "secret"]
KINDS: tuple[RedactionKind, ...] = ("secret", "iban", "card", "email", "ip", "phone")
"""In the order in which they are looked for: what is longer and surer comes first."""

REDACTED_DEPTH_MAX = 100
_LOOKED_AT_FROM = 10**11
"""Whole numbers below this are nobody's card or account."""
_IBAN_LENGTHS = range(15, 35)
_CARD_LENGTHS = range(13, 20)
_PHONE_LENGTHS = range(8, 16)

_PATTERNS: Mapping[RedactionKind, re.Pattern[str]] = {
    "card": re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]*\d)"),
    "email": re.compile(
        r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
    ),
    "iban": re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}(?![A-Za-z0-9])"),
    "ip": re.compile(
        r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:])"
    ),
    "phone": re.compile(r"(?<![\w+])(?:\+|00)\d(?:[ ./-]?\(?\d(?:\)(?=[ ./-]?\d))?){6,14}(?!\d)"),
    "secret": re.compile(
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,8192}?-----END [A-Z ]{0,40}PRIVATE KEY-----"
        r"|(?<![A-Za-z0-9_-])(?:"
        r"hf_[0-9a-z]{10}_[A-Za-z0-9_-]{43}"  # this product's
        r"|sk-[A-Za-z0-9_-]{20,200}"  # OpenAI, Anthropic and others
        r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"
        r"|glpat-[A-Za-z0-9_-]{20,64}"
        r"|(?:AKIA|ASIA)[A-Z0-9]{16}"
        r"|xox[abprs]-[A-Za-z0-9-]{10,200}"
        r"|AIza[A-Za-z0-9_-]{35}"
        r"|hf_[A-Za-z0-9]{34}"  # Hugging Face
        r"|eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{10,8192}\.[A-Za-z0-9_-]{10,1024}"  # a JWT
        r")(?![A-Za-z0-9_-])"
    ),
}


def redact(text: str, kinds: Collection[RedactionKind]) -> tuple[str, int]:
    """The text without what is of these kinds, and how often something was taken out.

    What was taken out leaves its kind behind: ``[email]``.
    """
    count = 0
    for kind in KINDS:
        if kind in kinds:
            text, found = _redact_kind(text, kind)
            count += found
    return text, count


def _redact_kind(text: str, kind: RedactionKind) -> tuple[str, int]:
    holds, count = _CHECKS.get(kind), 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        if holds is not None and not holds(match[0]):
            return match[0]
        count += 1
        return f"[{kind}]"

    return _PATTERNS[kind].sub(replace, text), count


def redact_json(value: JsonValue, kinds: Collection[RedactionKind]) -> tuple[JsonValue, int]:
    """The same for every text in a JSON value, and for every whole number: a card's is one to some.
    Names of members stay.

    ``RecursionError`` beyond ``REDACTED_DEPTH_MAX`` levels: what is not looked at must not pass.
    """
    return _redact_value(value, kinds, REDACTED_DEPTH_MAX)


def _redact_value(
    value: JsonValue, kinds: Collection[RedactionKind], depth: int
) -> tuple[JsonValue, int]:
    if isinstance(value, str):
        return redact(value, kinds)
    if isinstance(value, int) and abs(value) >= _LOOKED_AT_FROM:
        text, found = redact(str(value), kinds)
        return (text, found) if found else (value, 0)
    if not isinstance(value, dict | list):
        return value, 0
    if not depth:
        raise RecursionError(f"nested deeper than {REDACTED_DEPTH_MAX} levels")
    if isinstance(value, list):
        items = [_redact_value(each, kinds, depth - 1) for each in value]
        return [each for each, _ in items], sum(count for _, count in items)
    members = {name: _redact_value(each, kinds, depth - 1) for name, each in value.items()}
    return (
        {name: each for name, (each, _) in members.items()},
        sum(count for _, count in members.values()),
    )


def _is_card(text: str) -> bool:
    digits = [int(each) for each in text if each.isdigit()]
    if len(digits) not in _CARD_LENGTHS or len(set(digits)) == 1:
        return False
    doubled = [each * 2 - 9 * (each > 4) for each in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _is_iban(text: str) -> bool:
    letters = text.replace(" ", "")
    if len(letters) not in _IBAN_LENGTHS:
        return False
    return int("".join(str(int(each, 36)) for each in letters[4:] + letters[:4])) % 97 == 1


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return text not in {"::", "::1"}


def _is_phone(text: str) -> bool:
    digits = sum(each.isdigit() for each in text) - 2 * text.startswith("00")
    return digits in _PHONE_LENGTHS and text.count("(") == text.count(")")


_CHECKS: Mapping[RedactionKind, Callable[[str], bool]] = {
    "card": _is_card,
    "iban": _is_iban,
    "ip": _is_ip,
    "phone": _is_phone,
}
