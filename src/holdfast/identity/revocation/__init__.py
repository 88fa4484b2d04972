"""Revocation: what is no longer accepted, known everywhere within seconds.

Promises: asking a set costs about 0.1 us; a set changes only by a feed that is signed, numbered and
unbroken; whoever hears nothing knows it (``freshness``), and then fewer things are allowed, never
more; each revocation stands in the audit log. Outsiders get a Token Status List.
"""

from holdfast.identity.revocation.errors import (
    FeedError,
    FeedForkError,
    FeedGapError,
    FeedOldError,
    RevocationError,
    RevocationFinalError,
    RevocationUnknownError,
    StatusListError,
)
from holdfast.identity.revocation.feed import (
    FEED_TYPE,
    FeedState,
    Head,
    Item,
    Update,
    head_after,
    read_update,
    sign_delta,
    sign_snapshot,
)
from holdfast.identity.revocation.held import Held, RevocationSet
from holdfast.identity.revocation.standing import DEAD_S, STALE_S, Freshness, Revocations
from holdfast.identity.revocation.status_list import (
    INVALID,
    MEDIA_TYPE,
    STATUSES_MAX,
    SUSPENDED,
    VALID,
    Bits,
    StatusList,
    read_status_list,
    sign_status_list,
)
from holdfast.identity.revocation.store import Revocation, RevocationStore
from holdfast.identity.revocation.subjects import (
    FINAL_KINDS,
    KINDS,
    NAME_LENGTH_MAX,
    Kind,
    checked,
    checked_kind,
    subject,
    subjects_of_caller,
)

__all__ = [
    "DEAD_S",
    "FEED_TYPE",
    "FINAL_KINDS",
    "INVALID",
    "KINDS",
    "MEDIA_TYPE",
    "NAME_LENGTH_MAX",
    "STALE_S",
    "STATUSES_MAX",
    "SUSPENDED",
    "VALID",
    "Bits",
    "FeedError",
    "FeedForkError",
    "FeedGapError",
    "FeedOldError",
    "FeedState",
    "Freshness",
    "Head",
    "Held",
    "Item",
    "Kind",
    "Revocation",
    "RevocationError",
    "RevocationFinalError",
    "RevocationSet",
    "RevocationStore",
    "RevocationUnknownError",
    "Revocations",
    "StatusList",
    "StatusListError",
    "Update",
    "checked",
    "checked_kind",
    "head_after",
    "read_status_list",
    "read_update",
    "sign_delta",
    "sign_snapshot",
    "sign_status_list",
    "subject",
    "subjects_of_caller",
]
