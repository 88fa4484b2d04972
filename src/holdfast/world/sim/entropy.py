"""Replayable randomness."""

import random


class SimEntropy:
    """Both streams from one seed, kept apart so that drawing from one leaves the other alone."""

    __slots__ = ("_noise", "_secret")

    def __init__(self, seed: int) -> None:
        self._secret = random.Random(f"secret {seed}")  # noqa: S311 - replayable by intent
        self._noise = random.Random(f"noise {seed}")  # noqa: S311 - replayable by intent

    def secret(self, size: int) -> bytes:
        return self._secret.randbytes(size)

    def jitter(self) -> float:
        return self._noise.random()

    def noise(self, size: int) -> bytes:
        return self._noise.randbytes(size)
