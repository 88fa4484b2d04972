"""What may go wrong with a login. No message repeats a code, a token or a secret."""

from holdfast.core import HoldfastError


class LoginError(HoldfastError):
    """A login cannot be begun or finished."""

    code = "login.failed"


class ProviderError(LoginError):
    """An identity provider's own description of itself cannot be used."""

    code = "login.provider-invalid"


class LoginStateError(LoginError):
    """An answer belongs to a login that was not begun here, or not by this browser."""

    code = "login.state"


class LoginIssuerError(LoginError):
    """An answer comes from another provider than the login was begun at, or does not say."""

    code = "login.issuer-mismatch"


class LoginDeniedError(LoginError):
    """The provider refused, or the person did."""

    code = "login.denied"


class LoginNonceError(LoginError):
    """An ID token was made for another login."""

    code = "login.nonce"


class LoginGroupError(LoginError):
    """Whoever logged in is in none of the groups that the blueprint lets in."""

    code = "login.not-a-member"


class SessionEndedError(LoginError):
    """Nobody is logged in here, or no longer."""

    code = "login.none"
