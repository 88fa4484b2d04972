"""What a dialect refuses to read."""

from holdfast.core import HoldfastError


class DialectError(HoldfastError):
    """A body is not what its dialect says it must be; ``where`` is a path such as ``$.model``."""

    code = "request.body"

    def __init__(self, what: str, *, fix: str = "", where: str | None = None) -> None:
        super().__init__(what, fix=fix)
        self.where = where
