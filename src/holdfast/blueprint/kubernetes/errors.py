"""What can be wrong with Kubernetes manifests."""

from holdfast.blueprint import Problem
from holdfast.core import HoldfastError


class ManifestError(HoldfastError):
    """Manifests cannot be used; ``problems`` lists everything wrong with them, in file order."""

    code = "kubernetes.invalid"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            f"the manifests have {count} {noun}",
            fix="\n".join(str(problem) for problem in problems),
        )
        self.problems = problems
