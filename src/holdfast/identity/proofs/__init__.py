"""Proofs of possession: that the holder of a key sent this request, now and only now.

Promises: a proof is about one request (method, address, body, credentials), is accepted within a
minute and once, and never from a key other than the credential names. What cannot be remembered is
refused. Nothing here reads a clock or a socket.
"""

from holdfast.identity.proofs.dpop import DPOP_TYP, make_dpop, verify_dpop
from holdfast.identity.proofs.proof import (
    MANDATE_FIELD,
    PROOF_WINDOW_S,
    WHOLE,
    WIT_FIELD,
    Kind,
    Part,
    Proof,
    Request,
    sent_token,
    token_hash,
)
from holdfast.identity.proofs.replay import REPLAY_ENTRIES_MAX, ReplayCache
from holdfast.identity.proofs.sessions import (
    SESSION_LIFETIME_S_MAX,
    SESSIONS_MAX,
    Bound,
    Grant,
    Sessions,
    open_grant,
    sign_by_session,
)

__all__ = [
    "DPOP_TYP",
    "MANDATE_FIELD",
    "PROOF_WINDOW_S",
    "REPLAY_ENTRIES_MAX",
    "SESSIONS_MAX",
    "SESSION_LIFETIME_S_MAX",
    "WHOLE",
    "WIT_FIELD",
    "Bound",
    "Grant",
    "Kind",
    "Part",
    "Proof",
    "ReplayCache",
    "Request",
    "Sessions",
    "make_dpop",
    "open_grant",
    "sent_token",
    "sign_by_session",
    "token_hash",
    "verify_dpop",
]
