"""Writes docs/reference/cli.md from the commands themselves.

python tools/generate_cli_reference.py          write it
python tools/generate_cli_reference.py --check  say whether it is up to date
"""

from collections.abc import Iterator

import click
from reference_pages import REFERENCE, note, settle, table

from holdfast.cli import main as holdfast

INTRODUCTION = """\
# Commands

{note}

Every command prints for people, and with `--json` for programs: one JSON document on standard
output. Diagnosis goes to standard error. A failure says what went wrong and how to mend it, and with
`--json` prints `{"error": {"code", "what", "fix"}}`; [the codes](errors.md) are stable.

| exit status | meaning |
|---|---|
| 0 | done; for `check`: nothing but warnings; for `audit verify` and `audit prove`: verified |
| 1 | refused, not found, not verified, or could not be done; the message says which |
| 2 | the command line itself is wrong |

Commands that take `--data` find the data directory by themselves: the one named, else `.holdfast`
here or in a folder above, else the only instance this user runs.
"""


def commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, groups before what they hold."""
    for name, command in sorted(group.commands.items()):
        full = f"{prefix} {name}"
        yield full, command
        if isinstance(command, click.Group):
            yield from commands(command, full)


def section(full: str, command: click.Command) -> str:
    """One command: usage, what it does, its arguments and flags."""
    context = click.Context(command, info_name=full)
    usage = " ".join([full, *command.collect_usage_pieces(context)])
    parts = [f"## {full}", (command.help or "").strip(), f"```text\n{usage}\n```"]
    options = [p for p in command.params if isinstance(p, click.Option)]
    if options:
        rows = [(f"`{flag(o)}`", meaning(o)) for o in options]
        parts.append(table(("flag", "meaning"), rows).rstrip("\n"))
    return "\n\n".join(parts) + "\n"


def flag(option: click.Option) -> str:
    """The flag with the kind of value it takes."""
    names = ", ".join(option.opts)
    return names if option.is_flag else f"{names} {option.make_metavar(click.Context(holdfast))}"


def meaning(option: click.Option) -> str:
    """The help text, and the default where the text does not say it."""
    text = option.help or ""
    given = option.default
    if option.show_default and given is not None and not option.is_flag:
        text += f" Default `{given}`."
    return text


def reference() -> str:
    """The page."""
    tool = "generate_cli_reference.py"
    parts = [INTRODUCTION.replace("{note}", note(tool))]
    parts += [section(full, command) for full, command in commands(holdfast, "holdfast")]
    return "\n".join(parts)


if __name__ == "__main__":
    raise SystemExit(settle(REFERENCE / "cli.md", reference()))
