"""Marks that are made once: what one process has marked, no other of the machine marks again."""

from typing import Protocol


class Marks(Protocol):
    """A set of digests, shared by the processes of one instance, that forgets by generations."""

    def mark(self, digest: bytes, generation: int) -> bool:
        """Mark 32 bytes; False when they are marked already, by whichever process, in this
        generation or a neighbouring one. Of two that mark the same at the same moment, at most one
        hears True. ``WorldError`` when it could not be kept: then it is not marked."""
        ...
