"""Who looks at the console or asks the API, and what they may do there."""

from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec
from starlette.requests import HTTPConnection

from holdfast.faces.errors import NotAllowedError, SignInNeededError

_SCOPE_KEY = "holdfast.visitor"

Way: TypeAlias = Literal["nobody", "link", "provider", "program"]
"""How somebody came in: not at all, by a one-time link of this machine, at an identity provider, or
as a program with a token."""


class Deed(StrEnum):
    """What somebody may want to do here; policy says who may."""

    VIEW = "view"
    OPERATE = "operate"
    APPROVE = "approve"
    ADMINISTER = "administer"
    INGEST = "ingest"


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """``principal`` is None for somebody who has not signed in. ``can`` is what policy lets them do,
    ``groups`` those that their provider says they are in; ``csrf`` goes into every form, empty for
    whoever has no session."""

    principal: str | None = None
    name: str = ""
    groups: tuple[str, ...] = ()
    can: frozenset[Deed] = frozenset()
    csrf: str = ""
    way: Way = "nobody"

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


def require(connection: HTTPConnection, deed: Deed) -> Visitor:
    """Whoever makes this request, who may do this; an error where they may not."""
    visitor = visitor_of(connection)
    check(visitor, deed)
    return visitor


def check(visitor: Visitor, deed: Deed) -> None:
    """``SignInNeededError`` for nobody, ``NotAllowedError`` for somebody who may not."""
    if visitor.may(deed):
        return
    if visitor.principal is None:
        raise SignInNeededError(
            "sign in first",
            fix="open a link of 'holdfast console', or send Authorization: Bearer TOKEN",
        )
    raise NotAllowedError(
        f"{visitor.name or visitor.principal} may not {deed} here",
        fix="ask whoever keeps `console.roles` in the blueprint",
    )
