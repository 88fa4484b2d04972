"""Where new identities come from, other than a file that something else renews."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from holdfast.client.errors import RenewalError

COMMAND_S = 30
SAID_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class Renewed:
    """An identity whose issuer makes the key too, as SPIRE does: the WIT, and the key as PEM."""

    wit: str | bytes = field(repr=False)
    key: bytes = field(repr=False)


Renew: TypeAlias = Callable[[], str | bytes | Renewed]
"""Gives an identity that is good now: a WIT for the key that is held, or one with a key of its
own. It may block; it is called by one thread at a time."""


def by_command(*command: str) -> Renew:
    """Runs a command that prints the WIT, such as ``holdfast identity issue NODE --key FILE``."""

    def renew() -> bytes:
        try:
            done = subprocess.run(command, capture_output=True, timeout=COMMAND_S, check=False)  # noqa: S603 - the developer's own command, no shell
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RenewalError(f"{command[0]} cannot be run: {error}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-SAID_CHARACTERS_MAX:]
            raise RenewalError(f"{command[0]} ended with {done.returncode}: {said}")
        return done.stdout

    return renew
