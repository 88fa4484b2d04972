"""What people may do to the running system by console and API: the same as by command."""

from typing import Protocol

import msgspec

from holdfast.faces.visitors import Visitor
from holdfast.gateway import Question
from holdfast.identity.revocation import Kind


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a deed. ``change`` is the id of its record in the log, None where it leaves none;
    ``said`` tells people."""

    change: str | None
    said: str


class Acting(Protocol):
    """Each writes its record before it takes effect, under the visitor's own name. It does not ask
    whether they may: the gatekeeper did. A ``HoldfastError`` says why it could not be done."""

    def question(self, call: str) -> Question:
        """All that is known of a call that waits, what would be sent included."""
        ...

    async def decide(self, by: Visitor, call: str, *, is_yes: bool, reason: str) -> Done: ...

    async def revoke(self, by: Visitor, kind: Kind, subject: str, *, reason: str) -> Done: ...

    async def lift(self, by: Visitor, revocation: str, *, reason: str) -> Done: ...

    async def restart(self, by: Visitor, *, reason: str) -> Done: ...
