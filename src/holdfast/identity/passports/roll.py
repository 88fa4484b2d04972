"""The passports as a worker holds them: by name, read when first asked for."""

from collections.abc import Iterable, Mapping

import msgspec

from holdfast.identity.errors import IdentityError
from holdfast.identity.passports.passport import Passport, document, read_document
from holdfast.identity.revocation import subjects_of_caller


class Roll:
    """The newest version of every passport, immutable. They were verified by whoever made it."""

    __slots__ = ("_documents", "_read")

    def __init__(self, documents: Mapping[str, bytes] | None = None) -> None:
        self._documents = documents or {}
        self._read: dict[str, Passport] = {}

    @classmethod
    def of(cls, passports: Iterable[Passport]) -> "Roll":
        return cls({passport.sub: document(passport) for passport in passports})

    def find(self, sub: str) -> Passport | None:
        """The passport of a principal, None when it has none."""
        known = self._read.get(sub)
        if known is None and (data := self._documents.get(sub)) is not None:
            known = self._read[sub] = read_document(msgspec.json.decode(data))
        return known

    def __len__(self) -> int:
        return len(self._documents)

    def encode(self) -> bytes:
        """For sending from the keeper to its workers."""
        return msgspec.msgpack.encode(self._documents)

    @classmethod
    def decode(cls, data: bytes) -> "Roll":
        """What ``encode`` made; ``IdentityError`` for anything else."""
        try:
            return cls(msgspec.msgpack.decode(data, type=dict[str, bytes]))
        except msgspec.DecodeError as error:
            raise IdentityError(
                f"cannot read the passports sent by the keeper: {error}",
                fix="restart: keeper and workers must be of one version",
            ) from error


class Passports:
    """Holds the newest roll for whoever reads it at each call."""

    __slots__ = ("current",)

    def __init__(self) -> None:
        self.current = Roll()


def subjects_of_holder(
    principal: str, *, tenant: str, roll: Roll, key: str | None = None
) -> tuple[bytes, ...]:
    """All by which whoever is ``principal`` may be revoked: itself, its tenant, and the build and
    controller of its passport when it has one. An API key dies with any of them.

    Made when a credential is first seen and again when the roll is another; asked at every call.
    """
    passport = roll.find(principal)
    return subjects_of_caller(
        principal,
        tenant=tenant,
        build=None if passport is None else passport.build,
        controller=None if passport is None else passport.controller.name,
        key=key,
    )
