"""What the way back asks of the record: it comes first, and the answer after it."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from holdfast.audit import RecordedEvent
from holdfast.core import HoldfastError, Salt
from holdfast.gateway.call import Answered, Refused, Routed
from holdfast.gateway.journeys import Journey

Done: TypeAlias = Callable[[HoldfastError | None], None]
"""Hears None when the record is durable, or why it is not."""


class Recording(Protocol):
    """The last stage, as those see it who deliver answers."""

    @property
    def salt(self) -> Salt:
        """Keeps digests of prompts and answers mute without it."""
        ...

    def opened(
        self, routed: Routed, journey: Journey, done: Done, *, event: RecordedEvent = "opened"
    ) -> None:
        """A stream is about to begin (durable before its first byte leaves), or something that may
        change the world is about to be asked for (``intent``: durable before it is sent)."""
        ...

    def answered(
        self, answered: Answered, journey: Journey, *, event: RecordedEvent, done: Done
    ) -> None:
        """The whole call (``event`` is ``call``), or the end of a stream (``closed``)."""
        ...

    def refused(self, refused: Refused, journey: Journey, done: Done) -> None:
        """A refusal is a record like any other."""
        ...

    def forget(self, journey: Journey) -> None:
        """A call whose record cannot be written is over all the same."""
        ...
