"""The states of a passport, and which step leads where. Revoked is final."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from holdfast.identity.passports.errors import PassportStateError
from holdfast.identity.passports.passport import Status

Step: TypeAlias = Literal["replace", "resume", "revoke", "suspend"]

_STEPS: Mapping[tuple[Status, Step], Status] = MappingProxyType(
    {
        ("active", "replace"): "active",
        ("active", "suspend"): "suspended",
        ("active", "revoke"): "revoked",
        ("suspended", "replace"): "suspended",
        ("suspended", "resume"): "active",
        ("suspended", "revoke"): "revoked",
    }
)
DONE: Mapping[Step, str] = MappingProxyType(
    {
        "replace": "passport.replaced",
        "resume": "passport.resumed",
        "revoke": "passport.revoked",
        "suspend": "passport.suspended",
    }
)
"""What the log calls each step."""


def next_status(status: Status, step: Step, *, sub: str) -> Status:
    """Where ``step`` leads from ``status``; ``PassportStateError`` when nowhere."""
    found = _STEPS.get((status, step))
    if found is None:
        fix = "make an agent of another name" if status == "revoked" else "see its state first"
        raise PassportStateError(f"the passport of {sub} is {status}: it cannot {step}", fix=fix)
    return found
