"""How far something long has come, told to whoever waits for it."""

from typing import Protocol


class Progress(Protocol):
    """Called now and then with what is done, and of how much: 0 where nobody knows."""

    def __call__(self, done: int, total: int, /) -> None: ...


def untold(done: int, total: int, /) -> None:
    """Nobody waits."""
