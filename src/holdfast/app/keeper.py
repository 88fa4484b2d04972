"""The keeper: the one process a person starts. Starts workers, keeps the log, shows the console.

It carries no calls. When it dies its workers drain; when a worker dies it is replaced; when the
blueprint changes every worker takes the new one, or none does.
"""

import asyncio

import msgspec
import structlog

from holdfast.app import wiring
from holdfast.app.channel import CheckpointNews, Prepare
from holdfast.app.control import Reply, Request
from holdfast.app.datadir import DataDir, DataDirError
from holdfast.app.declared import remember_declared
from holdfast.app.files import Loaded, load_blueprint
from holdfast.app.handles import FleetError
from holdfast.app.historian import Historian
from holdfast.app.listening import try_tls
from holdfast.app.monitor import Monitor
from holdfast.app.options import Options
from holdfast.app.outlets import Outlets
from holdfast.app.painter import painted
from holdfast.app.porter import Porter
from holdfast.app.sockets import StartError
from holdfast.app.staff import Staff
from holdfast.app.watched import looks_of_blueprint, looks_of_tls
from holdfast.app.workers import Fleet
from holdfast.audit import Checkpoint, Log, field_value
from holdfast.core import HoldfastError, Instant, rfc3339
from holdfast.faces import ObjectivesView
from holdfast.gateway import Question
from holdfast.identity import CredentialStore
from holdfast.world.ports import Store
from holdfast.world.real import SystemEntropy

INTEGRATE_S = 1.0
ANNOUNCE_S = 0.25
ALARMS_S = 5.0
WATCH_S = 0.5
DRAIN_S = 10.0
FINISH_S = 300.0
"""What a replaced worker may take beyond the longest call: idle connections, bodies under way."""

log = structlog.get_logger("holdfast.keeper")


class Keeper:
    """One running instance. ``porter`` takes its place before anybody can ask."""

    porter: Porter
    objectives: ObjectivesView | None = None

    def __init__(
        self,
        options: Options,
        *,
        loaded: Loaded,
        data: DataDir,
        store: Store,
        audit_log: Log,
        fleet: Fleet,
        monitor: Monitor,
        staff: Staff,
        outlets: Outlets,
        historian: Historian,
    ) -> None:
        self.options = options
        self.monitor = monitor
        remember_declared(data, loaded)
        self.stopping = asyncio.Event()
        self._loaded = loaded
        self._data = data
        self._credentials = CredentialStore(store)
        self._log = audit_log
        self._fleet = fleet
        self.staff = staff
        self.outlets = outlets
        self.historian = historian
        self._started_with = b""
        self._generation = 0
        self._notes_told = 0
        self._reloading = asyncio.Lock()
        self._signature = looks_of_blueprint(options.blueprint, loaded)

    @property
    def loaded(self) -> Loaded:
        """What is in force."""
        return self._loaded

    async def start(self) -> None:
        """Bring every worker up on the blueprint that was loaded."""
        self.tell_recovery()
        await self.historian.open()
        self.staff.budgets.adopt(self._loaded.blueprint)
        first = self._order(self._loaded)
        self._started_with = first.credentials
        await self._fleet.start(first)
        self.staff.witnesses.offer(self._log.checkpoint)

    async def catch_up(self) -> None:
        """Keys that were made between the start and the instance's being known, by a command that
        saw no instance to tell."""
        if self._credentials.active().encode() != self._started_with:
            await self._adopt_credentials()

    async def _adopt_credentials(self) -> int:
        count = await self._fleet.replace_credentials(self._credentials.active().encode())
        log.info("credentials.adopted", workers=count)
        return count

    async def answer(self, request: Request) -> Reply:
        """The control socket's requests."""
        match request.operation:
            case "credentials":
                return Reply(workers=await self._adopt_credentials())
            case "revocations":
                return Reply(workers=await self.staff.herald.adopt())
            case "tools":
                return Reply(workers=await self.staff.curator.adopt())
            case "restart":
                return await self.restart()
            case "live":
                return Reply(live=painted(self.monitor, self.outlets.tally, self.objectives))
            case "approvals" | "approval" | "decide":
                return await self._about_approvals(request)
            case "console-link" | "console-sessions" | "console-end":
                return await self.porter.answer(request)
            case unknown:
                return Reply(problem=f"unknown operation '{unknown[:50]}'")

    async def _about_approvals(self, request: Request) -> Reply:
        desk = self.staff.approvals
        if request.decision is not None:
            left = await desk.decide(request.decision)
            self.monitor.note()
            return Reply(left=left)
        if request.call is not None:
            return _told((desk.question(request.call),))
        return _told(desk.questions())

    async def restart(self) -> Reply:
        """A fresh worker in every place; no call is cut off for it. ``FleetError`` says why not."""
        blueprint = self._loaded.blueprint
        longest = max((r.timeouts.total_s for r in blueprint.connections().values()), default=0.0)
        # Twice: a call that is under way, and the one that its connection asks next.
        count = await self._fleet.restart(within_s=2 * longest + FINISH_S)
        leaving = len(self._fleet.leaving)
        log.info("restart.done", workers=count, leaving=leaving)
        return Reply(workers=count, leaving=leaving)

    async def restart_on_signal(self) -> None:
        """SIGUSR2: nobody waits for an answer, so the log has it."""
        try:
            await self.restart()
        except FleetError as error:
            log.error("restart.refused", reason=str(error))

    async def reload(self) -> None:
        """Load the blueprint anew; on any problem the old one stays in force."""
        async with self._reloading:
            try:
                loaded = await asyncio.to_thread(self._load)
                if (loaded.blueprint.digest, loaded.signed_by) == (
                    self._loaded.blueprint.digest,
                    self._loaded.signed_by,
                ):
                    return
                self.staff.budgets.prepare(loaded.blueprint)
                await self._fleet.adopt(self._order(loaded))
            except HoldfastError as error:
                self.staff.budgets.adopt(self._loaded.blueprint)
                log.error(
                    "reload.refused", reason=str(error), in_force=self._loaded.blueprint.digest
                )
                name = self._loaded.blueprint.name
                self.historian.note("blueprint.refused", subject=name, text=str(error))
                return
            self._loaded = loaded
            self.staff.budgets.adopt(loaded.blueprint)
            self.monitor.adopt(loaded.blueprint)
            log.info("reload.adopted", blueprint=loaded.blueprint.digest)
            adopted = loaded.blueprint
            self.historian.note("blueprint.adopted", subject=adopted.name, text=adopted.digest)
            try:
                remember_declared(self._data, loaded)
            except DataDirError as error:
                # Commands that name a node go by the old list until the next reload; calls do not.
                log.error("nodes.not-remembered", reason=str(error))

    def _load(self) -> Loaded:
        return load_blueprint(self.options.blueprint, trust=self.options.trust)

    async def watch(self) -> None:
        """Reload when the blueprint or a file it names has changed and settled."""
        certificate = looks_of_tls(self.options.tls)
        while True:
            await asyncio.sleep(WATCH_S)
            seen = await asyncio.to_thread(looks_of_tls, self.options.tls)
            if seen != certificate:
                certificate = seen
                self._renew_tls()
            signature = await asyncio.to_thread(
                looks_of_blueprint, self.options.blueprint, self._loaded
            )
            if signature != self._signature:
                self._signature = signature
                await self.reload()
                self._signature = looks_of_blueprint(self.options.blueprint, self._loaded)

    def _renew_tls(self) -> None:
        """The certificate was replaced: for connections to come, if it can be used."""
        assert self.options.tls is not None
        try:
            try_tls(self.options.tls)
        except StartError as error:
            log.error("tls.not-renewed", reason=str(error))
        else:
            self._fleet.renew_tls()
            log.info("tls.renewed")

    async def integrate(self) -> None:
        """Bring records from the journals into the log, for ever."""
        while True:
            await asyncio.sleep(INTEGRATE_S)
            await self.integrate_once()

    async def watch_alarms(self) -> None:
        """Look for calls that were begun and have no outcome, for ever."""
        while True:
            await asyncio.sleep(ALARMS_S)
            try:
                found = await asyncio.to_thread(self.monitor.look_for_alarms)
            except HoldfastError as error:
                log.error("alarms.unknown", reason=str(error))
                continue
            before, self.monitor.alarms = self.monitor.alarms, found
            if len(found) > len(before):
                log.error("alarms.raised", open=len(found), oldest=rfc3339(Instant(found[0].at)))

    async def announce(self) -> None:
        """Let watchers look for changes, for ever."""
        while True:
            await asyncio.sleep(ANNOUNCE_S)
            await self.monitor.announce()

    async def integrate_once(self) -> None:
        try:
            checkpoint = await asyncio.to_thread(self._log.integrate)
        except HoldfastError as error:
            if self.monitor.log_trouble is None:
                log.error("log.stuck", reason=str(error))
            self.monitor.log_trouble = str(error)
        else:
            if self.monitor.log_trouble is not None:
                log.info("log.recovered")
            self.monitor.log_trouble = None
            if checkpoint is not None:
                self._publish(checkpoint)
        self.historian.wake()
        self.tell_recovery()

    def _publish(self, checkpoint: Checkpoint) -> None:
        """Every answer names it, and the witnesses are asked to cosign it."""
        self._fleet.announce(CheckpointNews(field_value(checkpoint)))
        self.staff.witnesses.offer(checkpoint)

    def mended(self) -> tuple[str, ...]:
        """What was mended or dropped in the log since the start."""
        return self._log.recovery

    def tell_recovery(self) -> None:
        """Say what was mended or dropped in the log, once each."""
        for note in self._log.recovery[self._notes_told :]:
            log.warning("log.mended", note=note)
        self._notes_told = len(self._log.recovery)

    async def stop(self) -> None:
        """Drain the workers, then bring their last records into the log."""
        log.info("keeper.stopping", drain_s=DRAIN_S)
        cut = await self._fleet.drain(within_s=DRAIN_S)
        # What the last calls did not spend: a crash before this has it count as spent.
        await self.staff.budgets.flush()
        await self.staff.herald.close()
        await self.integrate_once()
        await self.historian.finish()
        await asyncio.to_thread(self.outlets.close)
        if self.outlets.otlp is not None:
            await self.outlets.otlp.close()
        await self.monitor.close()
        log.info("keeper.stopped", calls_cut_off=cut, log_size=self._log.size)

    def _order(self, loaded: Loaded) -> Prepare:
        self._generation += 1
        # Made before any worker asks for it, so that all take the same.
        wiring.digest_salt(self._data, loaded.blueprint.tenant, SystemEntropy())
        return Prepare(
            self._generation,
            loaded.source,
            loaded.text,
            loaded.files,
            self._credentials.active().encode(),
            loaded.signed_by is not None,
        )


def _told(questions: tuple[Question, ...]) -> Reply:
    return Reply(questions=tuple(msgspec.Raw(msgspec.json.encode(each)) for each in questions))
