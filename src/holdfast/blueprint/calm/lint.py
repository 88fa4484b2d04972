"""What the three rule sets share: how a rule speaks, and the rules about values anywhere."""

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

from holdfast.blueprint.calm.findings import Finding, Level, Path, pointer
from holdfast.blueprint.calm.selecting import Place, below, closest, field
from holdfast.blueprint.calm.values import identity, is_placeholder_number, truthy
from holdfast.core import JsonValue

_SPACE = "[\\s\ufeff]*"
PLACEHOLDER = re.compile(rf"\[\[{_SPACE}[A-Z_]+{_SPACE}\]\]")
BOOLEAN_PLACEHOLDER = re.compile(rf"\[\[{_SPACE}BOOLEAN_[A-Z_]+{_SPACE}\]\]")


@dataclass(frozen=True, slots=True)
class Rule:
    """A code of the reference with its level, speaking about one document."""

    document: JsonValue
    code: str
    level: Level = "error"

    def at(self, path: Path, message: str) -> Finding:
        """A finding at ``path``, or as far towards it as the document goes."""
        place = pointer(closest(self.document, path))
        return Finding(code=self.code, path=place, message=message, level=self.level)


def both_lists(rule: Rule, *, holder: JsonValue, path: Path) -> Iterator[Finding]:
    """``nodes`` and ``relationships`` are there and not empty as the reference's language sees."""
    for name in ("nodes", "relationships"):
        end, present = field(holder, name)
        if not truthy(present):
            yield rule.at((*path, *end), "nodes and relationships must both stand at the top")


def placeholder_numbers(rule: Rule) -> Iterator[Finding]:
    for path, _ in below(rule.document, where=is_placeholder_number):
        yield rule.at(path, "-1 stands for a number yet to be chosen")


def placeholder_texts(rule: Rule, *, form: re.Pattern[str]) -> Iterator[Finding]:
    def stands_for(value: JsonValue) -> bool:
        return isinstance(value, str) and form.fullmatch(value) is not None

    for path, value in below(rule.document, where=stands_for):
        yield rule.at(path, f"{value} stands for a value yet to be chosen")


def no_false_values(rule: Rule) -> Iterator[Finding]:
    """Nothing is ``""``, ``0``, ``false`` or ``null``."""
    for path, _ in below(rule.document, where=lambda value: not truthy(value)):
        yield rule.at(path, "every value must be neither empty, zero, false nor null")


def repeated_ids(rule: Rule, ids: Iterable[Place]) -> Iterator[Finding]:
    """The reference tells each repetition at the document as a whole."""
    seen: set[Hashable] = set()
    for path, value in ids:
        if identity(value) in seen:
            yield rule.at((), f"the unique-id {value} at {pointer(path)} is taken")
        seen.add(identity(value))
