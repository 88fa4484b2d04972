"""Policy: may this principal do this? Cedar, held against a schema made from the blueprint.

Promises: what the blueprint does not declare is forbidden, whatever any policy permits; a
blueprint's own policies narrow what is declared. Policies that misspell something are refused at
load, all at once, with file, line and fix. A decision says which policies determined it, why, and
under which bundle digest; an error in a policy denies. ``decide`` does no I/O.
"""

from holdfast.policy.bundles import SCHEMA_NAME, SUFFIX, TESTS_NAME, Bundle, pack, read_bundle, sign
from holdfast.policy.cases import Case, Tried, determined_by, read_cases, run_cases
from holdfast.policy.deciding import Policy
from holdfast.policy.decision import Decision
from holdfast.policy.differing import Change, Difference, Enumerated, Finding, compare
from holdfast.policy.errors import AnalysisError, BundleError, FactsError, PolicyError
from holdfast.policy.explaining import Explained, Explanation, explain
from holdfast.policy.facts import ATTESTED, Facts
from holdfast.policy.obligations import REDACTIONS, Obligation, ObligationKind
from holdfast.policy.rego import REGO_TIMEOUT_S, RegoEngine, RegoError, StartRego
from holdfast.policy.vocabulary import ACTIONS, read_facts

__all__ = [
    "ACTIONS",
    "ATTESTED",
    "REDACTIONS",
    "REGO_TIMEOUT_S",
    "SCHEMA_NAME",
    "SUFFIX",
    "TESTS_NAME",
    "AnalysisError",
    "Bundle",
    "BundleError",
    "Case",
    "Change",
    "Decision",
    "Difference",
    "Enumerated",
    "Explained",
    "Explanation",
    "Facts",
    "FactsError",
    "Finding",
    "Obligation",
    "ObligationKind",
    "Policy",
    "PolicyError",
    "RegoEngine",
    "RegoError",
    "StartRego",
    "Tried",
    "compare",
    "determined_by",
    "explain",
    "pack",
    "read_bundle",
    "read_cases",
    "read_facts",
    "run_cases",
    "sign",
]
