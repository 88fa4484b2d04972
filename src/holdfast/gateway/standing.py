"""What was decided once about a credential and a question, kept while nothing it depended on changes.

Authentication and authorization are pure in the credentials, the blueprint and the policies of a
path, so their answer for the same credential and the same facts is the same for the path's life; a
reload or a revoked key makes a new path, and with it a new, empty memory. Only permissions are kept:
whoever is refused is judged anew each time, and cannot fill the memory.
"""

import msgspec

from holdfast.blueprint import Node, Relationship
from holdfast.gateway.call import Accepted, Allowed, Known
from holdfast.gateway.identities import IDENTITY_FIELDS, Identities
from holdfast.identity.callers import Caller
from holdfast.policy import Decision
from holdfast.providers import Asked

STANDINGS_MAX = 4096
"""Kept per path; when full all are forgotten, which costs 4 us for each that comes again."""


class _Standing(msgspec.Struct, frozen=True, gc=False):
    node: Node
    caller: Caller
    relationship: Relationship
    callee: Node
    decision: Decision


class Standings:
    """Permissions by credential and question."""

    __slots__ = ("_identities", "_known", "_roll")

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._roll = identities.passports.current
        self._known: dict[tuple[bytes | None, str, Asked | None], _Standing] = {}

    def recall(self, accepted: Accepted) -> Allowed | None:
        """What was allowed before, for this call; None when it must be asked."""
        if self._roll is not self._identities.passports.current:
            self._roll = self._identities.passports.current
            self._known.clear()
        key = (accepted.headers.get(b"authorization"), accepted.endpoint.action, accepted.asked)
        found = self._known.get(key)
        if found is None:
            return None
        caller = found.caller
        if not IDENTITY_FIELDS.isdisjoint(accepted.headers) or self._identities.is_revoked(caller):
            return None
        known = Known(accepted, found.node, caller)
        return Allowed(known, found.relationship, found.callee, found.decision)

    def keep(self, allowed: Allowed) -> None:
        """This was allowed. Who proves itself anew each time is known anew each time."""
        if allowed.known.caller.proof != "key":
            return
        if len(self._known) >= STANDINGS_MAX:
            self._known.clear()
        known = allowed.known
        accepted = known.accepted
        key = (accepted.headers.get(b"authorization"), accepted.endpoint.action, accepted.asked)
        self._known[key] = _Standing(
            *(known.node, known.caller),
            *(allowed.relationship, allowed.callee, allowed.decision),
        )
