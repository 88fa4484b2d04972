"""One run of a plan: its calls, its faults, and every rule held while it runs and after."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine

import msgspec

from holdfast.audit import Recorder
from holdfast.core import Salt
from holdfast.testing.caller import Caller, Heard
from holdfast.testing.checkers import Checkers
from holdfast.testing.conductor import Conductor
from holdfast.testing.court import Court, Evidence
from holdfast.testing.law import Law
from holdfast.testing.orders import PROBE_BASE, Order, draw_orders, probe
from holdfast.testing.plan import CALLS, GATEWAY, Plan, draw_plan
from holdfast.testing.setup import CALLERS, Place
from holdfast.testing.system import MakeRecorder, SimSystem
from holdfast.testing.upstream import ScriptedUpstream
from holdfast.world.ports import Address
from holdfast.world.sim import SimLoop, Trace, simulate

PROBE_S = 0.25
PROBES_WELL = 3
PROBES_MAX = 160
"""Forty seconds after trouble ended: the longest rest that an upstream asks for, an ejection, and what
a throttle lets through until it believes again."""
LOOK_S = 0.25
"""How often rules look at what no event tells of."""
SETTLE_S = 1.0
"""Between the last answer and the end, for what is still on its way."""


class History(msgspec.Struct, frozen=True):
    """What a run did. ``digest`` is over every byte that arrived anywhere and all else that
    happened: two runs with one digest were the same run."""

    seed: int
    calls: int
    heard: dict[str, int]
    attempts: int
    records: int
    faults: int
    virtual_s: float
    events: int
    digest: str


def _nothing(_system: SimSystem) -> None:
    """Nobody looks."""


def run_seed(seed: int, *, calls: int = CALLS, recorder: MakeRecorder = Recorder) -> History:
    """Run what the seed draws; ``CheckError`` when a rule was broken."""
    return run_plan(draw_plan(seed, calls=calls), recorder=recorder)


def run_plan(
    plan: Plan,
    *,
    recorder: MakeRecorder = Recorder,
    trace: Trace | None = None,
    at_end: Callable[[SimSystem], object] = _nothing,
) -> History:
    """Run a plan; ``CheckError`` when a rule was broken.

    ``recorder`` is for tests of the rules: one that lies must be caught. ``at_end`` looks at the
    system when all of it has ended and its log is whole.
    """

    async def run(loop: SimLoop) -> History:
        whole = _Run(loop, plan, recorder, trace or Trace())
        history = await whole.run()
        at_end(whole.system)
        return history

    return simulate(plan.seed, run)


class _Run:
    def __init__(self, loop: SimLoop, plan: Plan, recorder: MakeRecorder, trace: Trace) -> None:
        self.plan = plan
        self.loop = loop
        self.trace = trace
        self.system = SimSystem(loop, plan, trace=trace, make_recorder=recorder)
        self.law = Law(plan.setup)
        self.upstreams: dict[str, ScriptedUpstream] = {}
        self.evidence = Evidence(plan, system=self.system, upstreams=self.upstreams, law=self.law)
        self.court = Court(self.evidence)
        self.checkers = Checkers(self.court)
        self.system.ledger.on_record = self.checkers.on_record
        self._salt = Salt(self.system.salt)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> History:
        work = self.loop.create_task(self._work())
        await asyncio.wait((work, self.court.verdict), return_when=asyncio.FIRST_COMPLETED)
        if self.court.verdict.done():
            self.court.verdict.result()
        work.result()
        if self.court.verdict.done():
            self.court.verdict.result()
        return self._history()

    def spawn(self, work: Coroutine[None, None, None]) -> object:
        """A task of the harness; what it raises ends the run."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.faults.append(f"the harness itself: {error!r}")

    async def _work(self) -> None:
        for place in self.plan.setup.places:
            await self._open_upstream(place)
        await self.system.start()
        conductor = Conductor(
            self.plan,
            system=self.system,
            upstreams=self.upstreams,
            law=self.law,
            spawn=self.spawn,
        )
        looking = self.loop.create_task(self._look_always())
        conductor.start()
        await self._ask_all()
        await conductor.calm()
        self.evidence.calm_at = self.loop.time()
        await self._see_it_serve()
        await asyncio.sleep(SETTLE_S)
        self.checkers.on_look()
        self.checkers.at_rest()
        await self._close(looking)
        self.checkers.on_look()
        self.checkers.at_end()

    async def _open_upstream(self, place: Place) -> None:
        upstream = ScriptedUpstream(
            Address(host="127.0.0.1", port=place.port),
            loop=self.loop,
            spawn=self.spawn,
            slots=self.plan.setup.slots,
            seed=self.plan.seed,
            wall=self.system.clock.now,
            on_reached=self.checkers.on_reached,
            on_left=self.checkers.on_left,
        )
        self.upstreams[place.where] = upstream
        await upstream.listen(self.system.network)

    async def _close(self, looking: asyncio.Task[None]) -> None:
        for caller in self.evidence.callers.values():
            caller.close()
        await self.system.stop()
        for upstream in self.upstreams.values():
            upstream.close()
        looking.cancel()
        await asyncio.sleep(SETTLE_S)

    async def _ask_all(self) -> None:
        plan, evidence = self.plan, self.evidence
        for name in CALLERS:
            evidence.callers[name] = Caller(
                name,
                address=GATEWAY,
                keys=self.system.keys[name],
                network=self.system.network,
                seed=plan.seed,
            )
        orders = draw_orders(
            plan.seed, calls=plan.calls, span_s=plan.span_s, setup=plan.setup, day=plan.is_day
        )
        began = self.loop.time()
        asked: list[asyncio.Task[Heard]] = []
        for order in sorted(orders, key=lambda order: order.at_s):
            await asyncio.sleep(max(0.0, began + order.at_s - self.loop.time()))
            asked.append(self.loop.create_task(self._ask(order)))
        for task in asked:
            await task

    async def _ask(self, order: Order) -> Heard:
        evidence = self.evidence
        evidence.orders[order.number] = order
        evidence.prompts.setdefault(self._salt.digest(order.body()), []).append(order)
        evidence.sent_at[order.number] = self.loop.time()
        heard = await evidence.callers[order.caller].ask(order, self.checkers.on_head)
        self.checkers.on_end(heard)
        return heard

    async def _see_it_serve(self) -> None:
        """When trouble is over calls are answered again: ask over every relationship until it is
        seen."""
        asked = await asyncio.gather(
            *(
                self._probe(place, pair.caller, pair.callee)
                for place, pair in enumerate(self.law.in_force())
            )
        )
        for heard in asked:
            if heard is not None:
                self.checkers.not_served(heard)

    async def _probe(self, place: int, caller: str, model: str) -> list[Heard] | None:
        """None once enough probes in a row were answered well; else what they heard."""
        heard: list[Heard] = []
        well = 0
        for turn in range(PROBES_MAX):
            number = PROBE_BASE + 1_000 * place + turn
            heard.append(await self._ask(probe(number, caller, model, self.plan.setup)))
            well = well + 1 if _is_well(heard[-1]) else 0
            if well == PROBES_WELL:
                return None
            await asyncio.sleep(PROBE_S)
        return heard

    async def _look_always(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.checkers.on_look()

    def _history(self) -> History:
        heard = list(self.evidence.heard.values())
        attempts = sum(map(len, self.evidence.attempts.values()))
        self.trace.note(self.loop.time(), self.system.log.checkpoint.root.hex())
        return History(
            seed=self.plan.seed,
            calls=len(heard),
            heard=dict(sorted(Counter(_outcome(each) for each in heard).items())),
            attempts=attempts,
            records=self.system.log.size,
            faults=len(self.plan.faults),
            virtual_s=round(self.loop.time(), 3),
            events=self.trace.events,
            digest=self.trace.digest(),
        )


def _is_well(heard: Heard) -> bool:
    """Answered, or refused for what is spent, which no time heals."""
    return heard.whole and (heard.status == 200 or heard.code == "budget.exhausted")


def _outcome(heard: Heard) -> str:
    if heard.left:
        return "left"
    if not heard.whole:
        return "broken off"
    return str(heard.status)
