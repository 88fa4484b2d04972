"""The past, ready to be asked: an index over the audit log, and what happened beside the calls.

Promises: everything here but ``moments`` that the keeper noted can be made again from the log;
nothing here is evidence (that is the log's, to which every row has the index); an answer takes the
same time with a million calls as with ten.
"""

from holdfast.history.errors import ForeignHistoryError, HistoryError, QueryError
from holdfast.history.forms import (
    BEHIND_MAX,
    PAGE_MAX,
    Call,
    CallQuery,
    Extent,
    Measure,
    Moment,
    Point,
    Session,
    Traffic,
)
from holdfast.history.hearing import Heard, Listener
from holdfast.history.index import CallIndex, first_token_of, session_of
from holdfast.history.minutes import SPEED_TOKENS_MIN, UNSERVED, Minute, Tallied
from holdfast.history.naming import caller_of
from holdfast.history.reader import StoredHistory
from holdfast.history.sketch import Sketch
from holdfast.history.view import CallHistory, History, TrafficHistory

__all__ = [
    "BEHIND_MAX",
    "PAGE_MAX",
    "SPEED_TOKENS_MIN",
    "UNSERVED",
    "Call",
    "CallHistory",
    "CallIndex",
    "CallQuery",
    "Extent",
    "ForeignHistoryError",
    "Heard",
    "History",
    "HistoryError",
    "Listener",
    "Measure",
    "Minute",
    "Moment",
    "Point",
    "QueryError",
    "Session",
    "Sketch",
    "StoredHistory",
    "Tallied",
    "Traffic",
    "TrafficHistory",
    "caller_of",
    "first_token_of",
    "session_of",
]
