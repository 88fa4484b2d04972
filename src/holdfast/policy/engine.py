"""Asking the Cedar engine: which policies of a slice apply to a call, and which fail."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import cedarpy

from holdfast.blueprint import Node
from holdfast.policy.compiling import Rule
from holdfast.policy.facts import Fact, Facts, context_of
from holdfast.policy.slicing import Parsed, Slice
from holdfast.policy.vocabulary import NAMESPACE, uid

_POSITIONAL = re.compile(r"policy\d+")


class Asked(NamedTuple):
    """A call between declared nodes."""

    caller: Node
    action: str
    called: Node
    facts: Facts


class Applying(NamedTuple):
    """The policies that apply, those that fail, and the first failure's own words.

    ``permits`` are told only where no forbid applies: the engine names what determined its answer.
    """

    permits: tuple[Rule, ...]
    forbids: tuple[Rule, ...]
    failed: tuple[Rule, ...]
    said: str


def request_of(asked: Asked) -> dict[str, dict[str, str] | dict[str, Fact]]:
    """The call as the engine takes it."""
    return {
        "principal": uid(asked.caller),
        "action": {"type": f"{NAMESPACE}::Action", "id": asked.action},
        "resource": uid(asked.called),
        "context": context_of(asked.facts),
    }


def applying(asked: Asked, using: Slice, entities: cedarpy.Entities) -> Applying:
    """One answer from all the sets that the call needs. A forbid or a failure in any of them is
    one in the whole, as each policy is evaluated by itself."""
    request = request_of(asked)
    permits: list[Rule] = []
    forbids: list[Rule] = []
    failed: list[Rule] = []
    said = ""
    for needed in using.needed(asked.facts):
        result = cedarpy.is_authorized(  # pyright: ignore[reportUnknownMemberType] - a bare dict
            request, needed.policies, entities
        )
        reasons, errors = result.diagnostics.reasons, result.diagnostics.errors
        (permits if result.allowed else forbids).extend(needed.by_name[name] for name in reasons)
        if errors:
            failed.extend(_failed(needed, errors))
            said = said or errors[0].rpartition("`: ")[2]
    return Applying(_ordered(permits), _ordered(forbids), _ordered(failed), said)


def _failed(using: Parsed, said: Iterable[str]) -> tuple[Rule, ...]:
    """The rules that the engine's words name."""
    found = (_POSITIONAL.search(word) for word in said)
    return tuple(using.by_name[match[0]] for match in found if match)


def _ordered(rules: list[Rule]) -> tuple[Rule, ...]:
    """In the order they were written. No policy stands in two sets of a slice."""
    return tuple(sorted(rules, key=lambda rule: rule.number))
