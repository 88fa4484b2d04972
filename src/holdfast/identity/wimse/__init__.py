"""Workload identity tokens and their proofs, as SPIFFE and the IETF's WIMSE group define them.

Promises: a WIT is believed only by a key of its own trust domain's bundle, is never a bearer
token, and a WPT or an HTTP signature proves one request of the key that it confirms.
"""

from holdfast.identity.wimse.signatures import (
    SIGNATURE_TAG,
    Response,
    sign_request,
    verify_request,
    verify_response,
)
from holdfast.identity.wimse.wit import (
    WIT_LIFETIME_S_MAX,
    WIT_LIFETIME_S_MIN,
    WIT_TYP,
    Ear,
    Wit,
    issue_wit,
    verify_general_wit,
    verify_wit,
)
from holdfast.identity.wimse.wpt import WPT_TYP, make_wpt, verify_wpt

__all__ = [
    "SIGNATURE_TAG",
    "WIT_LIFETIME_S_MAX",
    "WIT_LIFETIME_S_MIN",
    "WIT_TYP",
    "WPT_TYP",
    "Ear",
    "Response",
    "Wit",
    "issue_wit",
    "make_wpt",
    "sign_request",
    "verify_general_wit",
    "verify_request",
    "verify_response",
    "verify_wit",
    "verify_wpt",
]
