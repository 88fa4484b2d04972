"""What may be wrong with a written file: every problem with its place and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias

from holdfast.core import HoldfastError

Severity: TypeAlias = Literal["error", "warning"]

PROBLEMS_SHOWN_MAX = 200
"""Past this many, the list stops helping anybody; the rest appear once these are mended."""

_CLOSENESS = 0.6
_NAMES_COMPARED_MAX = 500
_NAMES_LISTED_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend. ``line`` and ``column`` count from 1; ``where`` is a path or a name."""

    file: str
    line: int
    column: int
    where: str
    what: str
    fix: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        where = f"{self.where}: " if self.where else ""
        return f"{place}: {self.severity}: {where}{self.what}\n    {self.fix}"


class BlueprintError(HoldfastError):
    """The blueprint cannot be used; ``problems`` lists everything wrong with it, in file order."""

    code = "blueprint.invalid"

    def __init__(self, source: str, *, problems: tuple[Problem, ...]) -> None:
        count = sum(problem.severity == "error" for problem in problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            f"{source} has {count} {noun}", fix="\n".join(str(problem) for problem in problems)
        )
        self.problems = problems

    def __str__(self) -> str:
        return f"{self.what}\n{self.fix}"


def suggestion(word: str, known: Iterable[str], *, noun: str) -> str:
    """How to mend an unknown word: the nearest known one, or the whole list when it is short."""
    names = sorted(set(known))[:_NAMES_COMPARED_MAX]
    folded = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), folded, 1, _CLOSENESS)
    if near:
        return f"did you mean `{folded[near[0]]}`?"
    if not names:
        return f"there is no {noun} to name here; remove it"
    return f"use one of: {', '.join(names[:_NAMES_LISTED_MAX])}"


def in_file_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted by place, each said once, bounded by ``PROBLEMS_SHOWN_MAX``."""
    ordered = sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.column, p.where))
    return tuple(ordered[:PROBLEMS_SHOWN_MAX])
