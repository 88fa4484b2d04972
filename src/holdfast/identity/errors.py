"""What may go wrong with identities."""

from holdfast.core import HoldfastError


class IdentityError(HoldfastError):
    """A credential cannot be added, found or revoked."""

    code = "identity.failed"


class UnknownCredentialError(IdentityError):
    """No credential has that id."""

    code = "identity.credential-unknown"
