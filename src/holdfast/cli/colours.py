"""Colours, where they can be seen and are wanted; what they say is said in words too."""

import os
from dataclasses import dataclass
from typing import IO, Any, Literal, TypeAlias

import click

Tone: TypeAlias = Literal["plain", "good", "warned", "bad", "dim", "head"]

OUTCOME_TONES: "dict[str, Tone]" = {"answered": "good", "refused": "warned", "failed": "bad"}
"""Of a call, by what came of it; any other is plain."""

_STYLES: dict[Tone, dict[str, Any]] = {
    "plain": {},
    "good": {"fg": "green"},
    "warned": {"fg": "yellow"},
    "bad": {"fg": "red", "bold": True},
    "dim": {"dim": True},
    "head": {"bold": True},
}


def are_wanted(stream: IO[str]) -> bool:
    """Whether to colour what goes to ``stream``.

    NO_COLOR says no and FORCE_COLOR yes, each when it is not empty (no-color.org,
    force-color.org); without either: on a terminal that is not a dumb one.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


@dataclass(frozen=True, slots=True)
class Paint:
    """Words in their tone, or plain where colours are not wanted."""

    is_on: bool

    def __call__(self, text: str, tone: Tone) -> str:
        style = _STYLES[tone]
        return click.style(text, **style) if self.is_on and style and text else text
