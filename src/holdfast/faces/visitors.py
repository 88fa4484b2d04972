"""Who looks at the console or asks the API, and what they may do there."""

from enum import StrEnum

import msgspec
from starlette.requests import HTTPConnection

_SCOPE_KEY = "holdfast.visitor"


class Deed(StrEnum):
    """What somebody may want to do here; policy says who may."""

    VIEW = "view"
    OPERATE = "operate"
    APPROVE = "approve"
    ADMINISTER = "administer"


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """``principal`` is None for somebody who has not signed in. ``can`` is what policy lets them do,
    ``groups`` those that their provider says they are in; ``csrf`` goes into every form, empty for
    whoever has no session."""

    principal: str | None = None
    name: str = ""
    groups: tuple[str, ...] = ()
    can: frozenset[Deed] = frozenset()
    csrf: str = ""

    def may(self, deed: Deed) -> bool:
        return deed in self.can


NOBODY = Visitor()


def visitor_of(connection: HTTPConnection) -> Visitor:
    """Whoever makes this request, as the gatekeeper found it; nobody where none has looked."""
    found = connection.scope.get(_SCOPE_KEY)
    return found if isinstance(found, Visitor) else NOBODY


def set_visitor(connection: HTTPConnection, visitor: Visitor) -> None:
    """The gatekeeper's word, for the rest of the request."""
    connection.scope[_SCOPE_KEY] = visitor
