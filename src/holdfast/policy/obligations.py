"""Obligations: what a permit asks for beside its yes, and which of several is the strictest.

Written as annotations of a permit, one of a kind each::

    @redact("email,phone")  @require_approval("owners")  @cap_tokens("512")  @sample("0.05")

Of several policies that determine one decision, everything is owed that any of them asks for: all
redactions, all approvals, the lowest cap, the highest rate.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

ObligationKind: TypeAlias = Literal["redact", "require_approval", "cap_tokens", "sample"]
KINDS: tuple[ObligationKind, ...] = ("redact", "require_approval", "cap_tokens", "sample")

REDACTIONS = ("card", "email", "iban", "ip", "phone", "secret")
"""What can be taken out of a text before it passes."""

CAP_TOKENS_MAX = 10_000_000
MILLION = 1_000_000

_GROUP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RATE = re.compile(r"0\.[0-9]{1,6}|1(?:\.0{1,6})?")


@dataclass(frozen=True, slots=True, order=True)
class Obligation:
    """One thing owed. ``str`` gives what the record keeps: ``cap_tokens:512``.

    ``value`` is the kind of text to redact, the group that must approve, the most tokens, or the
    share of calls to keep for review; ``amount`` is that number, of sampling in millionths.
    """

    kind: ObligationKind
    value: str
    amount: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


Read: TypeAlias = tuple[tuple[Obligation, ...], tuple[str, str] | None]
"""What an annotation asks for; or what is wrong with it, and the fix."""


def read_obligation(kind: ObligationKind, written: str) -> Read:
    """One annotation's obligations."""
    return _READERS[kind](written)


def _redact(written: str) -> Read:
    words = tuple(word.strip() for word in written.split(","))
    unknown = next((word for word in words if word not in REDACTIONS), None)
    if unknown is not None:
        fix = f'name one or more of {", ".join(REDACTIONS)}, as in @redact("email,phone")'
        return (), (f"nothing is known to redact as `{unknown}`", fix)
    return tuple(Obligation("redact", word) for word in sorted(set(words))), None


def _require_approval(written: str) -> Read:
    if _GROUP.fullmatch(written) is None:
        fix = 'name a group in lower-case letters, digits and dashes: @require_approval("owners")'
        return (), (f"`{written[:80]}` is not the name of a group", fix)
    return (Obligation("require_approval", written),), None


def _cap_tokens(written: str) -> Read:
    if not re.fullmatch(r"[1-9][0-9]{0,7}", written) or int(written) > CAP_TOKENS_MAX:
        fix = f'write a whole number from 1 to {CAP_TOKENS_MAX}: @cap_tokens("512")'
        return (), (f"`{written[:80]}` is not a number of tokens", fix)
    return (Obligation("cap_tokens", written, int(written)),), None


def _sample(written: str) -> Read:
    rate = _millionths(written)
    if not rate:
        fix = 'write a share above 0 and at most 1, with up to 6 digits: @sample("0.05")'
        return (), (f"`{written[:80]}` is not a share of calls", fix)
    return (Obligation("sample", _share(rate), rate),), None


def _millionths(written: str) -> int:
    if _RATE.fullmatch(written) is None:
        return 0
    whole, _, part = written.partition(".")
    return int(whole) * MILLION + int(part.ljust(6, "0") or "0")


def _share(millionths: int) -> str:
    return "1" if millionths == MILLION else f"0.{millionths:06}".rstrip("0")


_READERS: Mapping[ObligationKind, Callable[[str], Read]] = {
    "redact": _redact,
    "require_approval": _require_approval,
    "cap_tokens": _cap_tokens,
    "sample": _sample,
}


def strictest(owed: Iterable[Obligation]) -> tuple[Obligation, ...]:
    """Everything owed, once each: the lowest cap, the highest rate, every redaction and approval."""
    kept: dict[tuple[str, str], Obligation] = {}
    for each in owed:
        key = (each.kind, "" if each.amount else each.value)
        other = kept.get(key)
        if other is None or _stricter(each, other):
            kept[key] = each
    return tuple(sorted(kept.values()))


def _stricter(one: Obligation, other: Obligation) -> bool:
    return one.amount < other.amount if one.kind == "cap_tokens" else one.amount > other.amount
