"""What may go wrong with passports."""

from holdfast.identity.errors import IdentityError


class PassportError(IdentityError):
    """A passport cannot be made, read or changed."""

    code = "passport.refused"


class PassportUnknownError(PassportError):
    """Nobody of that name has a passport."""

    code = "passport.unknown"


class PassportExistsError(PassportError):
    """Whoever it is for has a passport already."""

    code = "passport.exists"


class PassportStateError(PassportError):
    """The passport is in a state from which this step does not lead on; revoked is final."""

    code = "passport.state"


class PassportForgedError(PassportError):
    """A stored passport is not signed by this instance's key, or is not the one that was signed."""

    code = "passport.forged"
