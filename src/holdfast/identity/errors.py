"""What may go wrong with identities.

Two families: ``IdentityError`` is about what operators keep (keys, files, documents);
``TokenError`` is about what a caller sent and why it is not believed. Each has a stable code, so
that a gateway can refuse by the rule of the same code. No message repeats a token.
"""

from holdfast.core import HoldfastError


class IdentityError(HoldfastError):
    """A credential cannot be added, found or revoked."""

    code = "identity.failed"


class UnknownCredentialError(IdentityError):
    """No credential has that id."""

    code = "identity.credential-unknown"


class TokenError(HoldfastError):
    """Something a caller sent to prove who it is or what it may do is not believed."""

    code = "identity.token-refused"


class KeyRefusedError(TokenError):
    """A key is of a kind, size or form that is not used here."""

    code = "identity.key-refused"


class TokenMalformedError(TokenError):
    """The bytes are not what the format says: size, parts, base64url, JSON, repeated members."""

    code = "identity.token-malformed"


class TokenTypeError(TokenError):
    """The token is of another type than the place where it was sent wants."""

    code = "identity.token-type"


class TokenSignatureError(TokenError):
    """The signature was not made over these bytes by the key that ought to have made it."""

    code = "identity.token-signature"


class TokenClaimsError(TokenError):
    """A claim is missing, has another form, or is one that must not stand there."""

    code = "identity.token-claims"


class TokenExpiredError(TokenError):
    """The token was good until a time that has passed."""

    code = "identity.token-expired"


class TokenEarlyError(TokenError):
    """The token is good only from a time that has not come."""

    code = "identity.token-early"


class TokenAudienceError(TokenError):
    """The token was made for somebody else."""

    code = "identity.token-audience"


class TokenIssuerError(TokenError):
    """No trust bundle has the issuer, trust domain or key that the token names."""

    code = "identity.token-issuer"


class CertificateRefusedError(TokenError):
    """A certificate or its chain is not an X.509-SVID of a trust domain that is trusted."""

    code = "identity.certificate-refused"


class ProofMissingError(TokenError):
    """A credential came without proof that its holder sent this request."""

    code = "identity.proof-missing"


class ProofMismatchError(TokenError):
    """A proof is about another request, another credential or another key."""

    code = "identity.proof-mismatch"


class ProofStaleError(TokenError):
    """A proof is older, or further ahead, than the window in which proofs are accepted."""

    code = "identity.proof-stale"


class ProofReplayedError(TokenError):
    """A proof was used before."""

    code = "identity.proof-replayed"


class ProofOverloadError(TokenError):
    """More proofs came within the window than can be remembered; none is taken on trust."""

    code = "identity.proof-overload"


class SessionUnknownError(TokenError):
    """No session of that name is open: it ended, or it was opened elsewhere."""

    code = "identity.session-unknown"
