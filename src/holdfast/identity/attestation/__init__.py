"""Attestation: on which hardware, in which state, a workload runs; judged offline.

Promises: Intel TDX, AMD SEV-SNP, AWS Nitro and NVIDIA evidence is verified up to a pinned vendor
root at the time given, without a network; a policy of ours then judges key and nonce, measurements,
debug mode, privilege level and firmware floors; platforms known to be broken are downgraded by
dated rules. Out comes one signed result (EAR), of which a credential carries status and digest.
"""

from holdfast.identity.attestation.appraisal import (
    AppraisalPolicy,
    appraise,
    appraise_one,
    judge_claims,
    read_appraisal_policy,
)
from holdfast.identity.attestation.claims import (
    EVIDENCE_KINDS,
    Binding,
    Claims,
    Evidence,
    EvidenceKind,
)
from holdfast.identity.attestation.collateral import Collateral, TdxCollateral, read_collateral
from holdfast.identity.attestation.ear import (
    AttestationResult,
    Reason,
    Submodule,
    TrustVector,
    issue_ear,
    read_ear,
    short_claim,
)
from holdfast.identity.attestation.errors import (
    AttestationError,
    AttestationExtraError,
    CollateralError,
    EvidenceBindingError,
    EvidenceChainError,
    EvidenceLevelError,
    EvidenceMalformedError,
    EvidenceSignatureError,
)
from holdfast.identity.attestation.known_broken import KNOWN_BROKEN, KnownBroken
from holdfast.identity.attestation.roots import Roots, VendorRoot, pinned_roots
from holdfast.identity.attestation.tdx_verdict import TdxStrictness
from holdfast.identity.attestation.verifying import read_evidence, verify_evidence

__all__ = [
    "EVIDENCE_KINDS",
    "KNOWN_BROKEN",
    "AppraisalPolicy",
    "AttestationError",
    "AttestationExtraError",
    "AttestationResult",
    "Binding",
    "Claims",
    "Collateral",
    "CollateralError",
    "Evidence",
    "EvidenceBindingError",
    "EvidenceChainError",
    "EvidenceKind",
    "EvidenceLevelError",
    "EvidenceMalformedError",
    "EvidenceSignatureError",
    "KnownBroken",
    "Reason",
    "Roots",
    "Submodule",
    "TdxCollateral",
    "TdxStrictness",
    "TrustVector",
    "VendorRoot",
    "appraise",
    "appraise_one",
    "issue_ear",
    "judge_claims",
    "pinned_roots",
    "read_appraisal_policy",
    "read_collateral",
    "read_ear",
    "read_evidence",
    "short_claim",
    "verify_evidence",
]
