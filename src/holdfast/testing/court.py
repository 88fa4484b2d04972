"""Where rules are held: what they may look at, and where a broken one is told, at once."""

import asyncio
from collections.abc import Iterator
from typing import ClassVar

from holdfast.core import HoldfastError
from holdfast.testing.caller import Caller, Heard
from holdfast.testing.law import Law
from holdfast.testing.ledger import Durable
from holdfast.testing.orders import Order
from holdfast.testing.plan import WALL_SPEED_OF_A_DAY, Plan
from holdfast.testing.system import SimSystem
from holdfast.testing.upstream import Attempt, ScriptedUpstream
from holdfast.world.sim import DISK_KINDS, EVERYWHERE, NETWORK_KINDS, Fault

AFTERMATH_S = 3.0
"""How long after a disk's trouble its consequences are excused: a recorder rests for a second."""


class CheckError(HoldfastError):
    """A rule was broken."""

    code = "testing.rule-broken"


class Evidence:
    """All that is known of a run, at any moment of it."""

    def __init__(
        self,
        plan: Plan,
        *,
        system: SimSystem,
        upstreams: dict[str, ScriptedUpstream],
        law: Law,
    ) -> None:
        self.plan = plan
        self.system = system
        self.upstreams = upstreams
        self.law = law
        self.ledger = system.ledger
        self.callers: dict[str, Caller] = {}
        self.orders: dict[int, Order] = {}
        self.prompts: dict[str, list[Order]] = {}
        """Orders by the salted digest of their bodies, as records have it."""
        self.sent_at: dict[int, float] = {}
        self.heard: dict[int, Heard] = {}
        self.attempts: dict[str, list[Attempt]] = {}
        """What reached an upstream, by call."""
        self.acknowledged: dict[str, Heard] = {}
        """Calls whose callers heard something, by call."""
        self.calm_at = float("inf")
        """When all trouble was over."""

    @property
    def now(self) -> float:
        return self.system.loop.time()

    def faults(self, *kinds: str) -> Iterator[Fault]:
        """Those of the plan that are of these kinds."""
        return (fault for fault in self.plan.faults if fault.kind in kinds)

    def disk_trouble(self, since: float, until: float) -> bool:
        """Whether the disk, or the machine, failed in that time or shortly before."""
        return any(
            fault.at_s <= until and since <= fault.at_s + fault.for_s + AFTERMATH_S
            for fault in self.faults(*DISK_KINDS, "crash", "keeper-crash")
        )

    def was_killed(self, worker: str, since: float) -> bool:
        """Whether the process died unasked after ``since``."""
        return any(
            each.process.name == worker and each.killed_at is not None and each.killed_at >= since
            for each in self.system.dead
        )

    def may_be_resent(self, attempt: Attempt) -> bool:
        """Whether its connection may have died as it was used: then the request is sent once more
        and counts as one attempt."""
        return attempt.trouble == "cut" or self.is_rough(attempt)

    def is_rough(self, attempt: Attempt) -> bool:
        """Whether the way to its upstream may have held it up, or lost it, at any time."""
        return any(
            fault.where in (attempt.where, EVERYWHERE)
            for fault in self.faults(*NETWORK_KINDS, "up-down")
        )

    def was_left(self, attempt: Attempt) -> bool:
        """Whether its caller may have left, or its time run out, before it ended."""
        order = self.orders[attempt.order]
        setup = self.plan.setup
        return order.patience_s < setup.patience_s or order.timeout_ms is not None

    def accounts(self, attempt: Attempt) -> tuple[str, ...]:
        """What an attempt is charged to: that of the relationship that it went over."""
        caller = self.orders[attempt.order].caller
        called = self.plan.setup.place_at(attempt.where).called
        pair = f"relationship:{caller}-asks-{called}"
        return ("tenant", f"node:{caller}", pair, f"node:{called}")

    @property
    def wall_speed(self) -> float:
        """Seconds of the wall clock in a second."""
        return WALL_SPEED_OF_A_DAY if self.plan.is_day else 1.0

    def is_tainted(self, attempt: Attempt) -> bool:
        """Whether a bit of its connection was flipped."""
        return attempt.connection in self.system.network.tainted


class Court:
    """The first rule that is broken ends the run."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.verdict: asyncio.Future[None] = evidence.system.loop.create_future()

    def broken(self, rule: "Rule", what: str) -> None:
        """A rule does not hold."""
        if not self.verdict.done():
            at = f"at {self.evidence.now:.3f} s"
            self.verdict.set_exception(CheckError(f"{rule.name}: {what} ({at})"))


class Rule:
    """One thing that must always hold. Children look at what concerns them, when it happens."""

    name: ClassVar[str] = "rule"

    def __init__(self, court: Court) -> None:
        self.court = court
        self.evidence = court.evidence

    def broken(self, what: str) -> None:
        self.court.broken(self, what)

    def on_reached(self, attempt: Attempt) -> None:
        """A call reached an upstream."""

    def on_left(self, attempt: Attempt) -> None:
        """The gateway left an upstream before the answer's end."""

    def on_record(self, durable: Durable) -> None:
        """A record became durable."""

    def on_head(self, heard: Heard) -> None:
        """A caller has the head of an answer."""

    def on_end(self, heard: Heard) -> None:
        """A call is over for its caller."""

    def on_look(self) -> None:
        """Some time has passed."""

    def at_rest(self) -> None:
        """Every call is over, trouble too; everything is still up."""

    def at_end(self) -> None:
        """The run is over, and everything was closed."""
