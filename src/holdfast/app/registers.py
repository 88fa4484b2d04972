"""The database's passports and revocations, in the form that faces read."""

from holdfast.identity import SigningKey
from holdfast.identity.passports import Passport, PassportStore, Status
from holdfast.identity.revocation import (
    INVALID,
    SUSPENDED,
    VALID,
    Revocation,
    RevocationStore,
    StatusList,
    sign_status_list,
)
from holdfast.world.ports import Clock, Store

STATUS_LIST_STEP = 1_024
"""The list grows in steps, so that its size tells little of how many agents there are."""
STATUS_TTL_S = 15
STATUS_LIVES_S = 300

_STATUSES: dict[Status, int] = {"active": VALID, "revoked": INVALID, "suspended": SUSPENDED}


class StoredRegisters:
    """A ``faces.Registers`` on the instance's database."""

    def __init__(self, store: Store, *, key: SigningKey, clock: Clock, uri: str) -> None:
        self._passports = PassportStore(store, public=key.public)
        self._revocations = RevocationStore(store)
        self._key = key
        self._clock = clock
        self._uri = uri

    def passports(self) -> tuple[Passport, ...]:
        return tuple(kept.passport for kept in self._passports.list())

    def revocations(self) -> tuple[Revocation, ...]:
        return self._revocations.list()

    def status_list(self) -> str:
        statuses = {each.place: _STATUSES[each.status] for each in self.passports()}
        size = (len(statuses) // STATUS_LIST_STEP + 1) * STATUS_LIST_STEP
        return sign_status_list(
            StatusList.of(statuses, size=size),
            uri=self._uri,
            key=self._key,
            now=self._clock.now(),
            ttl_s=STATUS_TTL_S,
            lives_s=STATUS_LIVES_S,
        )
