"""What comes again and again in records, as numbers: words, pairs, kinds of calls, crews.

Names that only refused calls have brought are anybody's invention: after the first thousand they
count as one, so that nobody fills the history by asking for what is not there.
"""

from typing import TypeAlias, cast

from holdfast.history.tables import read_cursor
from holdfast.world.ports import Transaction

OTHER = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for names beyond a bound. The record has the name itself."""
STRANGE_MAX = 1_000
"""Names of models, servers and tools that were met in refused calls only."""
KINDS_MAX = 20_000
"""Combinations of principal, callee, relationship, tool, outcome and rule."""
WORDS_MAX = 200_000
CREWS_MAX = 10_000
"""Combinations of agents that share a session; agents beyond join none."""

# principal, callee, relationship, tool, outcome, rule
Kind: TypeAlias = tuple[str | None, str | None, str | None, str | None, str, str | None]
Pair: TypeAlias = tuple[str | None, str | None, str | None]


class Naming:
    """The writer's memory of these tables. New rows are written at once, in the transaction under
    way: when that fails the memory is of no use, and another is made."""

    __slots__ = ("_change", "_crews", "_kinds", "_names", "_pairs", "_words", "crews", "strange")

    def __init__(self, view: Transaction) -> None:
        self._change = view
        self.strange = read_cursor(view).strange
        rows = view.query("SELECT word, id FROM words")
        self._words = dict(cast("list[tuple[str, int]]", rows))
        pairs = view.query("SELECT caller, callee, relationship, id FROM pairs")
        self._pairs = {row[:3]: row[3] for row in cast("list[tuple[*Pair, int]]", pairs)}
        kinds = view.query(
            "SELECT principal, callee, relationship, tool, outcome, rule, id, pair FROM kinds"
        )
        self._kinds = {row[:6]: row[6:] for row in cast("list[tuple[*Kind, int, int]]", kinds)}
        self._names = {name for kind in self._kinds for name in (kind[1], kind[3])}
        crews = view.query("SELECT agents, id FROM crews")
        self._crews = dict(cast("list[tuple[str, int]]", crews))
        self.crews = {
            number: tuple(agents.split("\n")) if agents else ()
            for agents, number in self._crews.items()
        }

    def within(self, change: Transaction) -> None:
        """Write into this transaction from now on."""
        self._change = change

    def word(self, word: str | None) -> int | None:
        """The number of a word."""
        if word is None:
            return None
        number = self._words.get(word)
        return self._new_word(word) if number is None else number

    def _new_word(self, word: str) -> int:
        if len(self._words) >= WORDS_MAX and word != OTHER:
            return self.word(OTHER) or 0
        number = len(self._words) + 1
        self._change.execute("INSERT INTO words VALUES (?, ?)", (number, word))
        self._words[word] = number
        return number

    def kind(self, kind: Kind) -> tuple[int, int]:
        """The numbers of a kind of calls and of its pair."""
        return self._kinds.get(kind) or self._new_kind(kind)

    def _new_kind(self, kind: Kind) -> tuple[int, int]:
        principal, callee, relationship, tool, outcome, rule = kind
        refused = outcome == "refused"
        callee, tool = self._name(callee, refused), self._name(tool, refused)
        if len(self._kinds) >= KINDS_MAX:
            principal = callee = tool = OTHER
        folded = (principal, callee, relationship, tool, outcome, rule)
        known = self._kinds.get(folded)
        if known is not None:
            return known
        caller = caller_of(principal)
        pair = self._pair((caller, callee, relationship))
        number = len(self._kinds) + 1
        self._change.execute(
            "INSERT INTO kinds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, pair, principal, caller, callee, relationship, tool, outcome, rule),
        )
        self._kinds[folded] = number, pair
        return number, pair

    def _name(self, name: str | None, refused: bool) -> str | None:
        if name is None or name in self._names:
            return name
        if refused:
            if self.strange >= STRANGE_MAX:
                return OTHER
            self.strange += 1
        self._names.add(name)
        return name

    def _pair(self, pair: Pair) -> int:
        number = self._pairs.get(pair)
        if number is None:
            number = len(self._pairs) + 1
            self._change.execute("INSERT INTO pairs VALUES (?, ?, ?, ?)", (number, *pair))
            self._pairs[pair] = number
        return number

    def crew(self, agents: tuple[str, ...]) -> int | None:
        """The number of the agents of a session; None when there is no room for another."""
        text = "\n".join(agents)
        number = self._crews.get(text)
        if number is None and len(self._crews) < CREWS_MAX:
            number = len(self._crews) + 1
            self._change.execute("INSERT INTO crews VALUES (?, ?)", (number, text))
            self._crews[text] = number
            self.crews[number] = agents
        return number


def caller_of(principal: str | None) -> str | None:
    """The node, or the person, at the end of a SPIFFE ID."""
    return None if principal is None else principal.rpartition("/")[2]
