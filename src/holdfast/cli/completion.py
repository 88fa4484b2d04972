"""``holdfast completion``: what a shell needs to complete commands, options and names."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
_PROGRAM, _VARIABLE = "holdfast", "_HOLDFAST_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script for SHELL; each shell takes it in its own place.

    \b
    bash   eval "$(holdfast completion bash)"                     in ~/.bashrc
    zsh    eval "$(holdfast completion zsh)"                      in ~/.zshrc, after compinit
    fish   holdfast completion fish > ~/.config/fish/completions/holdfast.fish
    """
    from holdfast.cli import main

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"this version of click knows no {shell}")
    click.echo(found(main, {}, _PROGRAM, _VARIABLE).source())
