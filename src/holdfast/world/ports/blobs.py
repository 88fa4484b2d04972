"""Named objects, written whole: tiles, bundles, checkpoints."""

from collections.abc import Iterable
from typing import Protocol


class Blobs(Protocol):
    """Objects under slash-separated names such as ``tile/0/x001/234``."""

    def put(self, name: str, data: bytes) -> None:
        """Write or replace, atomically and durably: readers see the old object or the new one.

        ``WorldError`` on failure; then the old object is intact.
        """
        ...

    def put_all(self, objects: Iterable[tuple[str, bytes]]) -> None:
        """The same for many, sharing what can be shared; a failure or crash leaves any of them."""
        ...

    def get(self, name: str) -> bytes | None:
        """The object, or None when there is none."""
        ...

    def names(self, prefix: str) -> list[str]:
        """Names that start with ``prefix`` (a folder, ending in a slash), sorted."""
        ...

    def remove(self, name: str) -> None:
        """Delete. Idempotent."""
        ...
