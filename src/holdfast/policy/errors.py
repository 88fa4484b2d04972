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


class BundleError(HoldfastError):
    """A file is no bundle, or not the bundle that was made and signed."""

    code = "policy.bundle-invalid"


class AnalysisError(HoldfastError):
    """An analysis cannot be made: something it needs is missing or contradicts itself."""

    code = "policy.analysis-impossible"


class FactsError(HoldfastError):
    """Words are no facts of a call."""

    code = "policy.facts-unknown"
