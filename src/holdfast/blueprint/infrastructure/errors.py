"""What can be wrong with what is given to be judged."""

from holdfast.blueprint import Problem
from holdfast.core import HoldfastError


class PlanError(HoldfastError):
    """The plan is none that can be judged."""

    code = "infrastructure.plan-invalid"


class ModulesError(HoldfastError):
    """The list of approved modules cannot be used."""

    code = "infrastructure.modules-invalid"

    def __init__(self, source: str, *, problems: tuple[Problem, ...] = (), what: str = "") -> None:
        super().__init__(
            what or f"{source} is no list of approved modules",
            fix="\n".join(str(problem) for problem in problems)
            or "write it as docs/architecture/infrastructure.md has it",
        )
        self.problems = problems
