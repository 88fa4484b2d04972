"""Why a document is not taken over."""

from holdfast.core import HoldfastError


class ExchangeError(HoldfastError):
    """The document cannot become a blueprint; ``pointer`` says where in it (RFC 6901)."""

    code = "exchange.refused"

    def __init__(self, what: str, *, fix: str, pointer: str = "") -> None:
        place = f"{pointer}: " if pointer else ""
        super().__init__(f"{place}{what}", fix=fix)
        self.pointer = pointer


class NotAnArchitectureError(ExchangeError):
    """The document is something else that CALM knows; ``kind`` says what."""

    code = "exchange.not-an-architecture"

    def __init__(self, kind: str, *, fix: str) -> None:
        super().__init__(f"this is {kind}, not an architecture", fix=fix)
        self.kind = kind
