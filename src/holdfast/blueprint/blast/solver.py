"""z3, where the extra ``analysis`` is installed."""

from importlib.util import find_spec
from types import ModuleType

from holdfast.blueprint.blast.errors import NoSolverError


def load_z3() -> ModuleType:
    """The module ``z3``; it has no types. Raises ``NoSolverError`` where it is not installed."""
    if find_spec("z3") is None:
        raise NoSolverError(
            "this needs z3, which is not installed",
            fix="install it: pip install 'holdfast[analysis]'",
        )
    import z3  # noqa: PLC0415 - an extra  # pyright: ignore[reportMissingTypeStubs]

    return z3
