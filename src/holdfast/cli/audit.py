"""``holdfast audit``: the log, its records and their proofs."""

import sys
from pathlib import Path

import click

from holdfast.cli.command import command, data_option, json_option, show


@click.group()
def audit() -> None:
    """Verify the log, show the records of a call, prove that they are in it."""


@audit.command("verify")
@data_option
@json_option
@command
def audit_verify(*, data: Path | None, as_json: bool) -> None:
    """Recompute the whole log from its entries and check the signed checkpoint."""
    from holdfast.app.evidence import verify
    from holdfast.app.instances import find_data
    from holdfast.app.wording import verification_text

    found = verify(find_data(data))
    show(found, verification_text(found), as_json=as_json)
    if not found.verified:
        sys.exit(1)


@audit.command("show")
@click.argument("call_id")
@data_option
@json_option
@command
def auditshow(call_id: str, *, data: Path | None, as_json: bool) -> None:
    """Show the records of the call CALL_ID (the x-request-id of its answer)."""
    from holdfast.app.evidence import show as records_of
    from holdfast.app.instances import find_data
    from holdfast.app.wording import records_text

    found = records_of(find_data(data), call_id)
    show(found, records_text(found), as_json=as_json)


@audit.command("prove")
@click.argument("call_id")
@data_option
@json_option
@command
def audit_prove(call_id: str, *, data: Path | None, as_json: bool) -> None:
    """Prove offline that the records of the call CALL_ID are in the log."""
    from holdfast.app.evidence import prove
    from holdfast.app.instances import find_data
    from holdfast.app.wording import proof_text

    found = prove(find_data(data), call_id)
    show(found, proof_text(found), as_json=as_json)
    if not found.verified:
        sys.exit(1)
