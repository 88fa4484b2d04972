"""What a reader of the system may be told instead, and the one table from error to HTTP status."""

from holdfast.audit import AuditError, LogError, NoLogError, UnknownEntryError
from holdfast.blueprint.blast import UnknownPartError
from holdfast.core import HoldfastError
from holdfast.history import HistoryError, QueryError
from holdfast.identity.people import LoginError
from holdfast.identity.programs import ProgramTokenError, ProgramTokenUnknownError
from holdfast.identity.revocation import (
    RevocationError,
    RevocationFinalError,
    RevocationUnknownError,
)


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


class NotThereError(FacesError):
    """Neither the blueprint nor the history has anything of this name."""

    code = "faces.not-there"


class CallUnknownError(FacesError):
    """Neither the log nor a journal has a record of this call."""

    code = "faces.call-unknown"


class TraceUnknownError(FacesError):
    """The history has no call of this trace."""

    code = "faces.trace-unknown"


class ProofPendingError(FacesError):
    """The record is durable, but no checkpoint covers it yet."""

    code = "faces.proof-pending"


class LogSlowError(FacesError):
    """The log was not read within its time."""

    code = "faces.log-slow"


class HistorySlowError(FacesError):
    """The history was not read within its time."""

    code = "faces.history-slow"


class StreamsFullError(FacesError):
    """As many watchers as the server takes are connected already."""

    code = "faces.streams-full"


class SignInNeededError(FacesError):
    """Nobody has signed in, or what was shown is not, or no longer, good."""

    code = "entry.sign-in-needed"


class SignInRefusedError(FacesError):
    """A sign-in is not believed: its link was used, is too old, or was never given."""

    code = "entry.sign-in-refused"


class NoRoleError(FacesError):
    """Whoever signs in may do nothing here."""

    code = "entry.no-role"


class NotAllowedError(FacesError):
    """Whoever asks has signed in, and may not do this."""

    code = "entry.not-allowed"


class ForgeryError(FacesError):
    """Nothing shows that the request comes from a page of this console."""

    code = "entry.forgery"


class TooManyError(FacesError):
    """More requests came than are taken; ``retry_s`` says when to come again."""

    code = "entry.too-many"

    def __init__(self, what: str, *, retry_s: float) -> None:
        self.retry_s = max(1, round(retry_s + 0.5))
        super().__init__(what, fix=f"come again in {self.retry_s} s")


class FormError(FacesError):
    """A form is not as the page has it."""

    code = "faces.form-invalid"


class SessionUnknownError(FacesError):
    """No session of the console has that id."""

    code = "console.session-unknown"


class ActFailedError(FacesError):
    """What was asked for was allowed, and could not be done."""

    code = "faces.act-failed"


class ActRefusedError(FacesError):
    """What was asked for is not for whoever asks, whatever their role; the code says why."""

    code = "faces.act-refused"


class ActUnknownError(FacesError):
    """There is nothing of this name to act on; the code says of what kind."""

    code = "faces.act-unknown"


STATUSES: tuple[tuple[type[HoldfastError], int], ...] = (
    (HostRefusedError, 421),
    (OriginRefusedError, 403),
    (PathUnknownError, 404),
    (MethodRefusedError, 405),
    (RequestInvalidError, 422),
    (CallUnknownError, 404),
    (TraceUnknownError, 404),
    (NotThereError, 404),
    (ProofPendingError, 409),
    (LogSlowError, 504),
    (HistorySlowError, 504),
    (StreamsFullError, 503),
    (SignInNeededError, 401),
    (SignInRefusedError, 403),
    (NoRoleError, 403),
    (NotAllowedError, 403),
    (ForgeryError, 403),
    (TooManyError, 429),
    (FormError, 422),
    (SessionUnknownError, 404),
    (ActFailedError, 503),
    (ActRefusedError, 403),
    (ActUnknownError, 404),
    (LoginError, 403),
    (ProgramTokenUnknownError, 404),
    (ProgramTokenError, 422),
    (RevocationUnknownError, 404),
    (RevocationFinalError, 409),
    (RevocationError, 422),
    (QueryError, 422),
    (UnknownPartError, 404),
    (HistoryError, 503),
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
