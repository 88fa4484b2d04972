"""Journals in memory: appends take virtual time, disks fill up, a crash tears the last write."""

import asyncio
from collections.abc import Callable, Collection

from holdfast.world.ports import Entropy, WorldError
from holdfast.world.sim.disk import SimDisk, refused


def _nothing() -> None:
    """No fault: the append goes through."""


def _unseen(name: str, data: bytes) -> None:
    """Nobody watches what is written."""


class SimJournals:
    """Journals that outlive whoever wrote them, as files outlive a process.

    An append takes between ``delay_s[0]`` and ``delay_s[1]`` seconds of the running loop's time,
    drawn from ``entropy``. Past ``capacity`` bytes in all, appends fail and leave the prefix that
    fitted. ``before_write`` runs before each change takes effect; what it raises happens instead.
    ``disk`` may refuse and tear appends; ``written`` is called with all that came to lie on it.
    """

    def __init__(
        self,
        entropy: Entropy,
        *,
        delay_s: tuple[float, float] = (0.0005, 0.004),
        capacity: int | None = None,
        before_write: Callable[[], None] = _nothing,
        disk: SimDisk | None = None,
        written: Callable[[str, bytes], None] = _unseen,
    ) -> None:
        self.capacity = capacity
        self.disk = disk
        self._written = written
        self.delay_s = delay_s
        self._entropy = entropy
        self._before_write = before_write
        self._files: dict[str, bytearray] = {}
        self._writers: list[SimJournalWriter] = []

    def create(self, name: str) -> "SimJournalWriter":
        _check(name)
        if name in self._files:
            raise WorldError(f"cannot make the journal {name}: it exists", fix="use another name")
        self._before_write()
        self._files[name] = bytearray()
        writer = SimJournalWriter(self, name)
        self._writers.append(writer)
        return writer

    def names(self) -> list[str]:
        return sorted(self._files)

    def read(self, name: str, *, start: int, limit: int) -> bytes:
        _check(name)
        if name not in self._files:
            raise WorldError(f"cannot read the journal {name}: there is none", fix="check the name")
        return bytes(self._files[name][start : start + limit])

    def remove(self, name: str) -> None:
        _check(name)
        self._before_write()
        self._files.pop(name, None)

    def crash(self, names: Collection[str] | None = None) -> None:
        """The machine, or the process that wrote the journals of these ``names``, stops.

        Of each append under way a drawn prefix, or nothing, is kept. Writers from before the crash
        are dead: their appends never return.
        """
        for writer in tuple(self._writers):
            if names is not None and writer.name not in names:
                continue
            self._writers.remove(writer)
            torn = writer.crash(self._entropy.jitter())
            if writer.name in self._files:
                self._keep(writer.name, torn)

    def flip(self, name: str, *, offset: int) -> None:
        """Damage one byte behind everybody's back."""
        self._files[name][offset] ^= 0x01

    def truncate(self, name: str, *, size: int) -> None:
        """Lose the end of a journal behind everybody's back."""
        del self._files[name][size:]

    def delay(self) -> float:
        shortest, longest = self.delay_s
        more = self.disk.delay_s if self.disk is not None else 0.0
        return more + shortest + (longest - shortest) * self._entropy.jitter()

    def write(self, name: str, data: bytes) -> None:
        self._before_write()
        if name not in self._files:
            return  # removed while it was open, as a file may be: the bytes go nowhere
        kept = self.disk.kept() if self.disk is not None else None
        if kept is not None:
            self._keep(name, data[: round(len(data) * kept)])
            raise refused(f"the append to the journal {name}")
        room = len(data)
        if self.capacity is not None:
            room = max(0, self.capacity - sum(map(len, self._files.values())))
        self._keep(name, data[:room])
        if room < len(data):
            raise WorldError(
                f"cannot append to the journal {name}: no space left on device",
                fix="free disk space, or move the data directory to a larger disk",
            )

    def _keep(self, name: str, data: bytes) -> None:
        self._files[name] += data
        self._written(name, data)


class SimJournalWriter:
    """Made by ``SimJournals.create``."""

    def __init__(self, journals: SimJournals, name: str) -> None:
        self._journals = journals
        self.name = name
        self._under_way: bytes | None = None
        self._is_dead = False
        self._is_closed = False

    async def append(self, data: bytes) -> None:
        if self._is_closed:
            raise WorldError(f"the journal {self.name} is closed", fix="open a new one")
        if self._under_way is not None:
            raise WorldError("two appends at once", fix="wait for the first")
        self._under_way = data
        await asyncio.sleep(self._journals.delay())
        if self._is_dead:
            await asyncio.get_running_loop().create_future()
        self._under_way = None
        self._journals.write(self.name, data)

    def close(self) -> None:
        self._is_closed = True

    def crash(self, kept: float) -> bytes:
        """Half of all crashes lose the whole append, the others keep part of it, torn anywhere."""
        self._is_dead = True
        share = max(0.0, kept * 2 - 1)
        under_way = self._under_way or b""
        return under_way[: int(len(under_way) * share)]


def _check(name: str) -> None:
    allowed = "abcdefghijklmnopqrstuvwxyz0123456789.-"
    if not name or name[0] in ".-" or any(character not in allowed for character in name):
        raise WorldError(f"{name!r} is no journal name", fix="use a-z, 0-9, dots and dashes")
