"""Which deed each path asks for. What no row names asks for the most: deny by default. Pure."""

import re
from typing import Literal, TypeAlias

from holdfast.faces.visitors import Deed

Needed: TypeAlias = Deed | Literal["nothing", "to be known"]
"""``nothing``: open to everybody. ``to be known``: whoever has signed in, whatever they may do."""

SAFE = ("GET", "HEAD")
HEALTH = ("/healthz", "/readyz")
OPEN = re.compile(
    r"/healthz|/readyz|/favicon\.ico|/static/.*"
    r"|/sign-in|/sign-in/begin|/sign-in/callback"
    # For those who verify without us: the log as C2SP tiles, issuer's documents, the status list.
    r"|/log/checkpoint|/log/tile/.*|/log/witnessed|/log/witnessed/(checkpoint|tile/.*)"
    r"|/\.well-known/[a-z.-]+|/api/status-list"
)
_READ: tuple[tuple[re.Pattern[str], Needed], ...] = (
    # What would be sent: for those who decide about it.
    (re.compile(r"/api/approvals/.+"), Deed.APPROVE),
    (re.compile(r"/api/console/me"), "to be known"),
    (re.compile(r"/api/console/.*"), Deed.ADMINISTER),
)
_CHANGED: tuple[tuple[re.Pattern[str], Needed], ...] = (
    (re.compile(r"/sign-in"), "nothing"),
    (re.compile(r"/sign-out"), "to be known"),
    (re.compile(r"/api/approvals/.+|/approvals/.+"), Deed.APPROVE),
    (re.compile(r"/api/revocations(/.+)?|/acts/(revoke|lift)"), Deed.OPERATE),
    (re.compile(r"/api/restart|/acts/restart"), Deed.OPERATE),
    (re.compile(r"/v1/traces"), Deed.INGEST),
)


def needed(method: str, path: str) -> Needed:
    """What somebody must be allowed to do, to ask for this."""
    if method in SAFE:
        if OPEN.fullmatch(path):
            return "nothing"
        return _found(_READ, path) or Deed.VIEW
    return _found(_CHANGED, path) or Deed.ADMINISTER


def is_named(path: str) -> bool:
    """Whether some row speaks of changes at this path: for the test that none was forgotten."""
    return _found(_CHANGED, path) is not None or path.startswith("/api/console/")


def _found(rows: tuple[tuple[re.Pattern[str], Needed], ...], path: str) -> Needed | None:
    return next((deed for pattern, deed in rows if pattern.fullmatch(path)), None)
