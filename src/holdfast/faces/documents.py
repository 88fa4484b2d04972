"""The documents that others verify our credentials with."""

from typing import Protocol


class IssuerDocuments(Protocol):
    """Read-only, and public: no secret is in them. Methods block and are used from a thread."""

    def jwks(self) -> bytes:
        """The JWK set of mandates and exchanged tokens (RFC 7517)."""
        ...

    def bundle(self) -> bytes:
        """The SPIFFE bundle of workload identities."""
        ...
