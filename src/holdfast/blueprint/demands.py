"""What a relationship demands of whoever calls over it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

ProofKind: TypeAlias = Literal["key", "mtls", "wpt", "signature", "dpop", "session"]
"""How a caller proves who it is: ``key`` is a bearer's, whoever holds it; the others show that the
caller holds a private key without giving it away."""
Attested: TypeAlias = Literal["none", "warning", "affirming"]
"""The least that evidence of a caller's platform must have been judged (EAR status, AR4SI)."""

PROOFS: tuple[ProofKind, ...] = ("key", "mtls", "wpt", "signature", "dpop", "session")
ATTESTED_ORDER: tuple[Attested, ...] = ("none", "warning", "affirming")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """``proofs`` that are accepted, whether authority must come by a ``mandate``, and what the
    caller's platform must be ``attested`` to be."""

    proofs: tuple[ProofKind, ...] = PROOFS
    mandate: bool = False
    attested: Attested = "none"
