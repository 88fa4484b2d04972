"""Rules about what is left over: nothing grows without bound, nothing raises, nothing leaks."""

from typing import Final

from holdfast.testing.court import Rule

IN_FLIGHT_MAX: Final = 10_000
MARGIN_S: Final = 1.0
"""How much longer than its deadline the gateway may still be busy with a call's end."""


class EveryCallEnds(Rule):
    """A worker that is told to end finishes what it has begun: a restart drops nobody."""

    name = "a drain finishes every call"

    def at_end(self) -> None:
        if self.evidence.system.cut:
            self.broken(f"{self.evidence.system.cut} calls were cut off")


class NobodyRaises(Rule):
    """No callback and no task of the product ends in an exception that nobody expected."""

    name = "nothing raises"

    def on_look(self) -> None:
        system = self.evidence.system
        if system.loop.faults:
            self.broken(system.loop.faults[0])
        for worker in (*system.workers.values(), *system.dead):
            for error in worker.process.failures:
                self.broken(f"a task of {worker.process.name} raised {error!r}")


class QueuesAreBounded(Rule):
    """What is under way and what waits stays within its bound at every moment."""

    name = "queues are bounded"

    def on_look(self) -> None:
        asked = len(self.evidence.sent_at) - len(self.evidence.heard)
        setup = self.evidence.plan.setup
        for worker in self.evidence.system.workers.values():
            journeys = worker.gateway.journeys
            if journeys.count() > IN_FLIGHT_MAX:
                self.broken(f"{journeys.count()} calls are under way for {asked} callers")
            if self.evidence.plan.faults or not journeys.count():
                continue
            oldest = journeys.longest(1)[0]
            age = self.evidence.now - oldest.began
            if age > setup.total_s + MARGIN_S + self._rest_s():
                self.broken(f"call {oldest.call} is under way for {age:.3f} s")

    def _rest_s(self) -> float:
        """How long the slowest reader may hold its answer up."""
        return 1.0 if self.evidence.plan.setup.slow_share else 0.0


class NothingLeaks(Rule):
    """At the end no connection is open, no task runs and no timer is set, and no call is left."""

    name = "nothing leaks"

    def at_end(self) -> None:
        system = self.evidence.system
        left = [
            f"{end.number} of {end.owner.name}"
            for end in system.network.open
            if end.owner is not system.network.world
        ]
        if left:
            self.broken(f"connections are open: {left[:5]}")
        tasks = [task.get_name() for task in system.loop.living()]
        owned = [name for name in tasks if name.startswith("worker-")]
        if owned:
            self.broken(f"tasks are running: {owned[:5]}")
        timers = [name for name in system.loop.timers() if name.startswith("worker-")]
        if timers:
            self.broken(f"timers are set: {timers[:5]}")
        for worker in system.dead:
            count = worker.gateway.journeys.count()
            if worker.killed_at is None and count:
                self.broken(f"{worker.process.name} ended with {count} calls under way")
