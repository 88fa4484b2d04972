"""Authority: what somebody may do, as data with an order, so that "no wider" can be computed.

Promises: ``meet`` is associative, commutative, idempotent and monotone, and covers a call exactly
when both sides do; ``is_within`` holds exactly when the meet is the child. Equal authority has one
spelling. What is not understood is refused on reading. Everything is pure.
"""

from holdfast.identity.authority.arguments import ArgumentLimit, Scalar, one_of
from holdfast.identity.authority.asking import Ask, Constraint, Uncovered, covering, covers
from holdfast.identity.authority.authority import (
    AMOUNT_MAX,
    TAINT_MAX,
    Allowance,
    Authority,
    AuthorityType,
    Classification,
)
from holdfast.identity.authority.errors import AuthorityError
from holdfast.identity.authority.forms import (
    AUTHORITIES_MAX,
    authorities_from_json,
    authorities_json,
    read_authorities,
    write_authorities,
)
from holdfast.identity.authority.order import are_within, is_within, meet, meet_all, normal
from holdfast.identity.authority.paths import canonical_location, read_path

__all__ = [
    "AMOUNT_MAX",
    "AUTHORITIES_MAX",
    "TAINT_MAX",
    "Allowance",
    "ArgumentLimit",
    "Ask",
    "Authority",
    "AuthorityError",
    "AuthorityType",
    "Classification",
    "Constraint",
    "Scalar",
    "Uncovered",
    "are_within",
    "authorities_from_json",
    "authorities_json",
    "canonical_location",
    "covering",
    "covers",
    "is_within",
    "meet",
    "meet_all",
    "normal",
    "one_of",
    "read_authorities",
    "read_path",
    "write_authorities",
]
