"""The vendors' roots, pinned by the digests of their keys, as shipped in ``roots.json``."""

from functools import cache
from importlib.resources import files

import msgspec

from holdfast.identity.attestation.claims import EvidenceKind


class VendorRoot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One root: whose it is, what it stands for, and the SHA-256 of its key and certificate."""

    kind: EvidenceKind
    platform: str
    name: str
    key_sha256: str
    certificate_sha256: str
    not_after: str
    published: str


class Roots(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The roots that evidence may lead to. A verifier takes them, so that a test brings its own."""

    roots: tuple[VendorRoot, ...]

    def platforms(self, kind: EvidenceKind) -> dict[str, str]:
        """Key digest to platform, for one kind of evidence."""
        return {root.key_sha256: root.platform for root in self.roots if root.kind == kind}


@cache
def pinned_roots() -> Roots:
    """The roots that this version was released with."""
    data = files("holdfast.identity.attestation").joinpath("roots.json").read_bytes()
    return msgspec.json.decode(data, type=Roots)
