"""Why a caller is not let in although, or because, its credentials can be read."""

from holdfast.identity.callers.caller import Caller
from holdfast.identity.errors import TokenError


class CredentialsAmbiguousError(TokenError):
    """A request carries two identities, two proofs or two mandates: nobody guesses which counts."""

    code = "identity.ambiguous"


class BearerTokenError(TokenError):
    """A token that names a key was sent without a proof that its sender holds the key."""

    code = "identity.bearer-token"


class CallerRevokedError(TokenError):
    """The caller, its key, its build, its controller or its tenant is revoked."""

    code = "identity.revoked"

    def __init__(self, what: str, *, fix: str, caller: Caller) -> None:
        super().__init__(what, fix=fix)
        self.caller = caller  # it has proven to be it: the record of its refusal names it


class RevocationsUnknownError(TokenError):
    """What is revoked has not been heard for so long that no mandate is believed."""

    code = "identity.revocations-unknown"
