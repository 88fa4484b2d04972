"""The principal that a person is: ``user:<issuer-hash>:<sub>``.

The hash, 128 bits of SHA-256 over the issuer's identifier, keeps two providers' people apart whatever
their subjects look like; it has a fixed length, so that the rest is the subject and nothing else.
"""

from hashlib import sha256
from urllib.parse import quote

from holdfast.identity.errors import TokenClaimsError
from holdfast.identity.jose import b64url

SUBJECT_LENGTH_MAX = 255
"""Characters of a subject after escaping (OpenID Connect Core, section 2: 255 before)."""
_HASH_BYTES = 16
_VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")


def person_principal(issuer: str, subject: str) -> str:
    """Whatever is not visible ASCII, and ``%``, is escaped: no two subjects become one."""
    escaped = quote(subject, safe=_VISIBLE, errors="strict") if subject.isprintable() else ""
    if not 0 < len(escaped) <= SUBJECT_LENGTH_MAX:
        raise TokenClaimsError("a person's subject is empty, unprintable or too long")
    return f"user:{b64url(sha256(issuer.encode()).digest()[:_HASH_BYTES])}:{escaped}"
