"""What was decided once about a credential and a question, kept while nothing it depended on changes.

Authentication and authorization are pure in the credentials, the blueprint and the policies of a
path, so their answer for the same credential and the same facts is the same for the path's life; a
reload or a revoked key makes a new path, and with it a new, empty memory. Only permissions are kept:
whoever is refused is judged anew each time, and cannot fill the memory.
"""

import msgspec

from holdfast.blueprint import Node, Relationship
from holdfast.gateway.call import Accepted, Allowed, Known
from holdfast.identity import Credential
from holdfast.policy import Decision
from holdfast.providers import Asked

STANDINGS_MAX = 4096
"""Kept per path; when full all are forgotten, which costs 4 us for each that comes again."""


class _Standing(msgspec.Struct, frozen=True, gc=False):
    node: Node
    principal: str
    credential: Credential
    relationship: Relationship
    callee: Node
    decision: Decision


class Standings:
    """Permissions by credential and question."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[bytes | None, str, Asked | None], _Standing] = {}

    def recall(self, accepted: Accepted) -> Allowed | None:
        """What was allowed before, for this call; None when it must be asked."""
        key = (accepted.headers.get(b"authorization"), accepted.endpoint.action, accepted.asked)
        found = self._known.get(key)
        if found is None:
            return None
        known = Known(accepted, found.node, found.principal, found.credential)
        return Allowed(known, found.relationship, found.callee, found.decision)

    def keep(self, allowed: Allowed) -> None:
        """This was allowed."""
        if len(self._known) >= STANDINGS_MAX:
            self._known.clear()
        known = allowed.known
        accepted = known.accepted
        key = (accepted.headers.get(b"authorization"), accepted.endpoint.action, accepted.asked)
        self._known[key] = _Standing(
            *(known.node, known.principal, known.credential),
            *(allowed.relationship, allowed.callee, allowed.decision),
        )
