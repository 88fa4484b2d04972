"""What may go wrong with revocations and with the feed that carries them."""

from holdfast.identity.errors import IdentityError


class RevocationError(IdentityError):
    """Something cannot be revoked, or a revocation cannot be lifted."""

    code = "revocation.refused"


class RevocationUnknownError(RevocationError):
    """No revocation has that id."""

    code = "revocation.unknown"


class RevocationFinalError(RevocationError):
    """A revocation of this kind is never lifted, or something else must be asked to lift it."""

    code = "revocation.final"


class FeedError(IdentityError):
    """An update of the revocation feed cannot be believed."""

    code = "revocation.feed-refused"


class FeedGapError(FeedError):
    """An update begins after what is known: some between are missing; a snapshot is needed."""

    code = "revocation.feed-gap"


class FeedOldError(FeedError):
    """An update ends before what is known: it is old, or its time is not now."""

    code = "revocation.feed-old"


class FeedForkError(FeedError):
    """Two histories of revocations were signed for one sequence number; nothing is trusted then."""

    code = "revocation.feed-forked"


class StatusListError(IdentityError):
    """A status list is malformed, or an index lies outside it."""

    code = "revocation.status-list"
