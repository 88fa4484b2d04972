"""What may be wrong with an authority that somebody wrote."""

from holdfast.identity.errors import IdentityError


class AuthorityError(IdentityError):
    """An authority cannot be read: a member is unknown, twice there, or not of its form."""

    code = "identity.authority-invalid"
