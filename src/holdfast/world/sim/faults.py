"""Faults as data: what goes wrong, where, from when, for how long. Printed, stored, replayed.

Whoever owns a part of the world (``SimNetwork``, ``SimClock``, a disk, an upstream) has ``begin``
and ``end`` for the kinds that concern it; who calls them when is the conductor of the simulation.
"""

from typing import Final, Literal, TypeAlias

import msgspec

NetworkKind: TypeAlias = Literal[
    "delay", "reorder", "cut", "half-close", "truncate", "corrupt", "refused", "black-hole", "mute",
    "slow", "split",
]  # fmt: skip

NETWORK_KINDS: Final[dict[str, str]] = {
    "delay": "every message takes up to `amount` seconds more",
    "reorder": "a `share` of messages takes up to `amount` seconds more: connections overtake others",
    "cut": "after a `share` of writes the connection is reset",
    "half-close": "after a `share` of writes the writer's direction ends, the other stays open",
    "truncate": "a `share` of writes loses its end, and the connection closes as if in order",
    "corrupt": "a `share` of what the listener writes arrives with a flipped bit",
    "refused": "a `share` of connection attempts is refused",
    "black-hole": "no connection can be made, and what is sent is held, until the fault ends",
    "mute": "connections are made, but what the listener sends is held until the fault ends",
    "slow": "`amount` bytes a second",
    "split": "a `share` of writes arrives in several pieces",
}
DISK_KINDS: Final[dict[str, str]] = {
    "disk-fail": "one write is refused, nothing of it is kept",
    "disk-torn": "one write is refused, the share `amount` of it is kept",
    "disk-full": "writes are refused until the fault ends",
    "disk-slow": "every write takes `amount` seconds",
}
CLOCK_KINDS: Final[dict[str, str]] = {"clock-jump": "the wall clock is set `amount` seconds on"}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. ``where`` is an address (``host:port``) or the name of a part; ``share`` how much
    of what passes meets it; what ``amount`` means depends on the kind."""

    kind: str
    where: str
    at_s: float
    for_s: float = 0.0
    share: float = 1.0
    amount: float = 0.0

    def __str__(self) -> str:
        details = [f"share {self.share:g}"] if self.share < 1 else []
        details += [f"amount {self.amount:g}"] if self.amount else []
        lasting = f" for {self.for_s:g} s" if self.for_s else ""
        more = f" ({', '.join(details)})" if details else ""
        return f"at {self.at_s:g} s{lasting}: {self.kind} {self.where}{more}"
