"""What may go wrong with a program's token. No message repeats one."""

from holdfast.core import HoldfastError


class ProgramTokenError(HoldfastError):
    """A program's token cannot be made or read."""

    code = "console.token-invalid"


class ProgramTokenUnknownError(ProgramTokenError):
    """No token has that id."""

    code = "console.token-unknown"
