"""A bundle's own tests: cases that people write, each a call and the decision it must get.

A tests file is YAML with one list, ``tests``. A case names principal, action, resource and what is
expected; ``context`` gives the facts, and ``policies``, ``obligations`` and ``would_refuse`` say
more about the decision where they stand.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from holdfast.blueprint import Document, Plain, Problem, read_yaml, suggestion
from holdfast.core import NodeId
from holdfast.policy.decision import Decision
from holdfast.policy.facts import Facts

CASES_MAX = 2_000

Decide: TypeAlias = Callable[[NodeId, str, NodeId, Facts], Decision]
_Path: TypeAlias = tuple[str | int, ...]


class _Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The facts as a case writes them: those of ``Facts``, each with its default."""

    stream: bool = False
    tools: bool = False
    max_tokens: int | None = None
    relationship: str | None = None
    tool: str | None = None
    proof: str = "key"
    depth: int = 0
    tier: int | None = None
    attested: str = "none"
    on_behalf_of: str | None = None


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A case as it stands in the file."""

    principal: str
    action: str
    resource: str
    expect: Literal["allow", "deny"]
    name: str = ""
    context: _Context = _Context()
    policies: tuple[str, ...] | None = None
    obligations: tuple[str, ...] | None = None
    would_refuse: tuple[str, ...] | None = None


_WORDS: Mapping[str, tuple[str, ...]] = {
    "case": _Written.__struct_fields__,
    "context": _Context.__struct_fields__,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test: the call, and what its decision must be. None is not asked about."""

    file: str
    line: int
    name: str
    principal: NodeId
    action: str
    resource: NodeId
    facts: Facts
    allowed: bool
    policies: frozenset[str] | None
    obligations: frozenset[str] | None
    would_refuse: frozenset[str] | None

    def faults(self, decision: Decision) -> Iterator[str]:
        """What the decision has otherwise than the case says."""
        if decision.allowed is not self.allowed:
            wanted = "allow" if self.allowed else "deny"
            found = "allowed" if decision.allowed else "denied"
            yield f"expected {wanted}, and it is {found}: {decision.reason}"
        owed = tuple(str(each) for each in decision.obligations)
        for noun, wanted, found in (
            ("policies", self.policies, decision.policies),
            ("obligations", self.obligations, owed),
            ("would_refuse", self.would_refuse, decision.would_refuse),
        ):
            if wanted is not None and wanted != frozenset(found):
                yield f"expected {noun} {_list(wanted)}, and they are {_list(found)}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One case that was run; ``faults`` is empty where it holds."""

    case: Case
    decision: Decision
    faults: tuple[str, ...]


def read_cases(text: str, *, source: str) -> tuple[tuple[Case, ...], tuple[Problem, ...]]:
    """The cases of a tests file, or every problem with it."""
    document = read_yaml(text, source=source)
    if document.problems:
        return (), tuple(document.problems)
    reader = _Reader(document, source)
    cases = tuple(reader.cases())
    return (() if reader.problems else cases), tuple(reader.problems)


def run_cases(cases: Iterable[Case], decide: Decide) -> tuple[Tried, ...]:
    """Every case, decided."""
    tried: list[Tried] = []
    for case in cases:
        decision = decide(case.principal, case.action, case.resource, case.facts)
        tried.append(Tried(case=case, decision=decision, faults=tuple(case.faults(decision))))
    return tuple(tried)


def problems_of(tried: Iterable[Tried]) -> list[Problem]:
    """The cases that do not hold, as problems of their file."""
    return [
        Problem(
            file=each.case.file,
            line=each.case.line,
            column=1,
            where=each.case.name,
            what=fault,
            fix="mend the policy or the test",
        )
        for each in tried
        for fault in each.faults
    ]


def determined_by(tried: Iterable[Tried]) -> frozenset[str]:
    """The policies that determined a decision of some case, or would have."""
    return frozenset(
        name
        for each in tried
        for name in (
            *each.decision.policies,
            *each.decision.would_refuse,
            *each.decision.would_allow,
        )
    )


class _Reader:
    """Cases from a document, with the place of whatever is wrong."""

    def __init__(self, document: Document, source: str) -> None:
        self._document = document
        self._source = source
        self.problems: list[Problem] = []

    def cases(self) -> Iterator[Case]:
        data = self._document.data
        if not isinstance(data, dict) or set(data) != {"tests"}:
            self._add((), "is not a tests file", "write one list: tests: [...]")
            return
        written = data["tests"]
        if not isinstance(written, list) or not 0 < len(written) <= CASES_MAX:
            self._add(("tests",), f"is not a list of 1 to {CASES_MAX} cases", "write - name: ...")
            return
        for index, each in enumerate(written):
            found = self._case(each, index)
            if found is not None:
                yield found

    def _case(self, written: Plain, index: int) -> Case | None:
        try:
            case = msgspec.convert(written, _Written)
        except msgspec.ValidationError as error:
            self._explain(str(error), index)
            return None
        return Case(
            file=self._source,
            line=self._line(index),
            name=case.name or f"test {index + 1}",
            principal=NodeId(case.principal),
            action=case.action,
            resource=NodeId(case.resource),
            facts=Facts._make(msgspec.structs.astuple(case.context)),
            allowed=case.expect == "allow",
            policies=_frozen(case.policies),
            obligations=_frozen(case.obligations),
            would_refuse=_frozen(case.would_refuse),
        )

    def _line(self, index: int) -> int:
        """Where a case begins: at the first of its fields."""
        written = self._document.at(("tests", index))
        names = written if isinstance(written, dict) else ()
        places = [self._document.place(("tests", index, name), key=True) for name in names]
        return min((place.line for place in places), default=1)

    def _explain(self, said: str, index: int) -> None:
        what, _, where = said.partition(" - at `$")
        path: _Path = ("tests", index)
        inner = where.rstrip("`").strip(".").split(".")[0].split("[")[0]
        if inner:
            path = (*path, inner)
        fix = ""
        if "unknown field" in what:
            word = what.split("`")[1]
            known = _WORDS["context" if inner == "context" else "case"]
            fix, path = suggestion(word, known, noun="field"), (*path, word)
        self._add(path, what[0].lower() + what[1:], fix)

    def _add(self, path: _Path, what: str, fix: str) -> None:
        place = self._document.place(path, key=True)
        where = ".".join(str(step) for step in path)
        self.problems.append(
            Problem(
                file=self._source,
                line=place.line,
                column=place.column,
                where=where,
                what=what,
                fix=fix,
            )
        )


def _frozen(names: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
