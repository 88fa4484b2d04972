"""Callers: whom a request's credentials name, proven to have sent this very request.

Promises: one request names one caller; who shows two identities is refused rather than guessed; a
mandate is believed only from the holder it was given to; whatever is revoked is revoked at the next
request, also where something was remembered. Nothing here reads a clock or a socket.
"""

from holdfast.identity.callers.caller import Caller, caller_by_key
from holdfast.identity.callers.errors import (
    BearerTokenError,
    CallerRevokedError,
    CredentialsAmbiguousError,
    RevocationsUnknownError,
)
from holdfast.identity.callers.identifying import Callers, Shown
from holdfast.identity.callers.remembered import WITS_KEPT_MAX

__all__ = [
    "WITS_KEPT_MAX",
    "BearerTokenError",
    "Caller",
    "CallerRevokedError",
    "Callers",
    "CredentialsAmbiguousError",
    "RevocationsUnknownError",
    "Shown",
    "caller_by_key",
]
