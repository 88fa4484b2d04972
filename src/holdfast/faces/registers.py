"""The window through which faces see who may act: passports and revocations."""

from typing import Protocol

from holdfast.identity.passports import Passport
from holdfast.identity.revocation import Revocation


class Registers(Protocol):
    """Read-only. Methods block on the database and are used from a thread."""

    def passports(self) -> tuple[Passport, ...]:
        """The newest version of each, verified, by name."""
        ...

    def revocations(self) -> tuple[Revocation, ...]:
        """What is revoked now, newest first."""
        ...

    def status_list(self) -> str:
        """The signed Token Status List over all passports."""
        ...
