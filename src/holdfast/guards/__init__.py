"""Guards: what may be in the content of a call, and what is taken out of it.

Promises: everything here is pure and bounded; what is taken out is replaced by a word that says
what stood there; a pattern that has a checksum is taken out only where the checksum holds; an address in a tool's
arguments passes only where it cannot be read as one that is not allowed.
"""

from holdfast.guards.egress import EGRESS_DEPTH_MAX, Stray, find_stray
from holdfast.guards.redaction import KINDS, RedactionKind, redact, redact_json

__all__ = [
    "EGRESS_DEPTH_MAX",
    "KINDS",
    "RedactionKind",
    "Stray",
    "find_stray",
    "redact",
    "redact_json",
]
