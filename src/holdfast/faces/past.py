"""Questions to the history, from an event loop."""

from collections.abc import Callable
from typing import TypeVar

from holdfast.faces.errors import HistorySlowError
from holdfast.faces.questions import READ_S, Questions
from holdfast.history import History

T = TypeVar("T")


class Past:
    """What the history says, without blocking the loop that asks."""

    def __init__(self, history: History, *, read_s: float = READ_S) -> None:
        self._questions = Questions(lambda: history, late=_late, read_s=read_s)

    async def ask(self, question: Callable[[History], T]) -> T:
        """The answer to any question (``past.ask(lambda history: history.call(id))``); what it
        raises is passed on."""
        return await self._questions.ask(question)


def _late(read_s: float) -> HistorySlowError:
    return HistorySlowError(
        f"the history was not read within {read_s:g} s", fix="ask for less; look at the disk"
    )
