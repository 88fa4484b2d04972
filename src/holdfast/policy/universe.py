"""Facts to try where nothing can be proven: the boundary values of what policies speak of."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from cedarpy import pst

from holdfast.blueprint import PROOFS
from holdfast.policy.facts import ATTESTED, DEFAULTS, LONG_MAX, LONG_MIN, Fact, Facts
from holdfast.policy.residual import nodes_of
from holdfast.policy.vocabulary import CONTEXT

VALUES_MAX = 40
"""Values of one fact that are tried."""

_OTHER = "another"
_NUMBER = re.compile(r"(?<![\w.])-?[0-9]{1,18}(?![\w.])")
_TEXT = re.compile(r'"((?:[^"\\\n]|\\.){0,200})"|`([^`]{0,200})`')


@dataclass(frozen=True, slots=True)
class Universe:
    """Values to try, for each fact in order."""

    values: tuple[tuple[Fact | None, ...], ...]

    @property
    def size(self) -> int:
        return math.prod(len(each) for each in self.values)

    def some(self, most: int) -> Iterator[Facts]:
        """All combinations; of more than ``most`` evenly spread ones, the first among them."""
        if self.size <= most:
            yield from map(Facts._make, product(*self.values))
            return
        for number in islice(range(0, self.size, max(1, self.size // most)), most):
            yield self._at(number)

    def _at(self, number: int) -> Facts:
        chosen: list[Fact | None] = []
        for each in reversed(self.values):
            number, place = divmod(number, len(each))
            chosen.append(each[place])
        return Facts._make(reversed(chosen))


def boundary_facts(
    expressions: Iterable[pst.Expr], texts: Sequence[str], relationship: str | None
) -> Universe:
    """For each fact spoken of: the values that are written, those beside them, and another.

    ``texts`` are Rego, whose numbers and texts count too and which may speak of every fact.
    """
    longs, words, spoken = _literals(expressions)
    for text in texts:
        longs.update(int(each) for each in _NUMBER.findall(text))
        words.update(one or other for one, other in _TEXT.findall(text))
        spoken.update(Facts._fields)
    near = sorted({0} | {each + step for each in longs for step in (-1, 0, 1)})
    numbers = [each for each in near if LONG_MIN <= each <= LONG_MAX]
    values: list[tuple[Fact | None, ...]] = []
    for (name, kind), default in zip(CONTEXT.items(), DEFAULTS, strict=True):
        plain = name.rstrip("?")
        if plain not in spoken:
            values.append((default,))
            continue
        each = _values(plain, kind, numbers, sorted(words), relationship)
        missing = (None,) if name.endswith("?") else ()
        values.append((*missing, *each[:VALUES_MAX]))
    return Universe(tuple(values))


def _values(
    name: str, kind: str, numbers: Sequence[int], words: Sequence[str], relationship: str | None
) -> Sequence[Fact]:
    closed = {
        "proof": PROOFS,
        "attested": ATTESTED,
        "relationship": (relationship,) if relationship is not None else (),
    }
    if name in closed:
        return closed[name]
    match kind:
        case "Bool":
            return (False, True)
        case "Long":
            return [each for each in numbers if name != "depth" or each >= 0]
        case _:
            return (*words, _OTHER)


def _literals(expressions: Iterable[pst.Expr]) -> tuple[set[int], set[str], set[str]]:
    longs, words, spoken = set[int](), set[str](), set[str]()
    for expression in expressions:
        for node in nodes_of(expression):
            match node:
                case pst.LongLit(value=value):
                    longs.add(value)
                case pst.StringLit(value=value):
                    words.add(value)
                case pst.Like(pattern=pattern):
                    words.add("".join(e.value for e in pattern if isinstance(e, pst.Char)))
                case pst.GetAttr(base=pst.Var(name="context"), attr=name):
                    spoken.add(name)
                case pst.HasAttr(base=pst.Var(name="context"), attrs=names):
                    spoken.add(names[0])
                case _:
                    pass
    return longs, words, spoken
