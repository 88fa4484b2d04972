"""Guards: what may be in the content of a call, and what is taken out of it.

Promises: everything here is pure and bounded; what is taken out is replaced by a word that says
what stood there; a pattern that has a checksum is taken out only where the checksum holds.
"""

from holdfast.guards.redaction import KINDS, RedactionKind, redact, redact_json

__all__ = ["KINDS", "RedactionKind", "redact", "redact_json"]
