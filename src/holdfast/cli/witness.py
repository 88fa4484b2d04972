"""``holdfast witness``: cosign the checkpoints of other people's logs."""

import asyncio
import sys
from pathlib import Path

import click

from holdfast.cli.command import command, json_option, show

_folder_option = click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The witness's own directory: its keys, and what it cosigned last.",
)
_name_option = click.option("--name", help="The witness's name in its keys, a URL without scheme.")


@click.group()
def witness() -> None:
    """Watch logs of others: cosign what continues all that was cosigned before, nothing else."""


@witness.command("serve")
@_folder_option
@click.option("--listen", default="127.0.0.1:8090", show_default=True, metavar="HOST:PORT")
@click.option(
    "--log",
    "logs",
    multiple=True,
    required=True,
    metavar="VKEY",
    help="A log to watch: its verifier key, or @FILE with its keys.",
)
@_name_option
@json_option
@command
def witness_serve(
    *, data: Path, listen: str, logs: tuple[str, ...], name: str | None, as_json: bool
) -> None:
    """Answer add-checkpoint (C2SP tlog-witness) until stopped."""
    import uvloop

    from holdfast.app.logs import configure_logs
    from holdfast.app.witnessing import WitnessOptions, WitnessReady, run_witness
    from holdfast.app.wording_of_proofs import witness_text

    configure_logs(as_json=as_json)

    def on_ready(ready: WitnessReady) -> None:
        show({"ready": ready}, witness_text(ready), as_json=as_json)
        sys.stdout.flush()

    options = WitnessOptions(data=data, listen=listen, logs=logs, name=name)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_witness(options, on_ready=on_ready))


@witness.command("key")
@_folder_option
@_name_option
@json_option
@command
def witness_key(*, data: Path, name: str | None, as_json: bool) -> None:
    """Print the witness's verifier keys, for `holdfast up --witness URL=VKEY`; made on first use."""
    from holdfast.app.witnessing import witness_keys
    from holdfast.app.wording_of_proofs import witness_keys_text

    found = witness_keys(data, name=name)
    show(found, witness_keys_text(found), as_json=as_json)
