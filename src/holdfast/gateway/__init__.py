"""One call, start to end: ``path.py`` composes it, ``call.py`` names its states.

Promises: no call without identity, over an undeclared relationship, against policy or beyond its
limits reaches an upstream; no byte of an answer reaches the caller before a record of the call is
durable; whatever happens, the record says so.
"""

from holdfast.gateway.approving import Question, Verdict
from holdfast.gateway.authority import undemanded
from holdfast.gateway.identities import Identities
from holdfast.gateway.journeys import Journeys, Seen, Totals
from holdfast.gateway.mcp.metadata import Resource
from holdfast.gateway.mcp.shared import Cancelled
from holdfast.gateway.news import News, NewsKind
from holdfast.gateway.path import Path, Settings
from holdfast.gateway.rules import RULES, Rule
from holdfast.gateway.seen import (
    COUNTERS,
    BudgetSeen,
    BudgetUnit,
    NodeSeen,
    UpstreamSeen,
    UpstreamState,
)
from holdfast.gateway.service import Gateway
from holdfast.gateway.tolls import accounts_of

__all__ = [
    "COUNTERS",
    "RULES",
    "BudgetSeen",
    "BudgetUnit",
    "Cancelled",
    "Gateway",
    "Identities",
    "Journeys",
    "News",
    "NewsKind",
    "NodeSeen",
    "Path",
    "Question",
    "Resource",
    "Rule",
    "Seen",
    "Settings",
    "Totals",
    "UpstreamSeen",
    "UpstreamState",
    "Verdict",
    "accounts_of",
    "undemanded",
]
