"""X.509-SVIDs, for identity by mutual TLS.

Promises: a certificate is believed only under an authority of the trust domain that it names,
with exactly one SPIFFE ID in it, and only while it is good.
"""

from holdfast.identity.x509.svid import (
    AUTHORITY_LIFETIME_S,
    SVID_LIFETIME_S_MAX,
    X509Svid,
    certificate_bytes,
    found_authority,
    issue_x509_svid,
    verify_x509_svid,
)

__all__ = [
    "AUTHORITY_LIFETIME_S",
    "SVID_LIFETIME_S_MAX",
    "X509Svid",
    "certificate_bytes",
    "found_authority",
    "issue_x509_svid",
    "verify_x509_svid",
]
