"""Policy: may this principal do this? Cedar, held against a schema made from the blueprint.

Promises: what the blueprint does not declare is forbidden, whatever any policy permits; a
blueprint's own policies narrow what is declared. Policies that misspell something are refused at
load, all at once, with file, line and fix. A decision says which policies determined it, why, and
under which bundle digest; an error in a policy denies. ``decide`` does no I/O.
"""

from holdfast.policy.deciding import Decision, Facts, Policy
from holdfast.policy.errors import PolicyError
from holdfast.policy.vocabulary import ACTIONS

__all__ = ["ACTIONS", "Decision", "Facts", "Policy", "PolicyError"]
