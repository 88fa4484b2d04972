"""What a reader of the system may be told instead, and the one table from error to HTTP status."""

from holdfast.audit import AuditError, LogError, NoLogError, UnknownEntryError
from holdfast.core import HoldfastError


class FacesError(HoldfastError):
    """The console or the control API cannot answer this request."""

    code = "faces.failed"


class HostRefusedError(FacesError):
    """The request names a host that is not this server: a page elsewhere may be behind it."""

    code = "faces.host-refused"


class OriginRefusedError(FacesError):
    """The request comes from a page that is not of this server."""

    code = "faces.origin-refused"


class PathUnknownError(FacesError):
    """There is no such path."""

    code = "faces.path-unknown"


class MethodRefusedError(FacesError):
    """The path is there, but is only read."""

    code = "faces.method-refused"


class RequestInvalidError(FacesError):
    """A parameter is not what the API's reference says."""

    code = "faces.request-invalid"


class CallUnknownError(FacesError):
    """Neither the log nor a journal has a record of this call."""

    code = "faces.call-unknown"


class ProofPendingError(FacesError):
    """The record is durable, but no checkpoint covers it yet."""

    code = "faces.proof-pending"


class LogSlowError(FacesError):
    """The log was not read within its time."""

    code = "faces.log-slow"


class StreamsFullError(FacesError):
    """As many watchers as the server takes are connected already."""

    code = "faces.streams-full"


STATUSES: tuple[tuple[type[HoldfastError], int], ...] = (
    (HostRefusedError, 421),
    (OriginRefusedError, 403),
    (PathUnknownError, 404),
    (MethodRefusedError, 405),
    (RequestInvalidError, 422),
    (CallUnknownError, 404),
    (ProofPendingError, 409),
    (LogSlowError, 504),
    (StreamsFullError, 503),
    (UnknownEntryError, 404),
    (NoLogError, 503),
    (LogError, 500),
    (AuditError, 500),
    (HoldfastError, 500),
)
"""The first row that an error is an instance of decides."""


def status_of(error: HoldfastError) -> int:
    """The HTTP status an error is answered with."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))
