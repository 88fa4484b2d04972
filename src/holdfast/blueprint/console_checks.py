"""What is written about the console and can never take effect."""

from collections.abc import Iterator

from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem


def console_problems(draft: Draft) -> Iterator[Problem]:
    """Roles that nobody can ever have."""
    whole = draft.whole
    if whole is None or whole.console is None or whole.console.roles is None:
        return
    if not any(provider.groups_claim for provider in whole.people or ()):
        what = "roles are given to groups, and no provider says who is in which group"
        fix = "write `groups_claim` at a provider under `people`"
        path = ("console", "roles")
        yield draft.problem(path, what=what, fix=fix, severity="warning", key=True)
