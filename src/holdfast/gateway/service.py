"""The gateway of one worker: listens, hands requests to the newest path, swaps paths, drains."""

import asyncio

import msgspec

from holdfast.audit import Recorder
from holdfast.blueprint import Blueprint
from holdfast.core import Salt
from holdfast.gateway.journeys import Journeys
from holdfast.gateway.path import Path, Settings
from holdfast.gateway.upstreams import Secret, build_upstreams
from holdfast.identity import Credentials
from holdfast.policy import Policy
from holdfast.wire import Server, Spawn, WireLimits
from holdfast.world.ports import Address, BoundSocket, Clock, Entropy, Network

SWEEP_S = 0.05
"""How often the deadlines of calls are looked at: their precision."""


class Gateway:
    """One worker's data plane. ``prepare`` builds and checks, ``adopt`` swaps: whole or not."""

    def __init__(
        self,
        *,
        clock: Clock,
        entropy: Entropy,
        network: Network,
        recorder: Recorder,
        spawn: Spawn,
        salt: bytes,
        worker: int = 0,
    ) -> None:
        self._clock = clock
        self._entropy = entropy
        self._network = network
        self._recorder = recorder
        self._spawn = spawn
        self._salt = Salt(salt)
        self._worker = worker
        self.journeys = Journeys(clock)
        recorder.gather_for(self.journeys.count)
        self._path: Path | None = None
        self._server: Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    def prepare(
        self, blueprint: Blueprint, policy: Policy, credentials: Credentials, *, secret: Secret
    ) -> Path:
        """A new path; the one in use is untouched. ``HoldfastError`` when it cannot be built."""
        previous = self._path.settings.upstreams if self._path is not None else {}
        upstreams = build_upstreams(
            blueprint,
            network=self._network,
            spawn=self._spawn,
            secret=secret,
            previous=previous,
        )
        settings = Settings(blueprint, policy, credentials, upstreams, self._salt, self._worker)
        return self._compose(settings)

    def adopt(self, path: Path) -> None:
        """From the next request on, ``path`` answers; calls under way end on the path they began."""
        old, self._path = self._path, path
        if self._server is not None:
            self._server.handler = path
            self._server.limits = _wire_limits(path.settings.blueprint)
        if old is None:
            return
        kept = {id(upstream) for upstream in path.settings.upstreams.values()}
        for upstream in old.settings.upstreams.values():
            if id(upstream) not in kept:
                upstream.pool.close()

    def replace_credentials(self, credentials: Credentials) -> None:
        """Keys were made or revoked: in force from the next request on."""
        assert self._path is not None
        settings = msgspec.structs.replace(self._path.settings, credentials=credentials)
        self.adopt(self._compose(settings))

    async def start(self, *, sock: BoundSocket | Address) -> None:
        """Listen; ``adopt`` must have been called."""
        assert self._path is not None
        limits = _wire_limits(self._path.settings.blueprint)
        self._server = Server(self._path, clock=self._clock, limits=limits)
        await self._server.start(self._network, sock=sock)
        self._on_sweep()

    async def drain(self, *, within_s: float) -> int:
        """Stop accepting, finish what is under way, seal what is left. Returns calls cut off."""
        cut = await self._server.drain(within_s=within_s) if self._server is not None else 0
        if self._sweep is not None:
            self._sweep.cancel()
        if self._path is not None:
            for upstream in self._path.settings.upstreams.values():
                upstream.pool.close()
        await self._recorder.close()
        return cut

    def abort(self) -> None:
        """Stop without drain: every connection is cut, as the end of the process would."""
        if self._sweep is not None:
            self._sweep.cancel()
        if self._server is not None:
            self._server.abort()
        for journey in tuple(self.journeys.in_flight.values()):
            self.journeys.forget(journey)

    def _compose(self, settings: Settings) -> Path:
        return Path(
            settings,
            clock=self._clock,
            entropy=self._entropy,
            recorder=self._recorder,
            journeys=self.journeys,
        )

    def _on_sweep(self) -> None:
        self.journeys.sweep()
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._on_sweep)


def _wire_limits(blueprint: Blueprint) -> WireLimits:
    """A body may be as large as the most generous relationship allows, and no larger."""
    allowed = [r.limits.request_bytes for r in blueprint.connections().values()]
    return WireLimits(body_bytes=max(allowed, default=WireLimits().body_bytes))
