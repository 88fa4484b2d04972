"""What may be wrong with a question about blast radius."""

from collections.abc import Iterable

from holdfast.blueprint import suggestion
from holdfast.core import HoldfastError


class UnknownPartError(HoldfastError):
    """The system has no such node, failure domain or flow."""

    code = "blast.part-unknown"

    @classmethod
    def of(cls, name: str, known: Iterable[str], *, noun: str = "node") -> "UnknownPartError":
        return cls(f"there is no {noun} `{name}`", fix=suggestion(name, known, noun=noun))


class TooLargeError(HoldfastError):
    """An exhaustive answer would need more steps than are allowed; nothing was guessed."""

    code = "blast.too-large"


class ContainmentError(HoldfastError):
    """No set of allowed actions ends the harm."""

    code = "blast.no-containment"


class NoSolverError(HoldfastError):
    """The question needs z3, which is not installed."""

    code = "blast.no-solver"
