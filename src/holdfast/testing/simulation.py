"""One seed: a world drawn from it, callers in it, faults in it, and every rule checked after."""

import asyncio
import hashlib
from collections import Counter
from random import Random

import msgspec

from holdfast.audit import Recorder
from holdfast.testing.caller import Caller, Heard
from holdfast.testing.checkers import Evidence, check_all
from holdfast.testing.system import GATEWAY, UPSTREAM, MakeRecorder, SimSystem
from holdfast.testing.upstream import KINDS, Script, ScriptedUpstream
from holdfast.wire import ClientPool
from holdfast.world.sim import NetworkFaults, SimLoop, simulate

CALLS = 60
CALLERS_AT_ONCE = 12


class History(msgspec.Struct, frozen=True):
    """What one seed did. ``digest`` is over everything heard and the log's root."""

    seed: int
    calls: int
    heard: dict[str, int]
    records: int
    kills: int
    virtual_s: float
    digest: str


def run_seed(seed: int, *, calls: int = CALLS, recorder: MakeRecorder = Recorder) -> History:
    """Run a seed; ``CheckError`` when a rule was broken.

    ``recorder`` is for tests of the checkers: one that lies must be caught.
    """
    return simulate(seed, lambda loop: _run(loop, seed, calls, recorder))


async def _run(loop: SimLoop, seed: int, calls: int, recorder: MakeRecorder) -> History:
    draw = Random(f"plan {seed}")  # noqa: S311 - replayable by intent
    faults = NetworkFaults(
        latency_s=(0.0001, draw.choice((0.001, 0.02, 0.2))),
        refused_share=draw.choice((0.0, 0.0, 0.05)),
        cut_share=draw.choice((0.0, 0.0, 0.01)),
        split_share=draw.choice((0.0, 0.3, 0.8)),
    )
    kills = draw.choice((0, 0, 1, 3))
    async with asyncio.TaskGroup() as group:
        system = SimSystem(loop, seed, spawn=group.create_task, faults=faults, recorder=recorder)
        upstream = ScriptedUpstream(group.create_task)
        serving = await upstream.listen(system.network, system.clock, UPSTREAM)
        await system.start()
        killer = group.create_task(_kill_now_and_then(system, draw, kills))
        filler = group.create_task(_fill_the_disk(system, draw, draw.choice((0, 0, 1))))
        heard = await _call_all(system, draw, calls, group)
        await killer
        await filler
        cut = await system.stop()
        await serving.drain(within_s=0)
    check_all(Evidence(system, upstream, heard, cut))
    return History(
        seed=seed,
        calls=calls,
        heard=dict(sorted(Counter(_outcome(h) for h in heard).items())),
        records=system.log.size,
        kills=kills,
        virtual_s=round(loop.time(), 3),
        digest=_digest(heard, system),
    )


async def _kill_now_and_then(system: SimSystem, draw: Random, kills: int) -> None:
    for _ in range(kills):
        await asyncio.sleep(draw.uniform(0.05, 2.0))
        system.kill()
        await asyncio.sleep(draw.uniform(0.0, 0.5))
        await system.start()


async def _fill_the_disk(system: SimSystem, draw: Random, times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(draw.uniform(0.0, 2.0))
        system.journals.capacity = 0
        await asyncio.sleep(draw.uniform(0.1, 2.0))
        system.journals.capacity = None


async def _call_all(
    system: SimSystem, draw: Random, calls: int, group: asyncio.TaskGroup
) -> list[Heard]:
    callers = {
        name: Caller(
            name,
            key=key,
            pool=ClientPool(
                GATEWAY,
                network=system.network,
                spawn=group.create_task,
                connections_max=CALLERS_AT_ONCE,
                connect_s=5,
            ),
        )
        for name, key in system.keys.items()
    }
    gate = asyncio.Semaphore(CALLERS_AT_ONCE)

    async def one(caller: Caller, model: str, script: Script, patience: float) -> Heard:
        async with gate:
            return await caller.ask(script, model=model, patience_s=patience)

    tasks: list[asyncio.Task[Heard]] = []
    for number in range(calls):
        script = Script(
            number,
            draw.choice(KINDS),
            pieces=draw.randrange(1, 12),
            pause_s=draw.choice((0.0, 0.01, 0.3)),
        )
        caller = callers[draw.choice(sorted(callers))]
        model = draw.choice(("reviewer", "counter"))
        patience = draw.choice((0.2, 30.0, 30.0, 30.0))
        tasks.append(group.create_task(one(caller, model, script, patience)))
    return [await task for task in tasks]


def _outcome(heard: Heard) -> str:
    if heard.left:
        return "left"
    if not heard.whole:
        return "broken off"
    return str(heard.status)


def _digest(heard: list[Heard], system: SimSystem) -> str:
    story = msgspec.json.encode(heard) + system.log.checkpoint.root
    return hashlib.sha256(story).hexdigest()
