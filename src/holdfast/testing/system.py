"""Holdfast whole, in a simulated world: workers, recorders, a log; each part can die and come back."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec

from holdfast.audit import Log, LogSigner, Recorder
from holdfast.blueprint import Blueprint, SecretReference, load
from holdfast.core import HoldfastError, NodeId
from holdfast.gateway import Gateway
from holdfast.identity import Credential, Credentials, new_key
from holdfast.policy import Policy
from holdfast.resilience import SavedBook
from holdfast.testing.declaring import blueprint_text, policy_text
from holdfast.testing.keeper import SimKeeper
from holdfast.testing.ledger import Ledger
from holdfast.testing.plan import GATEWAY, WALL_SPEED_OF_A_DAY, Plan
from holdfast.testing.setup import CALLERS, Pair
from holdfast.world.ports import Clock, Journals, JournalWriter, WorldError
from holdfast.world.sim import (
    CrashError,
    Fault,
    SimBlobs,
    SimClock,
    SimDisk,
    SimEntropy,
    SimJournals,
    SimLoop,
    SimNetwork,
    SimProcess,
    SimStore,
    Trace,
)

INTEGRATE_S = 0.1
DRAIN_S = 30.0
LAST_WORDS_S = 0.01


class MakeRecorder(Protocol):
    """Makes the recorder of one process: ``Recorder`` itself, or a test's lying child of it."""

    def __call__(self, journals: Journals, clock: Clock, *, worker: int) -> Recorder: ...


class OwnJournals:
    """The journals as one process sees them: it knows which of them it writes."""

    def __init__(self, journals: SimJournals) -> None:
        self.mine: list[str] = []
        self._journals = journals

    def create(self, name: str) -> JournalWriter:
        writer = self._journals.create(name)
        self.mine.append(name)
        return writer

    def names(self) -> list[str]:
        return self._journals.names()

    def read(self, name: str, *, start: int, limit: int) -> bytes:
        return self._journals.read(name, start=start, limit=limit)

    def remove(self, name: str) -> None:
        self._journals.remove(name)


class SimWorker:
    """One worker process from its start to its end."""

    def __init__(self, system: "SimSystem", index: int, life: int) -> None:
        self.index = index
        self.journals = OwnJournals(system.journals)
        self.process = SimProcess(f"worker-{index}/{life}")
        self.member = system.keeper.join(self.process, life)
        self.killed_at: float | None = None
        self.recorder: Recorder
        self.gateway: Gateway
        self.process.run(lambda: self._make(system))

    def _make(self, system: "SimSystem") -> None:
        self.recorder = system.make_recorder(self.journals, system.clock, worker=self.index)
        self.gateway = Gateway(
            clock=system.clock,
            entropy=SimEntropy(system.plan.seed * 1_000 + system.lives),
            network=system.network,
            recorder=self.recorder,
            spawn=self.process.spawn,
            salts=lambda _tenant: system.salt,
            worker=self.index,
            workers=system.plan.setup.workers,
            spending=self.member.purses,
        )
        keeper, member = system.keeper, self.member
        member.gateway = self.gateway
        self.gateway.on_news = lambda news: member.tell(lambda: keeper.spread(news, member))


class SimSystem:
    """One instance: its disk and its network outlive its processes."""

    def __init__(
        self, loop: SimLoop, plan: Plan, *, trace: Trace, make_recorder: MakeRecorder
    ) -> None:
        self.loop = loop
        self.plan = plan
        self.trace = trace
        self.make_recorder = make_recorder
        self.clock = SimClock(loop, wall_speed=WALL_SPEED_OF_A_DAY if plan.is_day else 1.0)
        self.entropy = SimEntropy(plan.seed)
        self.disk = SimDisk()
        self.ledger = Ledger(loop.time)
        self.network = SimNetwork(loop, shared=(GATEWAY,), trace=trace)
        self.journals = SimJournals(
            SimEntropy(plan.seed + 1), disk=self.disk, written=self._on_written
        )
        self.blobs = SimBlobs(before_write=self.disk.check)
        self.store = SimStore(before_write=self.disk.check)
        self.signer = LogSigner.from_seed("sim.holdfast.local/log", self.entropy.secret(32))
        self.salt = self.entropy.secret(32)
        self.lives = 0
        self.cut = 0
        """Calls that a drain had to cut off."""
        self._books: dict[int, SavedBook] = {}
        self.workers: dict[int, SimWorker] = {}
        self.dead: list[SimWorker] = []
        self.keys: dict[str, dict[str, str]] = {}
        self.heads: list[tuple[int, bytes]] = []
        """Every checkpoint that was published: size and root."""
        self.on_crash: Callable[[], object] = _nobody
        """Who hears that the machine stopped by itself."""
        self.log: Log
        self.keeper: SimKeeper
        self._integrating: asyncio.Task[None] | None = None
        self._old: list[Credential] = []
        self._own: list[Credential] = []
        self._pairs = plan.setup.pairs
        self._policies: dict[str, Policy] = {}
        for name in CALLERS:
            own, key = new_key(self.entropy, self.clock, NodeId(name))
            old, old_key = new_key(self.entropy, self.clock, NodeId(name))
            self._own.append(own)
            self._old.append(old)
            self.keys[name] = {"own": key, "old": old_key}

    # -- life and death -----------------------------------------------------------------------

    async def start(self) -> None:
        """The keeper opens the log (recovering it), then the workers accept calls."""
        self.log = Log.open(
            blobs=self.blobs, store=self.store, journals=self.journals, signer=self.signer
        )
        self.keeper = SimKeeper(
            network=self.network,
            clock=self.clock,
            disk=self.disk,
            saved=self._books,
        )
        self.keeper.declare(self._loaded()[0])
        self._integrating = self.loop.create_task(self._integrate())
        for index in range(self.plan.setup.workers):
            await self.start_worker(index)

    async def start_worker(self, index: int) -> None:
        """A new process in a worker's place."""
        self.lives += 1
        worker = SimWorker(self, index, self.lives)
        blueprint, policy = self._loaded()
        credentials = Credentials(self._own + self._old)

        async def begin() -> None:
            gateway = worker.gateway
            path = gateway.prepare(blueprint, policy, credentials, secret=_no_secret)
            gateway.adopt(path)
            worker.member.start()
            await gateway.start(sock=GATEWAY)

        await worker.process.go(begin())
        self.workers[index] = worker
        self.trace.note(self.loop.time(), f"{worker.process.name} serves")

    def kill_worker(self, index: int) -> None:
        """No drain, no goodbye: what it had open is reset, its append under way is torn."""
        worker = self.workers.pop(index)
        self.loop.kill(worker.process)
        self.network.kill(worker.process)
        self.journals.crash(worker.journals.mine)
        worker.killed_at = self.loop.time()
        self.keeper.gone(worker.member)
        self.dead.append(worker)
        self.trace.note(self.loop.time(), f"{worker.process.name} is killed")

    async def drain_worker(self, index: int) -> int:
        """It finishes what it has begun, and ends; returns the calls that were cut off."""
        worker = self.workers.pop(index)
        self.trace.note(self.loop.time(), f"{worker.process.name} drains")
        self.dead.append(worker)
        cut = await worker.process.go(worker.gateway.drain(within_s=DRAIN_S))
        worker.process.run(worker.member.stop)
        # Its last words are on their way; then it is gone.
        await asyncio.sleep(LAST_WORDS_S)
        self.keeper.gone(worker.member)
        self.cut += cut
        return cut

    def crash(self) -> None:
        """The machine stops: every process dies at once."""
        self.stop_integrating()
        self.keeper.die()
        for index in tuple(self.workers):
            self.kill_worker(index)
        self.journals.crash()
        self.disk.crash_at = None

    async def stop(self) -> int:
        """Drain and bring the last records in; returns the calls that had to be cut off."""
        cut = 0
        for index in tuple(self.workers):
            cut += await self.drain_worker(index)
        self.stop_integrating()
        self.integrate()
        return cut

    # -- changes ------------------------------------------------------------------------------

    def reload(self, pairs: tuple[Pair, ...]) -> None:
        """Another blueprint, in force on every worker at once."""
        self._pairs = pairs
        blueprint, policy = self._loaded()
        self.keeper.declare(blueprint)
        credentials = Credentials(self._own + self._old)
        for worker in self.workers.values():
            gateway = worker.gateway
            worker.process.run(
                lambda gateway=gateway: gateway.adopt(
                    gateway.prepare(blueprint, policy, credentials, secret=_no_secret)
                )
            )

    def revoke_old_keys(self) -> None:
        """The second key of every caller is worth nothing from now on."""
        now = self.clock.now()
        self._old = [msgspec.structs.replace(old, revoked=now) for old in self._old]
        credentials = Credentials(self._own + self._old)
        for worker in self.workers.values():
            gateway = worker.gateway
            worker.process.run(lambda gateway=gateway: gateway.replace_credentials(credentials))

    def begin(self, fault: Fault) -> None:
        """A fault of the disk or the clock."""
        if fault.kind == "clock-jump":
            self.clock.jump(fault.amount)
        elif fault.kind == "keeper-crash":
            self.disk.crash_at = self.disk.writes + int(fault.amount)
        else:
            self.disk.begin(fault)

    # -- the keeper ---------------------------------------------------------------------------

    def integrate(self) -> None:
        """Bring records from the journals into the log."""
        self.log.integrate()
        head = (self.log.size, self.log.checkpoint.root)
        if not self.heads or self.heads[-1] != head:
            self.heads.append(head)

    def stop_integrating(self) -> None:
        if self._integrating is not None:
            self._integrating.cancel()

    async def _integrate(self) -> None:
        while True:
            await asyncio.sleep(INTEGRATE_S)
            try:
                self.integrate()
            except WorldError:
                continue  # a disk that fails is asked again
            except CrashError:
                self.crashed()
                return

    def crashed(self) -> None:
        """The keeper's own step ended the machine; it comes up again shortly."""
        self._integrating = None
        self.crash()
        self.on_crash()

    def _on_written(self, name: str, data: bytes) -> None:
        self.trace.note(self.loop.time(), f"{name} {len(data)}")
        self.ledger.written(name, data)

    def _loaded(self) -> tuple[Blueprint, Policy]:
        text = blueprint_text(self.plan.setup, self._pairs)
        policy = policy_text(self.plan.setup)
        blueprint = load(text, source="simulated.yaml", read=lambda _name: policy)
        if blueprint.digest not in self._policies:
            self._policies[blueprint.digest] = Policy.compile(blueprint)
        return blueprint, self._policies[blueprint.digest]


def _nobody() -> None:
    """Nobody listens."""


def _no_secret(reference: SecretReference) -> str:
    raise HoldfastError(f"the simulated world has no secret {reference}")
