"""What may be tried, where, when and how often: pure state machines for calls that meet trouble.

Promises: no machine reads a clock, draws chance or waits; time (seconds of the monotonic clock) and
chance (a number in [0, 1)) are arguments. Every one is bounded in memory and in time per call.
"""

from holdfast.resilience.admission import AdmissionQueue, Offer
from holdfast.resilience.backoff import backoff_s, retry_after_s
from holdfast.resilience.breaker import BreakerState, CircuitBreaker
from holdfast.resilience.bulkhead import Bulkhead
from holdfast.resilience.caching import AnswerCache, CacheKey, cache_key
from holdfast.resilience.choosing import Chooser, Option
from holdfast.resilience.ejection import Ejector
from holdfast.resilience.leases import (
    LEASE_WAIT_S,
    UNLIMITED,
    Allotment,
    Amounts,
    Lease,
    LeaseDenied,
    LeaseGranted,
    LeaseRecalled,
    LeaseReturned,
    LeaseShort,
    LeaseToKeeper,
    LeaseToWorker,
    LeaseWanted,
    Standing,
    Unit,
)
from holdfast.resilience.limiter import ConcurrencyLimiter
from holdfast.resilience.load import Load
from holdfast.resilience.purse import Reservation
from holdfast.resilience.quantile import Percentile
from holdfast.resilience.retry_budget import RetryBudget
from holdfast.resilience.spending import Answer, Purses, Short, Spending, Unavailable
from holdfast.resilience.throttle import Throttle
from holdfast.resilience.treasury import Changes, Order, SavedBook, Treasury

__all__ = [
    "LEASE_WAIT_S",
    "UNLIMITED",
    "AdmissionQueue",
    "Allotment",
    "Amounts",
    "Answer",
    "AnswerCache",
    "BreakerState",
    "Bulkhead",
    "CacheKey",
    "Changes",
    "Chooser",
    "CircuitBreaker",
    "ConcurrencyLimiter",
    "Ejector",
    "Lease",
    "LeaseDenied",
    "LeaseGranted",
    "LeaseRecalled",
    "LeaseReturned",
    "LeaseShort",
    "LeaseToKeeper",
    "LeaseToWorker",
    "LeaseWanted",
    "Load",
    "Offer",
    "Option",
    "Order",
    "Percentile",
    "Purses",
    "Reservation",
    "RetryBudget",
    "SavedBook",
    "Short",
    "Spending",
    "Standing",
    "Throttle",
    "Treasury",
    "Unavailable",
    "Unit",
    "backoff_s",
    "cache_key",
    "retry_after_s",
]
