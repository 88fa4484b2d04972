"""Why a mandate is not believed, or does not reach. Each is a refusal's stable code."""

from holdfast.identity.errors import TokenError


class MandateError(TokenError):
    """A mandate is not believed."""

    code = "identity.mandate-refused"


class MandateAuthorityError(MandateError):
    """The authority in a mandate cannot be read: unknown members, paths that read two ways."""

    code = "identity.mandate-authority"


class MandateWiderError(MandateError):
    """A link allows something that its parent does not."""

    code = "identity.mandate-wider"


class MandateOutlivesError(MandateError):
    """A link ends after its parent, or a root lives longer than roots may."""

    code = "identity.mandate-outlives"


class MandateDepthError(MandateError):
    """A link's depth is not one less than its parent's, or nothing is left to delegate by."""

    code = "identity.mandate-depth"


class MandateParentError(MandateError):
    """A link was made under another parent than the one it is sent with."""

    code = "identity.mandate-parent"


class MandateRevokedError(MandateError):
    """The mandate, an ancestor of it, or somebody or something in its chain is revoked."""

    code = "identity.mandate-revoked"


class MandateHolderError(MandateError):
    """Whoever sent the mandate is not the one it was given to."""

    code = "identity.mandate-holder"


class MandateBuildError(MandateError):
    """The holder runs another build than the one the mandate was given to."""

    code = "identity.mandate-build"


class MandateAttestationError(MandateError):
    """The holder's risk tier wants an attestation in force, and there is none."""

    code = "identity.mandate-attestation"


class MandateEmptyError(MandateError):
    """Nothing of what was asked for is within what may be given."""

    code = "identity.mandate-empty"


class ExchangeTargetError(MandateError):
    """A mandate was to be exchanged for a token to somebody it has no authority for."""

    code = "identity.exchange-target"
