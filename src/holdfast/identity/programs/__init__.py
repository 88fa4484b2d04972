"""Programs that use the control API: bearer tokens, each with a role and an end.

Promises: a token is shown once and kept as a digest; it ends by itself; making and revoking one are
changes in the log. Nothing here is a caller of the gateway: those have keys.
"""

from holdfast.identity.programs.errors import ProgramTokenError, ProgramTokenUnknownError
from holdfast.identity.programs.store import PROGRAM_TOKENS_MAX, ProgramTokenStore
from holdfast.identity.programs.tokens import (
    DAYS_MAX,
    TOKEN_LENGTH,
    ProgramToken,
    digest_of,
    new_program_token,
    program_principal,
)

__all__ = [
    "DAYS_MAX",
    "PROGRAM_TOKENS_MAX",
    "TOKEN_LENGTH",
    "ProgramToken",
    "ProgramTokenError",
    "ProgramTokenStore",
    "ProgramTokenUnknownError",
    "digest_of",
    "new_program_token",
    "program_principal",
]
