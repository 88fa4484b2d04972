"""Why a person's word about a call that waits is not taken."""

from holdfast.core import HoldfastError


class ApprovalError(HoldfastError):
    """Nothing can be decided about this call."""

    code = "approval.unknown"


class ApprovalOwnError(ApprovalError):
    """Nobody approves a call that is made by themselves or on their behalf."""

    code = "approval.own"


class ApprovalGroupError(ApprovalError):
    """Whoever decides is in none of the groups that are asked."""

    code = "approval.group"
