"""``holdfast audit``: the log, its records and their proofs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.command import command, data_option, json_option, show
from holdfast.cli.completing import CallName
from holdfast.cli.progress import progress_of

if TYPE_CHECKING:
    from holdfast.audit import Trust


@click.group()
def audit() -> None:
    """Verify the log, show the records of a call, prove to anybody that they are in it."""


def _trust(keys: tuple[str, ...], witnesses: tuple[str, ...], quorum: int | None) -> "Trust":
    from holdfast.app.witnesses import read_keys
    from holdfast.audit import Trust

    vkeys = "\n".join(map(read_keys, keys))
    return Trust.parse(vkeys, witnesses=[read_keys(each) for each in witnesses], quorum=quorum)


key_option = click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="VKEY",
    help="A verifier key of the log, or @FILE with them; each one named must have signed.",
)
witness_option = click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="VKEY",
    help="A witness's verifier key, or @FILE with its keys.",
)
quorum_option = click.option(
    "--quorum",
    type=click.IntRange(0),
    help="How many of the witnesses must have cosigned. Default: all that are named.",
)


@audit.command("verify")
@click.option(
    "--log", "log_at", metavar="URL_OR_DIR", help="Another log: its URL, or a copy of its folder."
)
@key_option
@witness_option
@quorum_option
@data_option
@json_option
@command
def audit_verify(
    *,
    log_at: str | None,
    keys: tuple[str, ...],
    witnesses: tuple[str, ...],
    quorum: int | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Recompute the whole log from its entries and check the signed checkpoint.

    With --log, a log elsewhere: only its tiles are read, and only the keys named are believed.
    """
    from holdfast.app.evidence import verify, verify_far
    from holdfast.app.instances import find_data
    from holdfast.app.wording import verification_text

    if log_at is not None and not keys:
        raise click.UsageError("--log needs --key: nothing beside the log says whose it is")
    if not keys and (witnesses or quorum is not None):
        raise click.UsageError("--witness and --quorum need --key")
    trust = _trust(keys, witnesses, quorum) if keys else None
    with progress_of("verifying entries", as_json=as_json) as progress:
        if log_at is not None and trust is not None:
            found = verify_far(log_at, trust, progress=progress)
        else:
            found = verify(find_data(data), trust, progress=progress)
    show(found, verification_text(found), as_json=as_json)
    if not found.verified:
        sys.exit(1)


@audit.command("key")
@data_option
@json_option
@command
def audit_key(*, data: Path | None, as_json: bool) -> None:
    """Print the log's verifier keys: Ed25519, then ML-DSA-44."""
    from holdfast.app.instances import find_data
    from holdfast.app.wiring import public_keys

    keys = public_keys(find_data(data))
    show({"keys": keys.split()}, keys, as_json=as_json)


@audit.command("receipt")
@click.argument("call_id", type=CallName())
@click.option(
    "--format",
    "form",
    type=click.Choice(["tlog-proof", "cose"]),
    default="tlog-proof",
    show_default=True,
    help="C2SP tlog-proof, or COSE as SCITT has it (RFC 9942).",
)
@click.option(
    "--record",
    "number",
    type=click.IntRange(0),
    help="Which record of the call, from 0. Default: its last.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it; the entry that it proves goes beside it, to FILE.entry.",
)
@data_option
@json_option
@command
def audit_receipt(
    call_id: str,
    *,
    form: str,
    number: int | None,
    output: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Give away a receipt for a record of the call CALL_ID: anyone checks it with no server."""
    import asyncio

    from holdfast.app.instances import find_data
    from holdfast.app.receipts import issue, write_receipt
    from holdfast.app.wording_of_proofs import issued_text

    if form == "cose" and output is None and not as_json:
        raise click.UsageError("a COSE receipt is binary: name a file with -o")
    found = asyncio.run(issue(find_data(data), call_id, form=form, number=number))
    entry = None if output is None else write_receipt(found, output)
    show(found, issued_text(found, output, entry), as_json=as_json)


@audit.command("verify-receipt")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--entry",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The entry that it proves, byte for byte. Default: FILE.entry.",
)
@key_option
@witness_option
@quorum_option
@json_option
@command
def audit_verify_receipt(
    file: Path,
    *,
    entry: Path | None,
    keys: tuple[str, ...],
    witnesses: tuple[str, ...],
    quorum: int | None,
    as_json: bool,
) -> None:
    """Verify the receipt FILE, of either form, with nothing but the log's key."""
    from holdfast.app.receipts import check
    from holdfast.app.wording_of_proofs import checked_text

    if not keys:
        raise click.UsageError("--key is needed: a receipt does not say whom to believe")
    found = check(file, entry=entry, trust=_trust(keys, witnesses, quorum))
    show(found, checked_text(found), as_json=as_json)


@audit.command("gossip")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@key_option
@click.option(
    "--log", "log_at", metavar="URL_OR_DIR", help="The log itself, to hold every head against."
)
@json_option
@command
def audit_gossip(
    files: tuple[Path, ...], *, keys: tuple[str, ...], log_at: str | None, as_json: bool
) -> None:
    """Compare the heads that clients were shown, collected in FILES, and tell a split view.

    A file may be anything that holds Holdfast-Checkpoint fields or checkpoints: headers as curl
    prints them, an access log, receipts.
    """
    from holdfast.app.gossip import gossip
    from holdfast.app.wording_of_proofs import compared_text

    if not keys:
        raise click.UsageError("--key is needed: heads that nobody signed prove nothing")
    found = gossip(list(files), trust=_trust(keys, (), None), log=log_at)
    show(found, compared_text(found), as_json=as_json)
    if not found.consistent:
        sys.exit(1)


@audit.command("show")
@click.argument("call_id", type=CallName())
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
@click.argument("call_id", type=CallName())
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
