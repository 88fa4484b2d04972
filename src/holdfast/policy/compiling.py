"""Policies from text to something that can decide: parsed, named, held against the schema."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import cedarpy
from cedarpy import pst

from holdfast.blueprint import Blueprint, NodeKind, Problem, suggestion
from holdfast.policy.annotations import Mode, annotation_faults, mode_of, obligations_of
from holdfast.policy.obligations import Obligation
from holdfast.policy.residual import nodes_of
from holdfast.policy.sources import BUILT_IN, Source
from holdfast.policy.statements import POLICIES_MAX, Statement, statements
from holdfast.policy.vocabulary import ATTRIBUTES, CONTEXT, NAMESPACE, cedar_type, entity_type
from holdfast.policy.vocabulary import label_types as label_types_of

RESERVED = "holdfast."
ID_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One policy that passed: its id (the ``@id``, or ``file#number``), text and scope, whether it
    is on trial, and what it asks for where it permits. ``number`` counts all policies from 0."""

    id: str
    number: int
    statement: Statement
    scope: pst.Template
    mode: Mode = "enforce"
    obligations: tuple[Obligation, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.statement.file}:{self.statement.line}"


def compile_rules(
    blueprint: Blueprint,
    schema: cedarpy.Schema,
    actions: tuple[str, ...],
    sources: Iterable[Source],
) -> tuple[list[Rule], list[Problem]]:
    """Every policy, Holdfast's own first, and everything wrong with them."""
    rules: list[Rule] = []
    taken: dict[str, Rule] = {}
    problems: list[Problem] = []
    words = _Words(blueprint, actions)
    for statement, mode in _statements(sources):
        rule = _parse(statement, mode, len(rules))
        if isinstance(rule, Problem):
            problems.append(rule)
            continue
        faults = [*_names(rule, taken), *_annotations(rule), *_references(rule, blueprint)]
        faults.extend(_typed(rule, schema, words))
        faults.extend(_askings(rule, words))
        problems.extend(faults)
        rules.append(rule)
        taken.setdefault(rule.id, rule)
    if len(rules) > POLICIES_MAX:
        last = rules[-1].statement
        what = f"there are more than {POLICIES_MAX} policies"
        problems.append(_problem(last, what=what, fix="merge policies that say the same"))
    return rules, problems


def _statements(sources: Iterable[Source]) -> Iterator[tuple[Statement, Mode]]:
    for source in sources:
        for statement in statements(source.file, source.text):
            yield statement, source.mode


def _problem(
    statement: Statement,
    *,
    what: str,
    fix: str,
    place: tuple[int, int] | None = None,
    where: str = "",
) -> Problem:
    line, column = place or (statement.line, statement.column)
    return Problem(
        file=statement.file,
        line=line,
        column=column,
        where=where or f"policy {statement.number}",
        what=what,
        fix=fix,
    )


def _parse(statement: Statement, mode: Mode, number: int) -> Rule | Problem:
    fault = statement.fault()
    if fault is not None:
        return _problem(statement, what=fault[0], fix=fault[1])
    try:
        parsed = cedarpy.policies_to_pst(statement.text)
    except ValueError as error:
        return _syntax_problem(statement, str(error))
    if parsed.templates:
        what = "is a template (`?principal`, `?resource`), which allows nothing by itself"
        return _problem(statement, what=what, fix="name the principal and resource")
    (scope,) = parsed.static_policies.values()
    name = scope.annotations.get("id") or f"{statement.file}#{statement.number}"
    return Rule(
        id=name,
        number=number,
        statement=statement,
        scope=scope,
        mode=mode_of(scope, mode),
        obligations=obligations_of(scope),
    )


def _syntax_problem(statement: Statement, said: str) -> Problem:
    if "nesting exceeds" in said:
        return _problem(
            statement, what="is nested deeper than 100 levels", fix="split it into several policies"
        )
    place = _syntax_place(statement, said)
    fix = "compare with: permit (principal, action, resource) when { context.stream };"
    if "end of input" in said:
        fix = "end the policy with `;` and close every bracket"
    return _problem(statement, what=f"is not Cedar: {said}", fix=fix, place=place)


def _syntax_place(statement: Statement, said: str) -> tuple[int, int]:
    """Where parsing went wrong. The engine names the token but not its place; the shortest
    beginning of the policy that it refuses for another reason than being cut off ends there."""
    if "unexpected token" not in said:
        word = re.search(r"(?:: |variable `|^`)(\w+)`?", said)
        return statement.place(word[1]) if word else (statement.line, statement.column)
    low, high = 0, len(statement.tokens) - 1
    while low < high:
        middle = (low + high) // 2
        token = statement.tokens[middle]
        end = token.start + len(token.text) - statement.tokens[0].start
        if _cut_off(statement.text[:end]):
            low = middle + 1
        else:
            high = middle
    return statement.place_at(statement.tokens[low])


def _cut_off(text: str) -> bool:
    try:
        cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        return "unexpected token" not in str(error)
    return True


def _names(rule: Rule, taken: Mapping[str, Rule]) -> Iterator[Problem]:
    own = rule.statement.file == BUILT_IN
    place = rule.statement.place(rule.id)
    if rule.id.startswith(RESERVED) and not own:
        what = f"the id `{rule.id}` is Holdfast's: ids that start with `{RESERVED}` are reserved"
        yield _problem(rule.statement, what=what, fix="choose another @id", place=place)
    elif rule.id in taken:
        what = f"the id `{rule.id}` is taken by {taken[rule.id].place}"
        yield _problem(rule.statement, what=what, fix="choose another @id", place=place)
    if len(rule.id) > ID_MAX or not rule.id.isprintable():
        what = f"the @id is longer than {ID_MAX} characters, or holds some that cannot be printed"
        yield _problem(rule.statement, what=what, fix="choose a short, plain @id", place=place)


def _annotations(rule: Rule) -> Iterator[Problem]:
    for what, fix, word in annotation_faults(rule.scope):
        place = rule.statement.place(word)
        yield _problem(rule.statement, what=what, fix=fix, place=place, where=rule.id)


def _references(rule: Rule, blueprint: Blueprint) -> Iterator[Problem]:
    """Entities that the policy names must be declared nodes, of that kind."""
    kinds = {entity_type(kind): kind for kind in NodeKind}
    for entity in sorted(pst.entity_uids(rule.scope), key=str):
        kind = kinds.get(str(entity.type))
        if kind is None:
            continue
        names = [node.id for node in blueprint.nodes.values() if node.kind is kind]
        if entity.id not in names:
            what = f"there is no {kind} `{entity.id}` in the blueprint"
            other = next((n for n in blueprint.nodes.values() if n.id == entity.id), None)
            fix = suggestion(entity.id, names, noun=str(kind))
            if other is not None:
                fix = (
                    f'`{other.id}` is a {other.kind}: write {entity_type(other.kind)}::"{other.id}"'
                )
            yield _problem(
                rule.statement, what=what, fix=fix, place=rule.statement.place(entity.id)
            )


def _askings(rule: Rule, words: "_Words") -> Iterator[Problem]:
    """``has`` with a name that nothing has is always false, so the engine lets it pass; a forbid
    behind it would never apply."""
    for node in nodes_of(rule.scope):
        match node:
            case pst.HasAttr(base=pst.Var(name="context"), attrs=attrs):
                known, noun = words.context, "fact"
            case pst.HasAttr(base=pst.GetAttr(attr="labels"), attrs=attrs):
                known, noun = words.labels, "label"
            case pst.HasAttr(base=pst.Var(), attrs=attrs):
                known, noun = words.attributes, "attribute"
            case _:
                continue
        if attrs[0] not in known:
            what = f"there is no {noun} `{attrs[0]}` to ask for"
            fix = suggestion(attrs[0], known, noun=noun)
            place = rule.statement.place(attrs[0])
            yield _problem(rule.statement, what=what, fix=fix, place=place, where=rule.id)


class _Words:
    """The known words, for suggestions."""

    def __init__(self, blueprint: Blueprint, actions: tuple[str, ...]) -> None:
        self.actions = [f'{NAMESPACE}::Action::"{action}"' for action in actions]
        self.types = [entity_type(kind) for kind in NodeKind]
        self.context = [name.rstrip("?") for name in CONTEXT]
        self.attributes = list(ATTRIBUTES)
        self.labels = list(label_types_of(blueprint))
        pairs = blueprint.connections()
        self.callers = sorted({cedar_type(blueprint.nodes[pair[0]].kind) for pair in pairs})
        self.called = sorted({cedar_type(blueprint.nodes[pair[1]].kind) for pair in pairs})


def _typed(rule: Rule, schema: cedarpy.Schema, words: _Words) -> Iterator[Problem]:
    result = cedarpy.validate_policies(  # pyright: ignore[reportUnknownMemberType] - a bare dict
        rule.statement.text, schema
    )
    told: set[tuple[str, str]] = set()
    for error in result.errors:
        said = error.error.removeprefix("for policy `policy0`, ")
        if "applicable action" in said and told:
            continue  # follows from an unknown name already told
        what, fix, word = _plain(said, words)
        if (what, word) not in told:
            told.add((what, word))
            place = rule.statement.place(word)
            yield _problem(rule.statement, what=what, fix=fix, place=place, where=rule.id)


def _plain(said: str, words: _Words) -> tuple[str, str, str]:
    """What, fix, and the word to point at."""
    if found := re.match(r"unrecognized (entity type|action) `(.+)`$", said):
        known = words.types if found[1] == "entity type" else words.actions
        word = re.split(r"::", found[2])[-1].strip('"')
        return (
            f"there is no {found[1]} `{found[2]}`",
            suggestion(found[2], known, noun="type"),
            word,
        )
    if found := re.match(r"attribute `(.+?)` (in|on|for) (.*)not found", said):
        return _unknown_attribute(found[1], found[3], words)
    if found := re.search(r"optional attribute `(.+?)` (in context|on entity type)", said):
        return _unsafe_attribute(found[1], in_context=found[2] == "in context")
    if "applicable action" in said:
        fix = (
            f"callers here are {', '.join(words.callers) or 'none'}; "
            f"called are {', '.join(words.called) or 'none'}"
        )
        return "can never apply: no declared call fits its scope", fix, ""
    if "not compatible" in said or "unexpected type" in said:
        fix = "compare values of one type; `holdfast policy schema` shows the types"
        return said, fix, ""
    return said, "see the schema: `holdfast policy schema`", ""


def _unknown_attribute(name: str, owner: str, words: _Words) -> tuple[str, str, str]:
    word = name.rsplit(".", 1)[-1]
    if name.startswith("labels."):
        return (
            f"there is no label `{word}`",
            suggestion(word, words.labels, noun="label")
            + " Labels are the plain values of a node's metadata.",
            word,
        )
    if owner.startswith("context"):
        what = f"there is no `context.{name}`"
        return what, suggestion(word, words.context, noun="fact"), word
    what = f"nodes have no attribute `{name}`"
    return what, suggestion(word, words.attributes, noun="attribute"), word


def _unsafe_attribute(name: str, *, in_context: bool) -> tuple[str, str, str]:
    owner, _, word = ("context." + name if in_context else "principal." + name).rpartition(".")
    shown = "context" if in_context else "labels"
    what = f"`{shown}.{word}` may be missing"
    return what, f"ask first: `{owner} has {word} && {owner}.{word} ...`", word
