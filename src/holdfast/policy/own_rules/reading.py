"""Cedar files become rules: each ``forbid`` with its annotations is one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cedarpy import pst

from holdfast.blueprint import Problem, in_file_order, suggestion
from holdfast.blueprint.review import SEVERITIES, Rule, RuleSeverity
from holdfast.policy.apart import Apart
from holdfast.policy.errors import PolicyError
from holdfast.policy.own_rules.asking import Book, Written
from holdfast.policy.own_rules.vocabulary import ACTION, ACTIONS, NODE, Chain, misspelt
from holdfast.policy.residual import nodes_of
from holdfast.policy.statements import POLICIES_MAX, Statement, statements

_APART = Apart(
    "rule", 'forbid (principal, action == Review::Action::"node", resource) when { ... };'
)

REQUIRED = ("id", "title", "severity", "why", "mend")
OPTIONAL = ("source",)
ID_MAX = 100


@dataclass(frozen=True, slots=True)
class _Read:
    """A policy that parsed, with its annotations."""

    statement: Statement
    policy: pst.Template
    written: Written


def own_rules(files: Mapping[str, str]) -> tuple[Rule, ...]:
    """The rules in Cedar files, by name; ``PolicyError`` with everything that is wrong with them."""
    problems: list[Problem] = []
    read: list[_Read] = []
    found = [each for name, text in files.items() for each in statements(name, text)]
    for statement in found[: POLICIES_MAX + 1]:
        parsed = _APART.parsed(statement)
        if isinstance(parsed, Problem):
            problems.append(parsed)
            continue
        problems.extend(_faults(statement, parsed))
        read.append(_Read(statement, parsed, _written(statement, parsed)))
    if len(found) > POLICIES_MAX:
        problems.append(
            _APART.problem(found[-1], f"there are more than {POLICIES_MAX} rules", "merge")
        )
    problems.extend(_twice(read))
    if problems:
        raise PolicyError(problems=in_file_order(problems))
    book = Book(tuple(each.written for each in read))
    return tuple(_rule(each.policy, number, book) for number, each in enumerate(read))


def _rule(policy: pst.Template, number: int, book: Book) -> Rule:
    said = policy.annotations
    severity: RuleSeverity = next(each for each in SEVERITIES if each == said["severity"])
    return Rule(
        id=said["id"],
        title=said["title"],
        severity=severity,
        why=said["why"],
        mend=said["mend"],
        sources=tuple(part.strip() for part in said.get("source", "own rule").split(";")),
        judge=book.judge_of(number, mend=said["mend"]),
    )


def _faults(statement: Statement, policy: pst.Template) -> Iterator[Problem]:
    said = policy.annotations
    if policy.effect != "forbid":
        yield _APART.problem(statement, "is a permit", "write what is not allowed, as a forbid")
    for name in REQUIRED:
        if not said.get(name):
            yield _APART.problem(statement, f"has no `@{name}`", f'write @{name}("...") above it')
    for name in sorted(said):
        if name not in (*REQUIRED, *OPTIONAL):
            fix = suggestion(name, (*REQUIRED, *OPTIONAL), noun="annotation")
            yield _APART.problem(statement, f"there is no annotation `@{name}`", fix, name)
    severity = said.get("severity", SEVERITIES[0])
    if severity not in SEVERITIES:
        fix = suggestion(severity, SEVERITIES, noun="severity")
        yield _APART.problem(statement, f"there is no severity `{severity[:80]}`", fix, severity)
    name = said.get("id", "X")
    if len(name) > ID_MAX or not name[:1].isalpha() or not name.replace("-", "").isalnum():
        fix = "use letters, digits and dashes, starting with a letter: `OWN-01`"
        yield _APART.problem(statement, f"`{name[:80]}` is no id of a rule", fix, name)
    yield from _references(statement, policy)


def _references(statement: Statement, policy: pst.Template) -> Iterator[Problem]:
    for entity in sorted(pst.entity_uids(policy), key=str):
        kind = str(entity.type)
        if kind == ACTION and entity.id not in ACTIONS:
            fix = suggestion(entity.id, ACTIONS, noun="action")
            yield _APART.problem(statement, f"there is no action `{entity.id}`", fix, entity.id)
        elif kind not in (ACTION, NODE):
            yield _APART.problem(statement, f"there is no type `{kind}`", f"use {NODE}", entity.id)
    for chain in _chains(policy):
        fault = misspelt(chain)
        if fault is not None:
            yield _APART.problem(statement, *fault)


def _chains(policy: pst.Template) -> list[Chain]:
    """Every attribute that the policy reads or asks for, as far as the variable it starts from."""
    found: dict[Chain, None] = {}
    for node in nodes_of(policy):
        match node:
            case pst.GetAttr():
                found.update(dict.fromkeys(_chain(node)))
            case pst.HasAttr(base=base, attrs=attrs):
                for chain in _chain(base):
                    found[*chain, *attrs] = None
            case _:
                pass
    return sorted(found)


def _chain(node: object) -> list[Chain]:
    attrs: list[str] = []
    while isinstance(node, pst.GetAttr):
        attrs.append(node.attr)
        node = node.base
    if isinstance(node, pst.Var):
        return [(str(node.name), *reversed(attrs))]
    return []


def _written(statement: Statement, policy: pst.Template) -> Written:
    actions = {
        node.id
        for node in nodes_of(policy.action)
        if isinstance(node, pst.EntityUid) and str(node.type) == ACTION
    }
    chains = _chains(policy)
    reads_context = any(chain[0] == "context" for chain in chains)
    if not actions:
        actions = {"relationship"} if reads_context else set(ACTIONS)
    return Written(
        text=statement.text,
        about=tuple(each for each in ACTIONS if each in actions),
        chains=tuple(chains),
        title=policy.annotations.get("title", ""),
    )


def _twice(read: list[_Read]) -> Iterator[Problem]:
    taken: dict[str, Statement] = {}
    for each in read:
        name = each.policy.annotations.get("id", "")
        if name in taken:
            other = taken[name]
            what = f"the id `{name}` is taken by {other.file}:{other.line}"
            yield _APART.problem(each.statement, what, "choose another @id", name)
        taken.setdefault(name, each.statement)
