"""The one shape of an error, wherever it is said."""

from dataclasses import dataclass

from holdfast.core import HoldfastError


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetail:
    """What went wrong: a stable code, a sentence, and what to do next."""

    code: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReply:
    """The body of every answer that is an error."""

    error: ErrorDetail


def error_body(error: HoldfastError) -> dict[str, dict[str, str]]:
    """An ``ErrorReply`` in the form that is sent."""
    return {"error": {"code": error.code, "message": error.what, "fix": error.fix}}
