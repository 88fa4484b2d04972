"""``holdfast identity``: workload identities of the built-in issuer."""

from pathlib import Path

import click

from holdfast.cli.command import command, data_option, json_option, show
from holdfast.cli.completing import Node


@click.group()
def identity() -> None:
    """Issue workload identities, and print what others verify them with."""


@identity.command("issue")
@click.argument("node", type=Node())
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The workload's P-256 key, PEM or JWK; its public half is enough.",
)
@click.option("--new", "is_new", is_flag=True, help="Make the key; the file must not exist yet.")
@click.option(
    "--lifetime",
    "lifetime_s",
    type=click.IntRange(300, 3_600),
    default=1_800,
    show_default=True,
    help="Seconds until it ends.",
)
@data_option
@json_option
@command
def identity_issue(
    node: str,
    *,
    key_file: Path,
    is_new: bool,
    lifetime_s: int,
    data: Path | None,
    as_json: bool,
) -> None:
    """Issue a WIT for NODE to the holder of a key. For development: workloads get theirs by themselves."""
    from holdfast.app.instances import find_data
    from holdfast.app.issuing import issue_identity

    issued = issue_identity(
        find_data(data), node, key_file=key_file, lifetime_s=lifetime_s, is_new=is_new
    )
    text = f"{issued.wit}\n\n{issued.principal}, until {issued.expires}; key {issued.thumbprint}"
    show(issued, text, as_json=as_json)


@identity.command("bundle")
@data_option
@command
def identity_bundle(*, data: Path | None) -> None:
    """Print the SPIFFE bundle: what verifies this trust domain's identities."""
    from holdfast.app.instances import find_data
    from holdfast.app.issuing import issuer_of

    click.echo(issuer_of(find_data(data)).bundle().document().decode())


@identity.command("jwks")
@data_option
@command
def identity_jwks(*, data: Path | None) -> None:
    """Print the JWK set that verifies mandates and exchanged tokens."""
    from holdfast.app.instances import find_data
    from holdfast.app.issuing import issuer_of

    click.echo(issuer_of(find_data(data)).jwks().decode())
