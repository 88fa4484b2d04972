"""Witnesses of the log, from the keeper's side: each new checkpoint is offered to all of them.

Rounds: one checkpoint, every witness at once. When enough have cosigned, the checkpoint is kept with
their cosignatures; those that are late have a moment more, and then the newest checkpoint has its
turn. Only the newest waits, so that nothing can pile up; no call waits for a witness.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from holdfast.app import wiring
from holdfast.app.asking import Asker, AskError, Site
from holdfast.app.datadir import DataDir
from holdfast.audit import (
    WITNESSED,
    Answer,
    AuditError,
    Checkpoint,
    LogReader,
    NoteError,
    Signature,
    Submission,
    Verifier,
)
from holdfast.core import HoldfastError
from holdfast.wire import Spawn
from holdfast.world.ports import Blobs, Network, Store, WorldError
from holdfast.world.real import FileBlobs, SocketNetwork

OFFER_S = 1.0
"""At least so long lies between two rounds."""
SUBMIT_S = 10.0
"""How long one witness may take over one checkpoint, corrections included."""
LATE_S = 0.5
"""How long a round waits for further witnesses once enough have cosigned."""
REST_S_MAX = 60.0
"""A witness that fails is left alone for 1 s, then 2 s, at most for this long."""
WITNESSES_MAX = 16
COSIGNATURE_BYTES_MAX = 64 * 1024
KEY_FILE_BYTES_MAX = 64 * 1024

log = structlog.get_logger("holdfast.witnesses")


class WitnessOptionError(HoldfastError):
    """A witness was named in a way that cannot be used."""

    code = "start.witness-invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessOption:
    """A witness as ``--witness URL=VKEY`` names it."""

    site: Site
    keys: tuple[Verifier, ...]

    @property
    def name(self) -> str:
        return self.keys[0].name

    @classmethod
    def parse(cls, text: str) -> "WitnessOption":
        """``URL=VKEY``, or ``URL=@FILE`` with the witness's keys in a file, one a line."""
        url, separator, keys = text.partition("=")
        if not separator:
            raise WitnessOptionError(
                f"--witness {text[:60]} names no key", fix="write URL=VKEY, or URL=@FILE"
            )
        verifiers = tuple(map(Verifier.parse, read_keys(keys).split()))
        if len({each.name for each in verifiers}) != 1 or not all(v.is_timed for v in verifiers):
            raise WitnessOptionError(
                f"--witness {url[:60]}: cosigning keys of one witness are expected",
                fix="take them from `holdfast witness key`",
            )
        return cls(site=Site.parse(url), keys=verifiers)


def read_keys(text: str) -> str:
    """Verifier keys as an option gives them: themselves, or ``@`` and a file that has them."""
    if not text.startswith("@"):
        return text
    try:
        with Path(text[1:]).open("rb") as file:
            return file.read(KEY_FILE_BYTES_MAX).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise WitnessOptionError(f"the keys in {text[1:]} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessPlan:
    """Whom to ask, and how many of them must have cosigned before a checkpoint is kept."""

    options: tuple[WitnessOption, ...] = ()
    quorum: int = 0

    @classmethod
    def parse(cls, texts: Iterable[str], *, quorum: int | None) -> "WitnessPlan":
        """Every ``--witness``, and ``--quorum``: more than half, when it is not named."""
        try:
            options = tuple(map(WitnessOption.parse, texts))
        except NoteError as error:
            raise WitnessOptionError(f"--witness: {error.what}", fix=error.fix) from error
        count = len(options)
        if len({each.name for each in options}) != count or count > WITNESSES_MAX:
            raise WitnessOptionError(f"at most {WITNESSES_MAX} witnesses, each named once")
        wanted = quorum if quorum is not None else count // 2 + 1 if count else 0
        if not min(1, count) <= wanted <= count:
            raise WitnessOptionError(f"a quorum of {wanted} cannot come of {count} witnesses")
        return cls(options=options, quorum=wanted)


NO_WITNESSES = WitnessPlan()


@dataclass(slots=True, kw_only=True, eq=False)
class _Standing:
    """One witness, and how it is getting on."""

    option: WitnessOption
    asker: Asker
    known: int = 0
    trouble: str | None = None
    rest_s: float = 0.0
    rests_until: float = 0.0


@dataclass(slots=True, kw_only=True)
class _Round:
    """One checkpoint's way to its quorum."""

    checkpoint: Checkpoint
    names: set[str] = field(default_factory=set[str])
    signatures: list[Signature] = field(default_factory=list[Signature])
    kept: int = 0
    """How many witnesses had signed what was kept last."""


class Witnesses:
    """Asks ``quorum`` of the witnesses, and more if they are quick, to cosign every checkpoint."""

    def __init__(
        self,
        plan: WitnessPlan,
        *,
        reader: LogReader,
        blobs: Blobs,
        network: Network,
        spawn: Spawn,
    ) -> None:
        self._standings = [
            _Standing(option=each, asker=Asker(each.site, network=network, spawn=spawn))
            for each in plan.options
        ]
        self._quorum = plan.quorum
        self._reader = reader
        self._blobs = blobs
        self._newest: Checkpoint | None = None
        self._turn: _Round | None = None
        self._wanted = asyncio.Event()

    @property
    def quorum(self) -> int:
        """How many must have cosigned a checkpoint before it is kept as witnessed."""
        return self._quorum

    def standings(self) -> tuple[tuple[WitnessOption, str | None], ...]:
        """Who is asked, and why the last answer of each was none, None where there is nothing to
        say."""
        return tuple((each.option, each.trouble) for each in self._standings)

    def offer(self, checkpoint: Checkpoint) -> None:
        """The newest checkpoint: it takes the place of one that still waits."""
        if self._standings:
            self._newest = checkpoint
            self._wanted.set()

    async def serve(self) -> None:
        """Hold rounds, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            assert self._newest is not None
            await self.hold(self._newest)
            await asyncio.sleep(OFFER_S)

    async def hold(self, checkpoint: Checkpoint) -> bool:
        """One round; whether the quorum was met. Every failure is a witness's, and told once."""
        now = asyncio.get_running_loop().time()
        turn = self._turn
        if turn is None or turn.checkpoint is not checkpoint:
            turn = self._turn = _Round(checkpoint=checkpoint)
        owing = [each for each in self._standings if each.option.name not in turn.names]
        awake = [each for each in owing if each.rests_until <= now]
        async with asyncio.TaskGroup() as group:
            pending = {group.create_task(self._ask(each, turn)) for each in awake}
            try:
                await self._gather(pending, turn)
            finally:
                for task in pending:
                    task.cancel()
        if len(turn.names) < len(self._standings):
            self._wanted.set()  # another round follows, with this checkpoint or a newer one
        return len(turn.names) >= self._quorum

    async def _gather(self, pending: set[asyncio.Task[None]], turn: _Round) -> None:
        """Keep the checkpoint once enough have signed, and again when the late ones have."""
        while pending:
            done, _ = await asyncio.wait(
                pending,
                timeout=LATE_S if turn.kept else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            pending -= done
            if len(turn.names) >= self._quorum and (not turn.kept or not pending or not done):
                await self._keep(turn)
            if not done:
                break

    async def _ask(self, witness: _Standing, turn: _Round) -> None:
        submission = Submission(turn.checkpoint, witness.option.keys, known=witness.known)
        try:
            async with asyncio.timeout(SUBMIT_S):
                signatures = await self._submit(witness, submission)
        except (AuditError, AskError, WorldError) as error:
            self._fail(witness, error.what)
            return
        except TimeoutError:
            self._fail(witness, f"it did not answer within {SUBMIT_S:g} s")
            return
        finally:
            witness.known = submission.known
        self._forgive(witness)
        turn.names.add(witness.option.name)
        turn.signatures += signatures

    async def _submit(self, witness: _Standing, submission: Submission) -> tuple[Signature, ...]:
        """At most two requests: ``Submission`` allows the witness one correction."""
        while True:
            body = await asyncio.to_thread(submission.request, self._reader.consistency)
            reply = await witness.asker.post(
                "/add-checkpoint", body, bytes_max=COSIGNATURE_BYTES_MAX
            )
            answer = Answer(status=reply.status, content_type=reply.content_type, body=reply.body)
            signatures = submission.take(answer)
            if signatures:
                return signatures

    async def _keep(self, turn: _Round) -> None:
        """A crash right after leaves this checkpoint kept, or the one before it."""
        if turn.kept == len(turn.names):
            return
        turn.kept = len(turn.names)
        note = turn.checkpoint.with_signatures(turn.signatures).note
        try:
            await asyncio.to_thread(self._blobs.put, WITNESSED, note)
        except WorldError as error:
            log.error("witness.not-kept", reason=error.what)

    def _fail(self, witness: _Standing, why: str) -> None:
        witness.rest_s = min(2 * witness.rest_s or OFFER_S, REST_S_MAX)
        witness.rests_until = asyncio.get_running_loop().time() + witness.rest_s
        if witness.trouble is None:
            log.warning("witness.failed", witness=witness.option.name, reason=why)
        witness.trouble = why

    def _forgive(self, witness: _Standing) -> None:
        if witness.trouble is not None:
            log.info("witness.recovered", witness=witness.option.name)
        witness.trouble, witness.rest_s, witness.rests_until = None, 0.0, 0.0


def make_witnesses(plan: WitnessPlan, data: DataDir, *, store: Store, spawn: Spawn) -> Witnesses:
    """The witnesses of an instance's log."""
    return Witnesses(
        plan,
        reader=wiring.open_reader(data, store=store),
        blobs=FileBlobs(data.log),
        network=SocketNetwork(),
        spawn=spawn,
    )
