"""What policy answers."""

from dataclasses import dataclass

from holdfast.core import Digest
from holdfast.policy.obligations import Obligation


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Policy's answer. ``policies`` are the ids of those that determined it; ``bundle`` is the
    digest of schema and policies; ``reason`` is for people.

    ``obligations`` hold whoever lets the call pass; of a refusal there are none. ``would_refuse``
    are the policies on trial that would have refused what is allowed, ``would_allow`` those that
    would have allowed what is refused.
    """

    allowed: bool
    policies: tuple[str, ...]
    reason: str
    bundle: Digest
    obligations: tuple[Obligation, ...] = ()
    would_refuse: tuple[str, ...] = ()
    would_allow: tuple[str, ...] = ()
