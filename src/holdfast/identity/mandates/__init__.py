"""Mandates: the authority a principal holds now, delegable, never wider than its parent's.

Promises: what is verified was signed at every hop by the key that its parent confirms, and is
within its parent; time and revocation count at every use, whatever is remembered; what is made
here is the meet of what is asked for and of what is held. Everything is pure and offline.
"""

from holdfast.identity.mandates.delegating import delegate
from holdfast.identity.mandates.errors import (
    ExchangeTargetError,
    MandateAttestationError,
    MandateAuthorityError,
    MandateBuildError,
    MandateDepthError,
    MandateEmptyError,
    MandateError,
    MandateHolderError,
    MandateOutlivesError,
    MandateParentError,
    MandateRevokedError,
    MandateWiderError,
)
from holdfast.identity.mandates.exchanging import (
    ACCESS_TOKEN,
    TOKEN_EXCHANGE,
    Exchanged,
    Sender,
    Wanted,
    exchange,
)
from holdfast.identity.mandates.granting import (
    Holder,
    MandateIssuer,
    Terms,
    grant_by_consent,
    grant_to_service,
)
from holdfast.identity.mandates.mandate import Hop, Mandate, Payer
from holdfast.identity.mandates.tokens import CHAIN_BYTES_MAX, DEPTH_MAX, LIFETIME_S_MAX
from holdfast.identity.mandates.verifying import MandateVerifier, Revoked, check_holder

__all__ = [
    "ACCESS_TOKEN",
    "CHAIN_BYTES_MAX",
    "DEPTH_MAX",
    "LIFETIME_S_MAX",
    "TOKEN_EXCHANGE",
    "ExchangeTargetError",
    "Exchanged",
    "Holder",
    "Hop",
    "Mandate",
    "MandateAttestationError",
    "MandateAuthorityError",
    "MandateBuildError",
    "MandateDepthError",
    "MandateEmptyError",
    "MandateError",
    "MandateHolderError",
    "MandateIssuer",
    "MandateOutlivesError",
    "MandateParentError",
    "MandateRevokedError",
    "MandateVerifier",
    "MandateWiderError",
    "Payer",
    "Revoked",
    "Sender",
    "Terms",
    "Wanted",
    "check_holder",
    "delegate",
    "exchange",
    "grant_by_consent",
    "grant_to_service",
]
