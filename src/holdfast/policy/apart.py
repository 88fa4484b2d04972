"""Cedar that stands apart from the gateway's policies: own rules of reviews, policies of the console.

Each statement is parsed alone, so that every mistake of a file is told at once and with its place.
"""

from dataclasses import dataclass

import cedarpy
from cedarpy import pst

from holdfast.blueprint import Problem
from holdfast.policy.statements import Statement


@dataclass(frozen=True, slots=True)
class Apart:
    """``noun`` is what a statement is called there, ``like`` an example of one."""

    noun: str
    like: str

    def problem(self, statement: Statement, what: str, fix: str, word: str = "") -> Problem:
        """A mistake, at ``word`` where that stands in the statement."""
        line, column = statement.place(word) if word else (statement.line, statement.column)
        return Problem(
            file=statement.file,
            line=line,
            column=column,
            where=f"{self.noun} {statement.number}",
            what=what,
            fix=fix,
        )

    def parsed(self, statement: Statement) -> pst.Template | Problem:
        """The statement as the engine understands it, or why it does not."""
        fault = statement.fault()
        if fault is not None:
            return self.problem(statement, *fault)
        try:
            parsed = cedarpy.policies_to_pst(statement.text)
        except ValueError as error:
            what = f"is not Cedar: {error}"
            return self.problem(statement, what, f"compare with: {self.like}")
        if parsed.templates:
            fix = "name no `?principal` and no `?resource`"
            return self.problem(statement, "is a template", fix)
        (policy,) = parsed.static_policies.values()
        return policy
