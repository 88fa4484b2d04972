"""What may be wrong with policies."""

from holdfast.blueprint import Problem
from holdfast.core import HoldfastError


class PolicyError(HoldfastError):
    """The policies cannot be used; ``problems`` lists everything wrong with them."""

    code = "policy.invalid"

    def __init__(self, *, problems: tuple[Problem, ...]) -> None:
        files = ", ".join(dict.fromkeys(problem.file for problem in problems))
        count = len(problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            f"{files}: {count} {noun} in policies",
            fix="\n".join(str(problem) for problem in problems),
        )
        self.problems = problems

    def __str__(self) -> str:
        return f"{self.what}\n{self.fix}"
