"""Asking the engine about every node and relationship: what is forbidden, what cannot be decided."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cedarpy

from holdfast.blueprint.graph import Edge, System
from holdfast.blueprint.review import Case, Judgement, broken, holds, undecided
from holdfast.core import NodeId
from holdfast.policy.own_rules.vocabulary import (
    ACTION,
    NODE,
    Chain,
    node_entity,
    place_of,
    relationship_context,
)

_POSITIONAL = re.compile(r"policy(\d+)")
_MISSING = re.compile(r"does not have the attribute `([^`]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A rule as the engine needs it. ``about`` are the actions it is asked with; ``chains`` the
    attributes it reads."""

    text: str
    about: tuple[str, ...]
    chains: tuple[Chain, ...]
    title: str


class _Subject(NamedTuple):
    """A node (``edge`` is None) or a relationship."""

    source: NodeId
    destination: NodeId
    edge: Edge | None

    @property
    def id(self) -> str:
        return self.source if self.edge is None else self.edge.id

    @property
    def at(self) -> str:
        return f"nodes.{self.id}" if self.edge is None else f"relationships.{self.id}"

    @property
    def action(self) -> str:
        return "node" if self.edge is None else "relationship"


class _Answer(NamedTuple):
    """What the engine said of one subject: the numbers of the policies that apply, and of those
    that fail with what they said."""

    subject: _Subject
    forbidden: frozenset[int]
    failed: dict[int, str]


class Book:
    """All own rules together, so that the engine is asked once about each subject."""

    def __init__(self, rules: tuple[Written, ...]) -> None:
        self._rules = rules
        self._policies = cedarpy.PolicySet.from_str("\n".join(rule.text for rule in rules))

    def judge_of(self, number: int, *, mend: str) -> Callable[[Case], Iterable[Judgement]]:
        """The judge of one rule."""

        def judge(case: Case) -> Iterator[Judgement]:
            rule = self._rules[number]
            for answer in case.system.derived(self._answers):
                if answer.subject.action in rule.about:
                    yield self._judged(case.system, number, answer, mend)

        return judge

    def _judged(self, system: System, number: int, answer: _Answer, mend: str) -> Judgement:
        rule, subject = self._rules[number], answer.subject
        if number in answer.forbidden:
            what = f"{rule.title}: not so for `{subject.id}`"
            return broken(subject.id, subject.at, what=what, fix=mend)
        if number in answer.failed:
            said = answer.failed[number]
            missing = tuple(_places(system, rule, subject, said))
            return undecided(subject.id, subject.at, missing=missing, what=said)
        return holds(subject.id, subject.at)

    def _answers(self, system: System) -> tuple[_Answer, ...]:
        """Once for a system, whatever rules ask."""
        asked = {action for rule in self._rules for action in rule.about}
        subjects = [each for each in _subjects(system) if each.action in asked]
        entities = cedarpy.Entities.from_json_str(  # pyright: ignore[reportUnknownMemberType] - a bare dict
            json.dumps([node_entity(node) for node in system.nodes.values()])
        )
        results = cedarpy.is_authorized_batch(  # pyright: ignore[reportUnknownMemberType] - a bare list
            [_request(subject) for subject in subjects], self._policies, entities
        )
        return tuple(map(_answer, subjects, results))


def _subjects(system: System) -> Iterator[_Subject]:
    for name in system.nodes:
        yield _Subject(name, name, None)
    for edge in system.edges:
        yield _Subject(edge.source, edge.destination, edge)


def _request(subject: _Subject) -> dict[str, object]:
    return {
        "principal": {"type": NODE, "id": subject.source},
        "action": {"type": ACTION, "id": subject.action},
        "resource": {"type": NODE, "id": subject.destination},
        "context": {} if subject.edge is None else relationship_context(subject.edge),
    }


def _answer(subject: _Subject, result: cedarpy.AuthzResult) -> _Answer:
    failed: dict[int, str] = {}
    for said in result.diagnostics.errors:
        found = _POSITIONAL.search(said)
        if found is not None:
            failed[int(found[1])] = said.rpartition("`: ")[2]
    numbers = frozenset(_numbers(result.diagnostics.reasons))
    return _Answer(subject, numbers, failed)


def _numbers(names: Sequence[str]) -> Iterator[int]:
    for name in names:
        found = _POSITIONAL.search(name)
        if found is not None:
            yield int(found[1])


def _places(system: System, rule: Written, subject: _Subject, said: str) -> Iterator[str]:
    """Where the attribute is missing: all places that the rule reads it from and that lack it."""
    found = _MISSING.search(said)
    if found is None:
        yield said
        return
    told: dict[str, None] = {}
    for chain in rule.chains:
        if found[1] in chain:
            until = chain[: chain.index(found[1]) + 1]
            if _lacks(system, subject, until):
                told[_place(until, subject)] = None
    yield from told or (found[1],)


def _place(chain: Chain, subject: _Subject) -> str:
    return place_of(
        chain,
        source=subject.source,
        destination=subject.destination,
        relationship=subject.edge.id if subject.edge is not None else None,
    )


def _lacks(system: System, subject: _Subject, chain: Chain) -> bool:
    root, *attrs = chain
    if root == "context":
        value: object = {} if subject.edge is None else relationship_context(subject.edge)
    else:
        name = subject.source if root == "principal" else subject.destination
        value = node_entity(system.nodes[name])["attrs"]
    for attr in attrs:
        if not isinstance(value, dict) or attr not in value:
            return True
        value = value[attr]
    return False
