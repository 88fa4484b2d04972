"""Ground Horn rules: which facts follow, for one question with proofs, or for many at once.

A rule says that its head follows when all of its body hold. A set of such rules has one smallest
model; it is computed with a bit for each question (a fact is then the set of questions in which it
holds), and for one question with the first derivation found of each fact, which is a shortest one.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeAlias

Fact: TypeAlias = tuple[str, str]
"""What is said, and of what: ``("controls", "agent")``."""


class Rule(NamedTuple):
    """``head`` follows from all of ``body``. ``words`` says why, with places for ``about``;
    ``actions`` are the containments that stop the rule. A tuple, since a large system has half a
    million of them."""

    head: Fact
    body: tuple[Fact, ...]
    words: str
    about: tuple[str, ...]
    actions: tuple[str, ...]

    @property
    def why(self) -> str:
        return self.words.format(*self.about)


@dataclass(frozen=True)
class Program:
    """Rules, found by what they need."""

    rules: tuple[Rule, ...]
    _using: Mapping[Fact, tuple[Rule, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        using: dict[Fact, list[Rule]] = {}
        for rule in self.rules:
            for fact in rule.body:
                using.setdefault(fact, []).append(rule)
        object.__setattr__(self, "_using", {fact: tuple(them) for fact, them in using.items()})

    @cached_property
    def concluding(self) -> Mapping[Fact, tuple[Rule, ...]]:
        """The rules by their heads."""
        found: dict[Fact, list[Rule]] = {}
        for rule in self.rules:
            found.setdefault(rule.head, []).append(rule)
        return {fact: tuple(them) for fact, them in found.items()}

    def proofs(
        self, given: Iterable[Fact], *, without: frozenset[str] = frozenset()
    ) -> dict[Fact, Rule | None]:
        """Everything that follows from ``given``, each with the rule that first gave it (None: it
        was given), in the order in which it follows. Rules that an action of ``without`` stops do
        not count."""
        found: dict[Fact, Rule | None] = dict.fromkeys(given)
        waiting = deque(found)
        while waiting:
            for rule in self._using.get(waiting.popleft(), ()):
                if rule.head in found or not without.isdisjoint(rule.actions):
                    continue
                if all(fact in found for fact in rule.body):
                    found[rule.head] = rule
                    waiting.append(rule.head)
        return found

    def together(self, given: Sequence[Iterable[Fact]]) -> dict[Fact, int]:
        """For every fact the set of questions (as bits) in which it holds; ``given[i]`` are the
        facts that question ``i`` starts from. Facts that follow from each other one by one hold in
        the same questions, so that a whole circle of them is one step; the circles are visited in
        an order in which once is enough, but for rules with several facts in their body."""
        group, order = _grouped(self._using)
        found = [0] * len(order)
        for bit, facts in enumerate(given):
            for fact in facts:
                if fact in group:
                    found[group[fact]] |= 1 << bit
        steps, joins = self._between(group, len(order))
        changed = True
        while changed:
            for here in order:
                holds = found[here]
                for there in steps[here] if holds else ():
                    found[there] |= holds
            changed = _joined(joins, found)
        return {fact: found[number] for fact, number in group.items()}

    def _between(
        self, group: Mapping[Fact, int], count: int
    ) -> tuple[list[set[int]], list[tuple[int, tuple[int, ...]]]]:
        """The rules between groups: those of one fact as steps, the others as they are."""
        steps: list[set[int]] = [set() for _ in range(count)]
        joins: list[tuple[int, tuple[int, ...]]] = []
        for rule in self.rules:
            head = group[rule.head]
            if len(rule.body) == 1:
                steps[group[rule.body[0]]].add(head)
            else:
                joins.append((head, tuple(group[fact] for fact in rule.body)))
        for number, them in enumerate(steps):
            them.discard(number)
        return steps, joins


def _joined(joins: Iterable[tuple[int, tuple[int, ...]]], found: list[int]) -> bool:
    changed = False
    for head, body in joins:
        holds = found[body[0]]
        for other in body[1:]:
            holds &= found[other]
        if holds & ~found[head]:
            found[head] |= holds
            changed = True
    return changed


def _grouped(using: Mapping[Fact, Sequence[Rule]]) -> tuple[dict[Fact, int], range]:
    """Each fact's circle of one-fact rules (Tarjan), numbered so that rules lead to lower numbers;
    and the numbers in the order in which to visit them."""
    facts: dict[Fact, None] = {}
    following: dict[Fact, list[Fact]] = {}
    for fact, rules in using.items():
        facts[fact] = None
        following[fact] = [rule.head for rule in rules if len(rule.body) == 1]
        facts.update((rule.head, None) for rule in rules)
    group: dict[Fact, int] = {}
    count = 0
    for circle in components(facts, following):
        for fact in circle:
            group[fact] = count
        count += 1
    return group, range(count - 1, -1, -1)


def components(
    facts: Iterable[Fact], following: Mapping[Fact, Sequence[Fact]]
) -> Iterator[list[Fact]]:
    """Strongly connected components, each before those that lead to it. Tarjan (1972), without
    recursion."""
    search = _Search(following)
    for root in facts:
        if root not in search.index:
            yield from search.components_from(root)


@dataclass(slots=True)
class _Search:
    following: Mapping[Fact, Sequence[Fact]]
    index: dict[Fact, int] = field(default_factory=dict[Fact, int])
    low: dict[Fact, int] = field(default_factory=dict[Fact, int])
    stack: list[Fact] = field(default_factory=list[Fact])
    done: set[Fact] = field(default_factory=set[Fact])

    def components_from(self, root: Fact) -> Iterator[list[Fact]]:
        work = [self._entered(root)]
        while work:
            fact, rest = work[-1]
            step = next((other for other in rest if other not in self.done), None)
            if step is None:
                work.pop()
                if work:
                    above = work[-1][0]
                    self.low[above] = min(self.low[above], self.low[fact])
                if self.low[fact] == self.index[fact]:
                    yield _cut_off(self.stack, self.done, fact)
            elif step in self.index:
                self.low[fact] = min(self.low[fact], self.index[step])
            else:
                work.append(self._entered(step))

    def _entered(self, fact: Fact) -> tuple[Fact, Iterator[Fact]]:
        self.index[fact] = self.low[fact] = len(self.index)
        self.stack.append(fact)
        return fact, iter(self.following.get(fact, ()))


def _cut_off(stack: list[Fact], done: set[Fact], until: Fact) -> list[Fact]:
    found: list[Fact] = []
    while not found or found[-1] != until:
        found.append(stack.pop())
        done.add(found[-1])
    return found
