"""The gateway of one worker: listens, hands requests to the newest path, swaps paths, drains."""

import asyncio
from collections.abc import Callable

import msgspec

from holdfast.audit import Recorder
from holdfast.blueprint import Blueprint
from holdfast.core import CallId, NodeId, Salt
from holdfast.gateway.approving import Approvals, Question, Verdict
from holdfast.gateway.groups import Group, build_groups
from holdfast.gateway.health import HealthCheck, start_checks
from holdfast.gateway.identities import Identities
from holdfast.gateway.journeys import Journeys
from holdfast.gateway.mcp.catalogue import Catalogue
from holdfast.gateway.mcp.metadata import Resource
from holdfast.gateway.mcp.sealing import Seal
from holdfast.gateway.mcp.shared import Cancelled, OnCancelled, Shared
from holdfast.gateway.news import News, OnNews, keep_to_oneself
from holdfast.gateway.path import Path, Settings
from holdfast.gateway.paying import NoBudgets
from holdfast.gateway.places import Place
from holdfast.gateway.seen import NodeSeen, UpstreamSeen
from holdfast.gateway.tolls import TollBook
from holdfast.gateway.upstreams import Makings, Secret, build_upstreams
from holdfast.gateway.watching import node_seen, upstreams_seen
from holdfast.identity import Credentials
from holdfast.identity.passports import Passports
from holdfast.identity.revocation import Revocations
from holdfast.policy import Policy
from holdfast.registry import PinBoard, Pins
from holdfast.resilience import Spending
from holdfast.wire import Header, Server, Spawn, WireLimits
from holdfast.world.ports import (
    Address,
    BoundSocket,
    Clock,
    Entropy,
    ListenTls,
    Marks,
    Network,
    Programs,
)

SWEEP_S = 0.05
"""How often the deadlines of calls are looked at: their precision."""
SEAL_BYTES = 32


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
        salts: Callable[[str], bytes],
        worker: int = 0,
        workers: int = 1,
        spending: Spending | None = None,
        programs: Programs | None = None,
        pins: PinBoard | None = None,
        seal: bytes | None = None,
        hosts: frozenset[str] = frozenset(),
        resource: Resource | None = None,
        revocations: Revocations | None = None,
        passports: Passports | None = None,
        session_root: bytes | None = None,
        marks: Marks | None = None,
    ) -> None:
        self._clock = clock
        self._entropy = entropy
        self._network = network
        self._programs = programs
        self._recorder = recorder
        self._spawn = spawn
        self._salts = salts
        self._worker = worker
        self._workers = workers
        self._spending = spending or NoBudgets()
        self.identities = Identities(
            clock,
            session_root=session_root or entropy.secret(SEAL_BYTES),
            revocations=revocations,
            passports=passports,
            marks=marks,
        )
        self._checks: list[HealthCheck] = []
        self.journeys = Journeys(clock)
        self._approvals = Approvals(clock)
        self.on_news: OnNews = keep_to_oneself
        self._mcp = Shared(
            catalogue=Catalogue(pins or PinBoard(), spawn=spawn, entropy=entropy),
            # Whatever is sealed by one worker, the others must open: it is theirs together.
            seal=Seal(seal or entropy.secret(SEAL_BYTES), clock=clock, entropy=entropy),
            resource=resource or Resource(),
            hosts=hosts,
        )
        recorder.gather_for(self.journeys.count)
        self._path: Path | None = None
        self._server: Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._standing: tuple[Header, ...] = ()

    def prepare(
        self,
        blueprint: Blueprint,
        policy: Policy,
        credentials: Credentials,
        *,
        secret: Secret,
        folder: str | None = None,
    ) -> Path:
        """A new path; the one in use is untouched. ``folder`` is the blueprint's, where its
        programs run. ``HoldfastError`` when it cannot be built."""
        old = self._path.settings if self._path is not None else None
        makings = Makings(
            network=self._network,
            clock=self._clock,
            spawn=self._spawn,
            secret=secret,
            programs=self._programs,
            folder=folder,
        )
        upstreams = build_upstreams(
            blueprint, makings, previous=old.upstreams if old is not None else {}
        )
        groups = build_groups(
            blueprint,
            upstreams,
            clock=self._clock,
            entropy=self._entropy,
            previous=old.groups if old is not None else {},
        )
        tolls = TollBook(
            blueprint,
            workers=self._workers,
            previous=old.tolls.bulkheads if old is not None else {},
        )
        # Answers kept under the old blueprint are not answers of the new one.
        settings = Settings(
            blueprint=blueprint,
            policy=policy,
            credentials=credentials,
            upstreams=upstreams,
            groups=groups,
            tolls=tolls,
            caches={},
            salt=Salt(self._salts(blueprint.tenant)),
            worker=self._worker,
        )
        return self._compose(settings)

    def adopt(self, path: Path) -> None:
        """From the next request on, ``path`` answers; calls under way end on the path they began."""
        old, self._path = self._path, path
        self._approvals.go_on = path.go_on
        if self._server is not None:
            self._server.handler = path
            self._server.limits = _wire_limits(path.settings.blueprint)
        self._check_health(path)
        self._mcp.catalogue.tend(path.settings.groups)
        if old is None:
            return
        kept = {id(upstream) for upstream in path.settings.upstreams.values()}
        for upstream in old.settings.upstreams.values():
            if id(upstream) not in kept:
                upstream.close()

    def replace_credentials(self, credentials: Credentials) -> None:
        """Keys were made or revoked: in force from the next request on."""
        assert self._path is not None
        settings = msgspec.structs.replace(self._path.settings, credentials=credentials)
        self.adopt(self._compose(settings))

    def stand_by(self, fields: tuple[Header, ...]) -> None:
        """Header fields that every answer bears from now on, refusals too."""
        self._standing = fields
        if self._server is not None:
            self._server.standing = fields

    def replace_pins(self, pins: Pins) -> None:
        """Something was approved, changed or taken back: in force from the next request on."""
        self._mcp.catalogue.adopt(pins)

    def watch_cancels(self, on_cancelled: OnCancelled) -> None:
        """``on_cancelled`` hears of requests that were taken back and are not under way here."""
        self._mcp.cancels.on_elsewhere = on_cancelled

    def hear_cancelled(self, cancelled: Cancelled) -> None:
        """A client took a request back that this worker may carry."""
        self._mcp.cancels.hear(cancelled)

    def watch_approvals(
        self, *, on_asked: Callable[[Question], None], on_over: Callable[[CallId], None]
    ) -> None:
        """``on_asked`` hears of calls that wait for a person, ``on_over`` of those that wait no
        more though nobody decided."""
        self._approvals.on_asked, self._approvals.on_over = on_asked, on_over

    def hear_verdict(self, verdict: Verdict) -> None:
        """Somebody decided about a call that waits here."""
        self._approvals.hear(verdict)

    def hear(self, news: News) -> None:
        """Another worker has learnt this; it is not told on."""
        group = self._groups().get(NodeId(news.node))
        if group is not None:
            group.hear(news, self._clock.monotonic())

    def seen_nodes(self) -> list[NodeSeen]:
        """Every called node as a watcher sees it."""
        return [node_seen(group) for group in self._groups().values()]

    def seen_upstreams(self) -> list[UpstreamSeen]:
        """Every upstream as a watcher sees it."""
        now = self._clock.monotonic()
        return [seen for group in self._groups().values() for seen in upstreams_seen(group, now)]

    def _groups(self) -> dict[NodeId, Group]:
        return self._path.settings.groups if self._path is not None else {}

    def _check_health(self, path: Path) -> None:
        places = {id(p): p for group in path.settings.groups.values() for p in group.places}
        if [id(check.place) for check in self._checks] == [
            key for key, place in places.items() if place.node.health is not None
        ]:
            return
        for check in self._checks:
            check.stop()
        self._checks = start_checks(places.values(), entropy=self._entropy, tell=self._tell_health)

    def _tell(self, news: News) -> None:
        self.on_news(news)

    def _tell_health(self, place: Place) -> None:
        kind = "down" if place.down else "up"
        for group in self._groups().values():
            if place in group.places:
                self.on_news(News(group.node.id, place.node.id, kind, 0.0))

    async def start(self, *, sock: BoundSocket | Address, tls: ListenTls | None = None) -> None:
        """Listen; ``adopt`` must have been called."""
        assert self._path is not None
        limits = _wire_limits(self._path.settings.blueprint)
        self._server = Server(self._path, clock=self._clock, limits=limits)
        self._server.standing = self._standing
        await self._server.start(self._network, sock=sock, tls=tls)
        self._on_sweep()

    def renew_tls(self) -> None:
        """Read the listener's TLS files again; ``OSError`` when they cannot be used."""
        if self._server is not None:
            self._server.renew_tls()

    def hasten(self, *, within_s: float) -> None:
        """End a drain that is under way sooner."""
        self._approvals.interrupt()
        if self._server is not None:
            self._server.hasten(within_s=within_s)

    async def drain(self, *, within_s: float, patient: bool = False) -> int:
        """Stop accepting, finish what is under way, seal what is left. Returns calls cut off.

        ``patient``: callers' idle connections are left to their next request or their idle time.
        """
        server = self._server
        self._mcp.listeners.end()
        if not patient:
            self._approvals.interrupt()
        cut = await server.drain(within_s=within_s, patient=patient) if server is not None else 0
        self._stop_timers()
        if self._path is not None:
            for upstream in self._path.settings.upstreams.values():
                upstream.close()
        await self._recorder.close()
        return cut

    def abort(self) -> None:
        """Stop without drain: every connection is cut, as the end of the process would."""
        self._stop_timers()
        if self._server is not None:
            self._server.abort()
        for journey in tuple(self.journeys.in_flight.values()):
            self.journeys.forget(journey)

    def _stop_timers(self) -> None:
        self._mcp.catalogue.stop()
        if self._sweep is not None:
            self._sweep.cancel()
        for check in self._checks:
            check.stop()

    def _compose(self, settings: Settings) -> Path:
        return Path(
            settings,
            clock=self._clock,
            entropy=self._entropy,
            recorder=self._recorder,
            journeys=self.journeys,
            spending=self._spending,
            on_news=self._tell,
            shared=self._mcp,
            identities=self.identities,
            approvals=self._approvals,
        )

    def _on_sweep(self) -> None:
        # Set first: whatever goes wrong below, later deadlines are looked at.
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._on_sweep)
        self.journeys.sweep()
        for group in self._groups().values():
            # Time alone may have brought an upstream back.
            if len(group.queue):
                group.pump()


def _wire_limits(blueprint: Blueprint) -> WireLimits:
    """A body may be as large as the most generous relationship allows, and no larger."""
    allowed = [r.limits.request_bytes for r in blueprint.connections().values()]
    return WireLimits(body_bytes=max(allowed, default=WireLimits().body_bytes))
