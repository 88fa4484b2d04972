"""``holdfast attest``: evidence of confidential machines, judged offline."""

import sys
from pathlib import Path

import click

from holdfast.cli.command import command, json_option, show

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def attest() -> None:
    """Judge evidence of confidential machines: Intel TDX, AMD SEV-SNP, AWS Nitro, NVIDIA."""


@attest.command("verify")
@click.argument("file", type=_FILE)
@click.option(
    "--kind",
    type=click.Choice(["tdx", "snp", "nitro", "nvidia"]),
    required=True,
    help="Whose evidence FILE is.",
)
@click.option(
    "--certs", type=_FILE, help="The device's certificate chain, PEM or DER (snp, nvidia)."
)
@click.option("--collateral", type=_FILE, help="The vendor's dated data, JSON (tdx).")
@click.option("--at", metavar="TIME", help="Judge at this time instead of now.")
@click.option("--policy", type=_FILE, help="An appraisal policy, JSON.")
@click.option(
    "--tier", type=click.IntRange(0, 4), default=0, help="The agent's risk tier. Default: 0."
)
@json_option
@command
def attest_verify(
    *,
    file: Path,
    kind: str,
    certs: Path | None,
    collateral: Path | None,
    at: str | None,
    policy: Path | None,
    tier: int,
    as_json: bool,
) -> None:
    """Verify the evidence in FILE up to its vendor's pinned root, and appraise it.

    Exit status 1 when it is refused, or when the appraisal is contraindicated.
    """
    from holdfast.app.attestation import judged_text, verify

    found = verify(
        file,
        kind,
        at=at,
        certificates=certs,
        collateral=collateral,
        policy=policy,
        tier=tier,
    )
    show(found, judged_text(found), as_json=as_json)
    if found.appraisal.status == "contraindicated":
        sys.exit(1)
