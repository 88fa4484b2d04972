"""A file as it was at a revision of its git repository."""

import subprocess
from pathlib import Path

from holdfast.core import HoldfastError

GIT_S = 20.0
"""How long git may take over one question."""


class RevisionError(HoldfastError):
    """The file's earlier state cannot be had."""

    code = "git.failed"


def text_at(path: Path, revision: str) -> str | None:
    """The text of ``path`` at ``revision``; None when the file did not exist there."""
    if revision.startswith("-"):
        raise RevisionError(f"`{revision}` is no revision", fix="name a branch, tag or commit")
    folder = path.absolute().parent
    commit = _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if commit is None:
        raise RevisionError(
            f"git knows no revision `{revision}` in {folder}",
            fix="name a branch, tag or commit; in CI fetch enough history (fetch-depth: 0)",
        )
    name = commit.decode().strip()
    shown = _git(folder, "show", f"{name}:./{path.name}")
    if shown is None:
        return None
    try:
        return shown.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RevisionError(f"{path.name} at {revision} is not UTF-8 text") from error


def _git(folder: Path, *words: str) -> bytes | None:
    """What git prints; None when it refuses."""
    try:
        done = subprocess.run(  # noqa: S603 - git itself, by no shell; the revision is no option
            ["git", "-C", str(folder), *words],  # noqa: S607 - the git that the user's path has
            capture_output=True,
            timeout=GIT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise RevisionError(
            "git is not installed", fix="install it, or leave --since out"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise RevisionError(f"git took longer than {GIT_S:.0f} seconds") from error
    return done.stdout if done.returncode == 0 else None
