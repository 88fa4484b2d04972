"""What names stand for, as a question of its own: who asks can judge the answer before connecting."""

from typing import Protocol


class Names(Protocol):
    """The resolver. Failures are ``OSError``."""

    async def addresses(self, name: str) -> tuple[str, ...]:
        """Every address of a host name, preferred first; at least one.

        There is no deadline inside: the caller holds one around it.
        """
        ...
