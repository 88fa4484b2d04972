"""The revocations in force, immutable, for the path of a call."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from holdfast.core import Instant
from holdfast.identity.revocation.subjects import Kind, subject


class Held(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One revocation in force: what a refusal can say of it. ``reason`` stays with the keeper."""

    id: str
    kind: Kind
    name: str
    at: Instant


class RevocationSet:
    """Everything that is revoked now. Building one costs its size; asking it does not.

    Several revocations may hold one subject: it is free when all of them are lifted. A set never
    changes, so whoever found a chain free in it need not ask the same set again: comparing the set
    by ``is`` costs 0.03 us, asking it 0.2 to 0.3 us for the twelve subjects of three principals.
    """

    __slots__ = ("_by_id", "_by_subject", "_subjects")

    def __init__(self, held: Iterable[Held] = ()) -> None:
        self._by_id: Mapping[str, Held] = {each.id: each for each in held}
        self._by_subject = {subject(e.kind, e.name): e for e in self._by_id.values()}
        self._subjects = self._by_subject.keys()

    def find(self, subjects: Collection[bytes]) -> Held | None:
        """The revocation that hits the first of ``subjects`` that any hits; None: all are free."""
        known = self._by_subject
        if not known or self._subjects.isdisjoint(subjects):
            return None
        return next((known[each] for each in subjects if each in known), None)

    def changed(self, *, more: Iterable[Held] = (), less: Iterable[str] = ()) -> "RevocationSet":
        """Another set, with some more and without those ids."""
        by_id = dict(self._by_id)
        for each in more:
            by_id[each.id] = each
        for name in less:
            by_id.pop(name, None)
        return RevocationSet(by_id.values())

    def all(self) -> tuple[Held, ...]:
        """Every revocation in force, by id."""
        return tuple(self._by_id[name] for name in sorted(self._by_id))

    def __len__(self) -> int:
        return len(self._by_id)
