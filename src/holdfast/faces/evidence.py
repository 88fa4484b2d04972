"""Questions to the log, from an event loop: in a thread, few at a time, each with a deadline."""

from collections.abc import Callable
from typing import TypeVar

from holdfast.audit import (
    Checkpoint,
    Entry,
    LogReader,
    Proof,
    UnknownEntryError,
    decode_entry,
)
from holdfast.faces.errors import CallUnknownError, LogSlowError, ProofPendingError
from holdfast.faces.questions import READ_S, Questions
from holdfast.faces.view import SystemView

T = TypeVar("T")


class Evidence:
    """What the log says, without blocking the loop that asks."""

    def __init__(self, view: SystemView, *, read_s: float = READ_S) -> None:
        self._questions = Questions(view.log, late=_late, read_s=read_s)

    async def checkpoint(self) -> Checkpoint:
        """The newest published checkpoint."""
        return await self.ask(LogReader.checkpoint)

    async def head(self) -> tuple[Checkpoint, int | None]:
        """The newest checkpoint, and the instant of the newest record under it."""
        return await self.ask(_head)

    async def find(self, call: str) -> tuple[Entry, ...]:
        """The entries of a call, at least one."""
        entries = await self.ask(lambda reader: reader.find(call))
        if not entries:
            raise CallUnknownError(
                f"there is no record of a call '{call[:64]}'",
                fix="take the id from the x-request-id of an answer, or from GET /api/calls",
            )
        return entries

    async def prove(self, call: str) -> tuple[tuple[tuple[Entry, Proof], ...], int]:
        """Each entry of a call with its proof, and how many more wait for a checkpoint."""
        entries = await self.find(call)
        indices = [entry.index for entry in entries if entry.index is not None]
        if not indices:
            raise ProofPendingError(
                f"the record of call '{call[:64]}' is durable, but not under a checkpoint yet",
                fix="ask again in a second",
            )
        proven = await self.ask(lambda reader: tuple(_proven(reader, i) for i in indices))
        return proven, len(entries) - len(indices)

    async def proof(self, index: int) -> Proof:
        """The proof that entry ``index`` is under the newest checkpoint."""
        return await self.ask(lambda reader: reader.prove(index))

    async def entry(self, index: int) -> Entry:
        """One entry, checked against the newest checkpoint."""
        return await self.ask(lambda reader: reader.entry(index))

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the log of ``new`` entries continues that of ``old``."""
        return await self.ask(lambda reader: _consistent(reader, old, new))

    async def ask(self, question: Callable[[LogReader], T]) -> T:
        """The answer to any question; what it raises is passed on."""
        return await self._questions.ask(question)


def _late(read_s: float) -> LogSlowError:
    return LogSlowError(
        f"the log was not read within {read_s:g} s", fix="ask again; look at the disk"
    )


def _head(reader: LogReader) -> tuple[Checkpoint, int | None]:
    checkpoint = reader.checkpoint()
    newest = reader.recent(1)
    return checkpoint, decode_entry(newest[0].data).at if newest else None


def _consistent(reader: LogReader, old: int, new: int) -> tuple[bytes, ...]:
    size = reader.checkpoint().size
    if not old <= new <= size:
        raise UnknownEntryError(
            f"the log has {size} entries: it cannot show that {new} continue {old}",
            fix=f"ask for old <= new <= {size}",
        )
    return reader.consistency(old, new)


def _proven(reader: LogReader, index: int) -> tuple[Entry, Proof]:
    return reader.entry(index), reader.prove(index)
