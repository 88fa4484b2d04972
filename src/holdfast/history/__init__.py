"""The past, ready to be asked: an index over the audit log, and what happened beside the calls.

Promises: everything here but ``moments`` that the keeper noted can be made again from the log;
nothing here is evidence (that is the log's, to which every row has the index); an answer takes the
same time with a million calls as with ten.
"""

from holdfast.history.forms import (
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
from holdfast.history.view import CallHistory, History, TrafficHistory

__all__ = [
    "PAGE_MAX",
    "Call",
    "CallHistory",
    "CallQuery",
    "Extent",
    "History",
    "Measure",
    "Moment",
    "Point",
    "Session",
    "Traffic",
    "TrafficHistory",
]
