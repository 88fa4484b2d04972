"""Child processes that speak over their standard streams: bytes come by callback, as on sockets."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class ProgramListener(Protocol):
    """Who hears a program. After ``on_exit`` nothing more comes."""

    def on_output(self, data: bytes) -> None:
        """Bytes that it wrote to its standard output."""
        ...

    def on_error_output(self, data: bytes) -> None:
        """Bytes that it wrote to its error output: for people, never evidence."""
        ...

    def on_exit(self, code: int) -> None:
        """It has ended and all it wrote was heard; a signal's number counts negative."""
        ...


class RunningProgram(Protocol):
    """One child process."""

    @property
    def pid(self) -> int: ...

    def write(self, data: bytes) -> None:
        """Queue bytes for its standard input. To one that has ended they are lost."""
        ...

    def pending_bytes(self) -> int:
        """Bytes written that it has not read yet: the caller's bound on them."""
        ...

    async def stop(self, *, within_s: float) -> None:
        """Close its input and wait; then ask its whole process group to end, then end it.

        Each of the first two steps takes half of ``within_s`` at most. Nothing that it started in
        its group outlives this. Idempotent.
        """
        ...


class Programs(Protocol):
    """Starts programs. Failures are ``WorldError``."""

    async def start(
        self,
        listener: ProgramListener,
        *,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: str | None,
    ) -> RunningProgram:
        """Run ``command`` by no shell, in a process group of its own, with ``env`` as its whole
        environment and no open file of ours but its three streams."""
        ...
