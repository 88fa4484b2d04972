"""The commands. Thin: each reads its words, calls the application, prints what came back.

Promises: ``main`` is the ``holdfast`` command; one module holds one group of commands.
"""

import sys

import click

from holdfast import __version__
from holdfast.cli.approvals import approvals
from holdfast.cli.attest import attest
from holdfast.cli.audit import audit
from holdfast.cli.blast import blast
from holdfast.cli.calls import calls
from holdfast.cli.calm import calm
from holdfast.cli.completion import completion
from holdfast.cli.console import console
from holdfast.cli.drift import drift
from holdfast.cli.exchange import calm_export, calm_import
from holdfast.cli.export import export
from holdfast.cli.identity import identity
from holdfast.cli.infrastructure import infra
from holdfast.cli.key import key
from holdfast.cli.login import login, logout, whoami
from holdfast.cli.mandate import mandate
from holdfast.cli.model import model
from holdfast.cli.objectives import objectives
from holdfast.cli.passport import passport
from holdfast.cli.policy import policy
from holdfast.cli.prove import prove
from holdfast.cli.review import review
from holdfast.cli.revoke import revoke
from holdfast.cli.sign import sign
from holdfast.cli.status import status
from holdfast.cli.system import check, init, restart, up
from holdfast.cli.tools import tools
from holdfast.cli.top import top
from holdfast.cli.trace import trace
from holdfast.cli.upkeep import audit_alarms, audit_erase, audit_settle
from holdfast.cli.witness import witness

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


for each in (
    init,
    check,
    review,
    up,
    status,
    top,
    calls,
    trace,
    objectives,
    restart,
    key,
    identity,
    login,
    whoami,
    logout,
    model,
    passport,
    mandate,
    revoke,
    tools,
    approvals,
    console,
    sign,
    audit,
    policy,
    drift,
    attest,
    witness,
    calm,
    export,
    infra,
    blast,
    prove,
    completion,
):
    main.add_command(each)
for each in (audit_alarms, audit_settle, audit_erase):
    audit.add_command(each)
for each in (calm_import, calm_export):
    calm.add_command(each)
