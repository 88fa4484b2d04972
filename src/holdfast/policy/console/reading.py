"""Cedar files of a blueprint become policies of the console, or every problem with them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cedarpy
from cedarpy import pst

from holdfast.blueprint import PolicyFile, Problem, in_file_order, suggestion
from holdfast.policy.apart import Apart
from holdfast.policy.console.vocabulary import (
    ATTRIBUTES,
    CONSOLE_ACTIONS,
    CONSOLE_ROLES,
    FACTS,
    RESOURCE,
    SCHEMA,
    kind,
)
from holdfast.policy.errors import PolicyError
from holdfast.policy.statements import POLICIES_MAX, Statement, statements

_LIKE = 'forbid (principal, action == Holdfast::Console::Action::"operate", resource) when { ... };'
_APART = Apart("policy", _LIKE)
_TYPES = [kind(each) for each in ("Console", "Group", "Person", "Program", "Role")]
_ACTIONS = [f'{kind("Action")}::"{each}"' for each in CONSOLE_ACTIONS]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One policy that passed."""

    statement: Statement
    id: str


def narrowing(files: Iterable[PolicyFile]) -> tuple[Narrowing, ...]:
    """The policies of all files; ``PolicyError`` with everything that is wrong with them."""
    schema = cedarpy.Schema.from_str(SCHEMA)
    found = [each for file in files for each in statements(file.name, file.text)]
    problems: list[Problem] = []
    passed: list[Narrowing] = []
    for statement in found[:POLICIES_MAX]:
        parsed = _APART.parsed(statement)
        if isinstance(parsed, Problem):
            problems.append(parsed)
            continue
        problems.extend(_faults(statement, parsed, schema))
        name = parsed.annotations.get("id") or f"{statement.file}#{statement.number}"
        passed.append(Narrowing(statement, name))
    if len(found) > POLICIES_MAX:
        problems.append(
            _APART.problem(found[-1], f"there are more than {POLICIES_MAX} policies", "merge")
        )
    if problems:
        raise PolicyError(problems=in_file_order(problems))
    return tuple(passed)


def _faults(
    statement: Statement, policy: pst.Template, schema: cedarpy.Schema
) -> Iterator[Problem]:
    if policy.effect != "forbid":
        fix = "roles permit, policies of a blueprint forbid: give the group a role"
        yield _APART.problem(statement, "is a permit", fix)
    for entity in sorted(pst.entity_uids(policy), key=str):
        of, name = str(entity.type), entity.id
        if of == kind("Role") and name not in CONSOLE_ROLES:
            fix = suggestion(name, CONSOLE_ROLES, noun="role")
            yield _APART.problem(statement, f"there is no role `{name}`", fix, name)
        if of == kind("Console") and name != RESOURCE:
            yield _APART.problem(
                statement, f"there is no console `{name}`", f'it is "{RESOURCE}"', name
            )
    result = cedarpy.validate_policies(  # pyright: ignore[reportUnknownMemberType] - a bare dict
        statement.text, schema
    )
    told = dict.fromkeys(
        _plain(error.error.removeprefix("for policy `policy0`, ")) for error in result.errors
    )
    for what, fix, word in told:
        if "applicable action" not in what or len(told) == 1:  # else it follows from another
            yield _APART.problem(statement, what, fix, word)


def _plain(said: str) -> tuple[str, str, str]:
    """What, fix, and the word to point at."""
    if found := re.match(r"unrecognized (entity type|action) `(.+)`$", said):
        known = _TYPES if found[1] == "entity type" else _ACTIONS
        word = found[2].rpartition("::")[2].strip('"')
        what = f"there is no {found[1]} `{found[2]}`"
        return what, suggestion(found[2], known, noun=found[1]), word
    if found := re.match(r"attribute `(.+?)` (?:in|on|for) (.*)not found", said):
        names = FACTS if found[2].startswith("context") else ATTRIBUTES
        return (
            f"there is no attribute `{found[1]}`",
            suggestion(found[1], names, noun="attribute"),
            found[1],
        )
    if found := re.search(r"optional attribute `(.+?)` in context", said):
        fix = f"ask first: `context has {found[1]} && context.{found[1]} ...`"
        return f"`context.{found[1]}` may be missing", fix, found[1]
    return said, f"compare with: {_LIKE}", ""
