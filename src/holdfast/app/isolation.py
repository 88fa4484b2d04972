"""How our own Python processes are started: as little as possible of the surroundings gets in.

``-I`` leaves out the working directory, every ``PYTHON*`` variable and the user's own packages, each
of which could put a module in place of one of ours. Where Holdfast itself was found by one of the
latter two, that one must stay, and the rest is still left out.

Import hooks that packages install (``.pth``, ``sitecustomize``) are not looked for here: they ran
before any line of ours, and could say what they like. They are kept out when an environment is made
(``tools/check_startup_hooks.py``).
"""

import os
import site
import sys
from collections.abc import Iterable
from pathlib import Path

_PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that ``holdfast`` was imported from."""


def python_command(module: str) -> tuple[str, ...]:
    """The start of a command that runs ``module`` of ours, unbuffered."""
    flags = isolation(
        _PACKAGES,
        by_variable=os.environ.get("PYTHONPATH", "").split(os.pathsep),
        by_user=site.getusersitepackages() if site.ENABLE_USER_SITE else None,
    )
    return (sys.executable, *flags, "-u", "-m", module)


def isolation(packages: Path, *, by_variable: Iterable[str], by_user: str | None) -> list[str]:
    """The interpreter's options under which what lies in ``packages`` is still found."""
    if packages in {Path(each).resolve() for each in by_variable if each}:
        return ["-P", "-s"]
    if by_user is not None and packages.is_relative_to(Path(by_user).resolve()):
        return ["-P", "-E"]
    return ["-I"]
