"""How the log is kept: by which keys, watched by whom, and what was mended in it."""

from typing import Protocol

import msgspec


class WitnessSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One witness that is asked to cosign. ``keys`` are its verifier keys; ``trouble`` says why its
    last answer was none, None when there was one or it was not asked yet."""

    name: str
    url: str
    keys: tuple[str, ...]
    trouble: str | None = None


class Custody(Protocol):
    """What a reader of the log is told beside the log. Methods do not block."""

    def keys(self) -> tuple[str, ...]:
        """The log's verifier keys, Ed25519 first."""
        ...

    def witnesses(self) -> tuple[tuple[WitnessSeen, ...], int]:
        """Who is asked to cosign each checkpoint, and how many of them must."""
        ...

    def mended(self) -> tuple[str, ...]:
        """What was mended or dropped in the log since the start, one sentence each."""
        ...
