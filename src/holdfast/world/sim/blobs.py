"""Objects in memory, on a disk that can be told to fail."""

from collections.abc import Callable, Iterable

from holdfast.world.ports import WorldError


def _nothing() -> None:
    """No fault: the write goes through."""


class SimBlobs:
    """Objects that outlive whoever wrote them, as files outlive a process.

    ``before_write`` runs before each change takes effect; what it raises happens instead of the
    change: a ``WorldError`` for a disk that says no, anything else for a crash at that point.
    """

    def __init__(
        self, *, capacity: int | None = None, before_write: Callable[[], None] = _nothing
    ) -> None:
        self.capacity = capacity
        self._before_write = before_write
        self._objects: dict[str, bytes] = {}

    def put(self, name: str, data: bytes) -> None:
        _check(name)
        self._before_write()
        used = sum(map(len, self._objects.values())) if self.capacity is not None else 0
        if self.capacity is not None and used + len(data) > self.capacity:
            raise WorldError(f"cannot write {name}: no space left on device", fix="free disk space")
        self._objects[name] = bytes(data)

    def put_all(self, objects: Iterable[tuple[str, bytes]]) -> None:
        for name, data in objects:
            self.put(name, data)

    def get(self, name: str) -> bytes | None:
        _check(name)
        return self._objects.get(name)

    def names(self, prefix: str) -> list[str]:
        if prefix:
            _check(prefix.rstrip("/"))
        folder = prefix.rstrip("/") + "/" if prefix else ""
        return sorted(name for name in self._objects if name.startswith(folder))

    def remove(self, name: str) -> None:
        _check(name)
        self._before_write()
        self._objects.pop(name, None)

    def flip(self, name: str, *, offset: int) -> None:
        """Damage one byte behind everybody's back."""
        damaged = bytearray(self._objects[name])
        damaged[offset] ^= 0x01
        self._objects[name] = bytes(damaged)


def _check(name: str) -> None:
    parts = name.split("/")
    if any(not part or part.startswith(".") for part in parts):
        raise WorldError(f"{name!r} is no object name", fix="use letters, digits, dots and slashes")
