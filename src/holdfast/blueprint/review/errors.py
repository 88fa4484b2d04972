"""What may go wrong with a review itself; what it finds in a system is never an error."""

from holdfast.core import HoldfastError


class ReviewError(HoldfastError):
    """The review cannot be made: a rule fell over, or contradicts itself or another."""

    code = "review.impossible"


class PackError(HoldfastError):
    """A rule pack cannot be read."""

    code = "review.pack-invalid"


class EvidenceError(HoldfastError):
    """A file is no evidence of the kind it was given as."""

    code = "review.evidence-invalid"


class PatchError(HoldfastError):
    """A patch does not fit the blueprint."""

    code = "review.patch-misfit"
