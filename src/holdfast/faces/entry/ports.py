"""What the entrance needs of the rest; the composition root provides it."""

from typing import Protocol

from holdfast.faces.entry.comers import Comer
from holdfast.faces.visitors import Deed
from holdfast.identity.people import Login
from holdfast.identity.programs import ProgramToken


class Access(Protocol):
    """What may be done, by the policy in force now. Does not block."""

    def deeds(self, comer: Comer) -> frozenset[Deed]:
        """Nothing for whoever is revoked, or whose provider is no longer declared."""
        ...


class Providers(Protocol):
    """Where people sign in. ``LoginError`` and the like where that fails."""

    def issuers(self) -> tuple[str, ...]:
        """Those that the blueprint in force names."""
        ...

    async def begin(self, issuer: str, redirect_uri: str) -> Login: ...

    async def finish(self, login: Login, query: str) -> Comer:
        """The person that the provider's answer, the query of the callback, is about."""
        ...


class Programs(Protocol):
    """Tokens of programs."""

    async def find(self, text: str) -> Comer | None:
        """Whose good token this is."""
        ...

    async def list(self) -> tuple[ProgramToken, ...]: ...

    async def make(
        self, name: str, role: str, *, days: int, by: str
    ) -> tuple[ProgramToken, str]: ...

    async def revoke(self, token_id: str, *, by: str) -> ProgramToken: ...


class Chronicler(Protocol):
    """Brings what happened at the entrance into the log."""

    async def note(self, kind: str, *, by: str, subject: str, reason: str = "") -> None:
        """Durable when this returns; a ``HoldfastError`` when it cannot be."""
        ...
