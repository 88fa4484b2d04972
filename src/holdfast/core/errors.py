"""The one base error: a stable code, what was attempted, and how to mend it."""


class HoldfastError(Exception):
    """Something a person can act on.

    ``code`` is stable and documented in docs/reference/errors.md; ``what`` says what was attempted
    and what went wrong; ``fix`` says what to do next.
    """

    code = "holdfast.error"

    def __init__(self, what: str, *, fix: str = "", code: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.what} ({self.fix})" if self.fix else self.what
