"""What a policy may know about a call, and its form as Cedar's ``context``."""

from typing import NamedTuple

Fact = bool | int | str


class Facts(NamedTuple):
    """What a policy may know about a call, as ``context``. A tuple, for it is a cache key.

    ``tool`` is the tool asked for; ``proof`` how the caller showed that it holds its credential
    (``key``, ``mtls``, ``wpt``, ``dpop`` or ``session``); ``depth`` how often its authority was
    delegated; ``tier`` its passport's risk tier; ``attested`` what its evidence was judged to be
    (``none``, ``affirming``, ``warning`` or ``contraindicated``); ``on_behalf_of`` the principal
    at the root of its mandate. None is not known, and the fact is then missing from ``context``.
    """

    stream: bool = False
    tools: bool = False
    max_tokens: int | None = None
    relationship: str | None = None
    tool: str | None = None
    proof: str = "key"
    depth: int = 0
    tier: int | None = None
    attested: str = "none"
    on_behalf_of: str | None = None


ATTESTED = ("none", "affirming", "warning", "contraindicated")
DEFAULTS = Facts()
LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1


def context_of(facts: Facts) -> dict[str, Fact]:
    """The facts that are known, by name."""
    return {
        name: value for name, value in zip(Facts._fields, facts, strict=True) if value is not None
    }


def only(facts: Facts, spoken_of: frozenset[str]) -> Facts:
    """The facts with those that no policy speaks of at their default, so that more calls share a
    decision. A number that Cedar cannot hold stays: it denies, whatever policies say."""
    kept = (
        value
        if name in spoken_of or (type(value) is int and not LONG_MIN <= value <= LONG_MAX)
        else default
        for name, value, default in zip(Facts._fields, facts, DEFAULTS, strict=True)
    )
    return Facts._make(kept)
