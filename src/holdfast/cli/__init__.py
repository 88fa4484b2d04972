"""The commands. Thin: each reads its words, calls the application, prints what came back.

Promises: ``main`` is the ``holdfast`` command; one module holds one group of commands.
"""

import sys

import click

from holdfast import __version__
from holdfast.cli.audit import audit
from holdfast.cli.key import key
from holdfast.cli.policy import policy
from holdfast.cli.system import check, init, restart, up

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="holdfast")
def main() -> None:
    """Run a declared AI system: every call identified, allowed, routed, recorded."""
    if not __debug__:
        click.echo(
            "error: Holdfast does not run under python -O: its assertions guard it", err=True
        )
        sys.exit(2)


for each in (init, check, up, restart, key, audit, policy):
    main.add_command(each)
