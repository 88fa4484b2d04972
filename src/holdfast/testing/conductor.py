"""Makes the faults of a plan happen: each begins at its time, and ends at its time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final

from holdfast.testing.law import Law
from holdfast.testing.plan import Plan
from holdfast.testing.system import SimSystem
from holdfast.testing.upstream import UPSTREAM_KINDS, ScriptedUpstream
from holdfast.world.ports import WorldError
from holdfast.world.sim import DISK_KINDS, NETWORK_KINDS, CrashError, Fault

RESTART_S: Final = 0.2
"""Between the end of a machine and its next start, where the fault does not say."""


class Conductor:
    """``log`` is what was done when: begun and ended faults."""

    def __init__(
        self,
        plan: Plan,
        *,
        system: SimSystem,
        upstreams: dict[str, ScriptedUpstream],
        law: Law,
        spawn: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        self._plan = plan
        self._system = system
        self._upstreams = upstreams
        self._law = law
        self._spawn = spawn
        self._loop = system.loop
        self._under_way: list[Fault] = []
        self._is_down = self._is_over = False
        system.on_crash = lambda: spawn(self._come_back(RESTART_S))

    def start(self) -> None:
        """From now on faults happen when the plan says so."""
        for fault in self._plan.faults:
            self._loop.call_at(self._loop.time() + fault.at_s, self._begin, fault)

    async def calm(self) -> None:
        """End what still lasts, begin nothing more, and see that everything is up."""
        self._is_over = True
        for fault in tuple(self._under_way):
            self._end(fault)
        await self._all_up()

    def _begin(self, fault: Fault) -> None:
        if self._is_over:
            return
        self._system.trace.note(self._loop.time(), f"begins {fault}")
        self._under_way.append(fault)
        if fault.kind in NETWORK_KINDS:
            self._system.network.begin(fault)
        elif fault.kind in UPSTREAM_KINDS:
            self._upstreams[fault.where].begin(fault)
        elif fault.kind in DISK_KINDS or fault.kind in ("clock-jump", "keeper-crash"):
            self._system.begin(fault)
        else:
            self._begin_system(fault)
        self._loop.call_later(fault.for_s, self._end, fault)

    def _end(self, fault: Fault) -> None:
        if fault not in self._under_way:
            return
        self._system.trace.note(self._loop.time(), f"ends {fault}")
        self._under_way.remove(fault)
        if fault.kind in NETWORK_KINDS:
            self._system.network.end(fault)
        elif fault.kind in UPSTREAM_KINDS:
            self._upstreams[fault.where].end(fault)
        elif fault.kind in DISK_KINDS:
            self._system.disk.end(fault)
        elif fault.kind == "reload":
            self._declare(later=False)

    def _begin_system(self, fault: Fault) -> None:
        index = int(fault.where[-1]) % self._plan.setup.workers if "worker" in fault.where else 0
        match fault.kind:
            case "kill" if index in self._system.workers:
                self._system.kill_worker(index)
                self._spawn(self._restart(index, fault.for_s))
            case "drain" if index in self._system.workers:
                self._spawn(self._drain(index, fault.for_s))
            case "crash" if not self._is_down:
                self._system.crash()
                self._spawn(self._come_back(fault.for_s))
            case "revoke":
                self._system.revoke_old_keys()
                self._law.revoke(self._loop.time())
            case "reload":
                self._declare(later=True)
            case _:
                """It concerns what is down already."""

    def _declare(self, *, later: bool) -> None:
        pairs = self._plan.setup.later if later else self._plan.setup.pairs
        self._system.reload(pairs)
        self._law.declare(pairs, self._loop.time())

    async def _all_up(self) -> None:
        while self._is_down or len(self._system.workers) < self._plan.setup.workers:  # noqa: ASYNC110 - any of three ways may bring them up
            await asyncio.sleep(0.05)

    async def _restart(self, index: int, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if not self._is_down and index not in self._system.workers:
            await self._system.start_worker(index)

    async def _drain(self, index: int, after_s: float) -> None:
        await self._system.drain_worker(index)
        await self._restart(index, after_s)

    async def _come_back(self, after_s: float) -> None:
        self._is_down = True
        await asyncio.sleep(after_s)
        while True:
            try:
                await self._system.start()
            except (WorldError, CrashError):
                await asyncio.sleep(RESTART_S)  # a disk that fails is asked again
                continue
            self._is_down = False
            return
