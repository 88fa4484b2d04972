"""How the tour reads at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import count

_numbers = count(1)


def styled(text: str) -> str:
    """Bold where there is a terminal."""
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


def title(text: str) -> None:
    """The next step."""
    print("\n" + styled(f"{next(_numbers)}. {text}"), flush=True)


def row(name: str, value: object) -> None:
    """One thing to see."""
    print(f"   {name:<13}{value}", flush=True)


def streamed(name: str, pieces: Iterable[str]) -> None:
    """A row whose value is printed as it comes."""
    print(f"   {name:<13}", end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()
