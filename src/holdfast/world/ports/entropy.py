"""Chance, in two streams: secrets that nobody may guess, and jitter that nobody must trust."""

from typing import Protocol


class Entropy(Protocol):
    """Two streams, so that drawing jitter never spends or reveals secret randomness."""

    def secret(self, size: int) -> bytes:
        """``size`` bytes fit for keys and salts."""
        ...

    def jitter(self) -> float:
        """A number in [0, 1), for spreading load; cheap, not secret."""
        ...

    def noise(self, size: int) -> bytes:
        """``size`` bytes fit for identifiers that must not collide; cheap, not secret."""
        ...
