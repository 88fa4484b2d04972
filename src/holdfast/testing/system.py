"""Holdfast whole, in a simulated world: gateway, recorder, log; it can be killed and come back."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final, Protocol

from holdfast.audit import Log, LogSigner, Recorder
from holdfast.blueprint import Blueprint, SecretReference, load
from holdfast.core import NodeId
from holdfast.gateway import Gateway
from holdfast.identity import Credential, Credentials, new_key
from holdfast.policy import Policy
from holdfast.world.ports import Address, Clock, Journals, JournalWriter, WorldError
from holdfast.world.sim import (
    NetworkFaults,
    SimBlobs,
    SimClock,
    SimEntropy,
    SimJournals,
    SimLoop,
    SimNetwork,
    SimStore,
)

GATEWAY: Final = Address(host="gateway", port=80)
UPSTREAM: Final = Address(host="127.0.0.1", port=9000)
INTEGRATE_S: Final = 0.1
BLUEPRINT: Final = """\
holdfast: 1
name: simulated
description: Two services and two models; each service may ask one of them.
nodes:
  desk: {type: service, description: Asks the reviewer.}
  till: {type: service, description: Asks the counter.}
  reviewer:
    type: ai:llm
    description: Reviews.
    controls: {upstream: {url: "http://127.0.0.1:9000/v1", model: reviewer}}
  counter:
    type: ai:llm
    description: Counts, under another name at its upstream.
    controls: {upstream: {url: "http://127.0.0.1:9000/v1", model: counter-large}}
relationships:
  - {id: desk-asks, connects: [desk, reviewer], protocol: HTTP, description: Asks.,
     controls: {timeouts: {first_byte_s: 3, idle_s: 3, total_s: 20}}}
  - {id: till-asks, connects: [till, counter], protocol: HTTP, description: Asks.,
     controls: {timeouts: {first_byte_s: 3, idle_s: 3, total_s: 20}}}
"""


class MakeRecorder(Protocol):
    """Makes the recorder of one process: ``Recorder`` itself, or a test's lying child of it."""

    def __call__(self, journals: Journals, clock: Clock, *, worker: int) -> Recorder: ...


class MortalJournals:
    """The journals as one process sees them: after its death nothing of it can write any more."""

    def __init__(self, journals: SimJournals) -> None:
        self._journals = journals
        self.is_dead = False

    def create(self, name: str) -> JournalWriter:
        if self.is_dead:
            raise WorldError("this process is dead")
        return self._journals.create(name)

    def names(self) -> list[str]:
        return self._journals.names()

    def read(self, name: str, *, start: int, limit: int) -> bytes:
        return self._journals.read(name, start=start, limit=limit)

    def remove(self, name: str) -> None:
        self._journals.remove(name)


class SimSystem:
    """One instance. ``start`` brings it up, ``kill`` takes it down as kill -9 does."""

    def __init__(
        self,
        loop: SimLoop,
        seed: int,
        *,
        spawn: Callable[[Coroutine[None, None, None]], object],
        faults: NetworkFaults,
        recorder: "MakeRecorder",
    ) -> None:
        self._make_recorder = recorder
        self.clock = SimClock(loop)
        self.entropy = SimEntropy(seed)
        self.network = SimNetwork(loop, faults=faults)
        self.journals = SimJournals(SimEntropy(seed + 1))
        self.blobs = SimBlobs()
        self.store = SimStore()
        self.signer = LogSigner.from_seed("sim.holdfast.local/log", self.entropy.secret(32))
        self.salt = self.entropy.secret(32)
        self.keys: dict[str, str] = {}
        self._credentials: list[Credential] = []
        self._spawn = spawn
        self.blueprint: Blueprint = load(BLUEPRINT, source="simulated.yaml", read=_no_files)
        self.gateway: Gateway
        self.log: Log
        self._mortal: MortalJournals
        self._integrating: asyncio.Task[None] | None = None
        for node in ("desk", "till"):
            credential, key = new_key(self.entropy, self.clock, NodeId(node))
            self._credentials.append(credential)
            self.keys[node] = key

    async def start(self) -> None:
        """Open the log (recovering it), then accept calls."""
        self.log = Log.open(
            blobs=self.blobs, store=self.store, journals=self.journals, signer=self.signer
        )
        self._mortal = MortalJournals(self.journals)
        self.gateway = Gateway(
            clock=self.clock,
            entropy=self.entropy,
            network=self.network,
            recorder=self._make_recorder(self._mortal, self.clock, worker=0),
            spawn=self._spawn,
            salt=self.salt,
        )
        self.gateway.adopt(
            self.gateway.prepare(
                self.blueprint,
                Policy.compile(self.blueprint),
                Credentials(self._credentials),
                secret=_no_secret,
            )
        )
        await self.gateway.start(sock=GATEWAY)
        self._integrating = asyncio.get_running_loop().create_task(self._integrate())

    def kill(self) -> None:
        """No drain, no goodbye: connections reset, appends under way torn."""
        self._stop_integrating()
        self._mortal.is_dead = True
        self.journals.crash()
        self.gateway.abort()

    async def stop(self) -> int:
        """Drain and bring the last records in; returns the calls that had to be cut off."""
        cut = await self.gateway.drain(within_s=30)
        self._stop_integrating()
        self.log.integrate()
        return cut

    def _stop_integrating(self) -> None:
        if self._integrating is not None:
            self._integrating.cancel()

    async def _integrate(self) -> None:
        while True:
            await asyncio.sleep(INTEGRATE_S)
            self.log.integrate()


def _no_files(name: str) -> str:
    raise FileNotFoundError(name)


def _no_secret(reference: SecretReference) -> str:
    raise WorldError(f"the simulated world has no secret {reference}")
