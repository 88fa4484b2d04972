"""What can go wrong with the history. It is made from the log, so nothing is ever lost by it."""

from holdfast.core import HoldfastError


class HistoryError(HoldfastError):
    """The history cannot be read or written now."""

    code = "history.failed"


class ForeignHistoryError(HistoryError):
    """The history was made by another version of Holdfast, or from another log."""

    code = "history.foreign"


class QueryError(HistoryError):
    """What is asked of the history is more than it tells, or makes no sense."""

    code = "history.bad-query"
