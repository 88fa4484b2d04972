"""Which calls a Cedar policy of the blueprint makes wait for a person's yes, as far as its text
shows it.

A permit with ``@require_approval`` counts for all it applies to; other permits take nothing away from
that. Only the plainest forms are read: a scope of equalities, no condition or one on the tool's name.
Whatever else such a permit says may or may not cover a call: that is not known here.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.blueprint import Blueprint, PolicyFile
from holdfast.blueprint.graph import Edge

_TEXT = r'"(?:\\.|[^"\\])*"'
_COMMENT = re.compile(rf"({_TEXT})|//[^\n]*")
_STATEMENT = re.compile(
    rf"((?:@\w+(?:\s*\(\s*{_TEXT}\s*\))?\s*)*)\b(permit|forbid)\s*\(((?:{_TEXT}|[^;\"])*);"
)
_ANNOTATION = re.compile(rf"@(\w+)(?:\s*\(\s*({_TEXT})\s*\))?")
_SCOPE = re.compile(
    r"\s*principal\s*(?P<principal>[^,]*?)\s*,\s*action\s*(?P<action>[^,]*?)\s*,"
    r"\s*resource\s*(?P<resource>[^,]*?)\s*,?\s*\)\s*(?P<conditions>.*)$",
    re.DOTALL,
)
_EQUALS = re.compile(r'==\s*[\w:]+::"([^"]*)"')
_ONE_TOOL = re.compile(
    r'when\s*\{\s*(?:context\s+has\s+tool\s*&&\s*)?context\.tool\s*==\s*"([^"]*)"\s*\}'
)

Fits: TypeAlias = bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A permit that makes calls wait. The ends are ids, ``*`` for any, None for what was not
    understood; ``tools`` likewise (None in it never stands for any)."""

    policy: str
    principal: str | None
    action: str | None
    resource: str | None
    tools: tuple[str, ...] | Literal["*"] | None

    def fits(self, edge: Edge) -> Fits:
        """Whether calls over the edge are in its scope; None when that is not understood."""
        answers = (
            _is(self.principal, edge.source),
            _is(self.action, "call"),
            _is(self.resource, edge.destination),
        )
        if False in answers:
            return False
        return None if None in answers else True


def _is(said: str | None, name: str) -> Fits:
    return None if said is None else said in ("*", name)


def approvals_in(blueprint: Blueprint) -> tuple[Approval, ...]:
    """Every permit of the blueprint's policies that asks for an approval and is in force."""
    return tuple(found for file in blueprint.policies for found in _in_file(file))


def is_approved(
    approvals: Collection[Approval], edge: Edge, tools: Collection[str] | None
) -> tuple[Fits, tuple[str, ...]]:
    """Whether every call over the edge of one of ``tools`` (None: of any tool) waits for a person;
    and the policies that may be about it."""
    covered: set[str] = set()
    near: list[str] = []
    for approval in approvals:
        fits = approval.fits(edge)
        if fits is False:
            continue
        near.append(approval.policy)
        if fits is True and approval.tools == "*":
            return True, (approval.policy,)
        if fits is True and approval.tools is not None:
            covered.update(approval.tools)
    if tools is not None and tools and covered.issuperset(tools):
        return True, tuple(near)
    return (None if near else False), tuple(near)


def _in_file(file: PolicyFile) -> Iterator[Approval]:
    if "require_approval" not in file.text:
        return
    if not file.name.endswith(".cedar"):  # a bundle holds its policies in other spelling
        yield Approval(policy=file.name, principal=None, action=None, resource=None, tools=None)
        return
    text = _COMMENT.sub(lambda found: found[1] or " ", file.text)
    for number, found in enumerate(_STATEMENT.finditer(text)):
        notes = {each[1]: (each[2] or '""')[1:-1] for each in _ANNOTATION.finditer(found[1])}
        if found[2] == "permit" and "require_approval" in notes and notes.get("mode") != "trial":
            yield _approval(notes.get("id", f"{file.name}#{number}"), found[3])


def _approval(policy: str, rest: str) -> Approval:
    scope = _SCOPE.match(rest)
    if scope is None:
        return Approval(policy=policy, principal=None, action=None, resource=None, tools=None)
    return Approval(
        policy=policy,
        principal=_end(scope["principal"]),
        action=_end(scope["action"]),
        resource=_end(scope["resource"]),
        tools=_tools(scope["conditions"].strip()),
    )


def _end(text: str) -> str | None:
    if not text:
        return "*"
    equals = _EQUALS.fullmatch(text)
    return equals[1] if equals else None


def _tools(conditions: str) -> tuple[str, ...] | Literal["*"] | None:
    if not conditions:
        return "*"
    one = _ONE_TOOL.fullmatch(conditions)
    return (one[1],) if one else None
