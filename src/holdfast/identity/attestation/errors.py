"""Why a piece of evidence is not believed. One code each, so that a refusal says which step failed."""

from holdfast.identity.errors import TokenError


class AttestationError(TokenError):
    """Evidence of where a workload runs is not believed."""

    code = "identity.evidence-refused"


class EvidenceMalformedError(AttestationError):
    """The evidence, a certificate or the collateral is not what its format says."""

    code = "identity.evidence-malformed"


class EvidenceSignatureError(AttestationError):
    """A signature inside the evidence was not made over these bytes by the key it should be."""

    code = "identity.evidence-signature"


class EvidenceChainError(AttestationError):
    """The certificates do not lead to a pinned vendor root, or are not valid at this time."""

    code = "identity.evidence-chain"


class EvidenceBindingError(AttestationError):
    """A certificate belongs to another chip, another firmware level or another device."""

    code = "identity.evidence-binding"


class EvidenceLevelError(AttestationError):
    """The vendor's own data say that this platform's firmware level is not acceptable."""

    code = "identity.evidence-level"


class CollateralError(AttestationError):
    """The vendor's dated data are missing, not yet valid or expired."""

    code = "identity.collateral-refused"


class AttestationExtraError(AttestationError):
    """Judging this kind of evidence needs a package that is not installed."""

    code = "identity.attestation-extra-missing"
