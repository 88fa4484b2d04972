"""A Cedar file, cut into its policies without understanding them.

Cut apart, each policy can be judged alone, so that every mistake in a file is told at once and with
its line. And what would exhaust the engine's stack never reaches it: Cedar's parser is recursive, so
a thousand nested brackets end the process; brackets and operators are counted here first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

NESTING_MAX = 50
OPERATORS_MAX = 500
POLICIES_MAX = 10_000

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*|[0-9]+)
      | (?P<sign>&&|\|\||==|!=|<=|>=|::|.)""",
    re.VERBOSE | re.DOTALL,
)
_OPENING = "([{"
_CLOSING = ")]}"
_NOT_OPERATORS = frozenset("()[]{},;@?") | {"::"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text and where it begins, from the file's start."""

    text: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One policy as written; ``number`` counts from 1 in its file."""

    file: str
    number: int
    text: str
    line: int
    column: int
    tokens: tuple[Token, ...]

    def place(self, word: str) -> tuple[int, int]:
        """Line and column of a word (or string) in the policy; of its beginning when not there."""
        for token in self.tokens:
            if word in (token.text, token.text.strip('"')):
                return self.place_at(token)
        return self.line, self.column

    def place_at(self, token: Token) -> tuple[int, int]:
        before = self.text[: token.start - self.tokens[0].start]
        line = before.count("\n")
        column = len(before) - (before.rfind("\n") + 1)
        return self.line + line, column + (self.column if line == 0 else 1)

    def fault(self) -> tuple[str, str] | None:
        """Why the engine must not see this, and how to mend it."""
        depth = operators = deepest = 0
        for token in self.tokens:
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
            deepest = max(deepest, depth)
            operators += token.text == "if" or not (
                token.text[0] in '"_' or token.text[0].isalnum() or token.text in _NOT_OPERATORS
            )
        if deepest > NESTING_MAX:
            return f"brackets are nested deeper than {NESTING_MAX}", "flatten the condition"
        if operators > OPERATORS_MAX:
            return f"has more than {OPERATORS_MAX} operators", "split it into several policies"
        return None


def statements(file: str, text: str) -> Iterator[Statement]:
    """The policies of a file in order. What follows the last ``;`` is one more, for the parser."""
    tokens: list[Token] = []
    number = 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "space":
            continue
        tokens.append(Token(match.group(), match.start()))
        if match.group() == ";":
            number += 1
            yield _statement(file, text, number, tokens)
            tokens = []
    if tokens:
        yield _statement(file, text, number + 1, tokens)


def _statement(file: str, text: str, number: int, tokens: list[Token]) -> Statement:
    start, last = tokens[0].start, tokens[-1]
    return Statement(
        file=file,
        number=number,
        text=text[start : last.start + len(last.text)],
        line=text.count("\n", 0, start) + 1,
        column=start - text.rfind("\n", 0, start),
        tokens=tuple(tokens),
    )
