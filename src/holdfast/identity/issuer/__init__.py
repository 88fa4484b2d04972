"""The built-in issuer of one machine.

Promises: an identity is issued only in the issuer's own trust domain; keys change without a token
ever failing for it; what is published never holds a secret.
"""

from holdfast.identity.issuer.issuer import Issuer
from holdfast.identity.issuer.rotation import AHEAD_S, SIGNS_S

__all__ = ["AHEAD_S", "SIGNS_S", "Issuer"]
