"""``holdfast policy``: what policies say, whether they hold, and what a change of them changes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.command import command, json_option, show
from holdfast.cli.policy_reports import difference_text, explanation_text, tests_text

if TYPE_CHECKING:
    from holdfast.policy import Finding

_path = click.Path(path_type=Path, dir_okay=False)
_file = click.argument("file", type=_path)
_within = click.option(
    "--blueprint",
    type=_path,
    help="The blueprint a bundle is judged within. Default: holdfast.yaml near by.",
)


@click.group()
def policy() -> None:
    """Look at policies, test, bundle, sign, explain and compare them."""


@policy.command("schema")
@_file
@json_option
@command
def policy_schema(file: Path, *, as_json: bool) -> None:
    """Print the Cedar schema that the policies of the blueprint FILE are checked against."""
    from holdfast.app.files import load_blueprint

    loaded = load_blueprint(file)
    text = loaded.policy.schema_text
    show({"schema": text, "digest": loaded.policy.digest}, text, as_json=as_json)


@policy.command("bundle")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("-o", "--output", type=_path, required=True, help="Where: NAME.hfpolicy.")
@click.option("--name", help="What it is called. Default: the folder's name.")
@click.option("--trial", is_flag=True, help="Its policies change no decision; they are recorded.")
@_within
@json_option
@command
def policy_bundle(
    folder: Path,
    *,
    output: Path,
    name: str | None,
    trial: bool,
    blueprint: Path | None,
    as_json: bool,
) -> None:
    """Make one file of the policies in FOLDER, once its tests hold."""
    from holdfast.app.policies import make_bundle, write_bundle

    made = make_bundle(folder, blueprint=blueprint, name=name, trial=trial)
    write_bundle(made, output)
    value = {"bundle": made.digest, "files": sorted(made.files)}
    show(value, f"{output}: {made.digest}", as_json=as_json)


@policy.command("sign")
@_file
@click.option("--key", type=_path, required=True, help="A P-256 key, unencrypted PKCS #8 PEM.")
@json_option
@command
def policy_sign(file: Path, *, key: Path, as_json: bool) -> None:
    """Add a signature to the bundle FILE."""
    from holdfast.app.policies import sign_bundle

    signed = sign_bundle(file, key)
    signers = sorted(signed.signers)
    text = f"{file}: {signed.digest}\nsigned by {', '.join(signers)}"
    show({"bundle": signed.digest, "signers": signers}, text, as_json=as_json)


@policy.command("test")
@_file
@_within
@json_option
@command
def policy_test(file: Path, *, blueprint: Path | None, as_json: bool) -> None:
    """Run the tests of a bundle, or of the policies of a blueprint, and name what none covers."""
    from holdfast.app.policies import run_tests

    tested = run_tests(file, blueprint=blueprint)
    value = {
        "tests": len(tested.tried),
        "failed": [
            {"file": each.case.file, "line": each.case.line, "name": each.case.name,
             "faults": each.faults}
            for each in tested.failed
        ],
        "uncovered": tested.uncovered,
    }  # fmt: skip
    show(value, tests_text(tested), as_json=as_json)
    if tested.failed:
        sys.exit(1)


@policy.command("explain")
@_file
@click.option("--principal", required=True, help="The node that calls.")
@click.option("--action", required=True, help="What it does, such as generate or call.")
@click.option("--resource", required=True, help="The node it is done to.")
@click.option("--fact", "facts", multiple=True, help="A fact of the call: max_tokens=500.")
@_within
@json_option
@command
def policy_explain(
    file: Path,
    *,
    principal: str,
    action: str,
    resource: str,
    facts: tuple[str, ...],
    blueprint: Path | None,
    as_json: bool,
) -> None:
    """Say why the policies of FILE allow or refuse a call."""
    from holdfast.app.policies import explain_call

    parts = [fact.partition("=") for fact in facts]
    words = {name: word if sign else "true" for name, sign, word in parts}
    found = explain_call(
        file,
        principal=principal,
        action=action,
        resource=resource,
        facts=words,
        blueprint=blueprint,
    )
    show(found, explanation_text(found), as_json=as_json)


@policy.command("matrix")
@_file
@_within
@json_option
@command
def policy_matrix(file: Path, *, blueprint: Path | None, as_json: bool) -> None:
    """Show who may do what to whom: every principal, action and resource of FILE's blueprint."""
    from holdfast.app.matrix import matrix_text, permission_matrix

    found = permission_matrix(file, blueprint)
    show(found, matrix_text(found), as_json=as_json)


@policy.command("diff")
@click.argument("old", type=_path)
@click.argument("new", type=_path)
@_within
@json_option
@command
def policy_diff(old: Path, new: Path, *, blueprint: Path | None, as_json: bool) -> None:
    """Show what NEW permits that OLD did not, and the reverse; exit 3 where it permits more."""
    from holdfast.app.policies import compare_policies

    found = compare_policies(old, new, blueprint)
    value = {
        "analysed": found.analysed,
        "proof": found.is_proof,
        "findings": [_finding(each) for each in found.findings],
        "enumerated": found.enumerated,
        "untold": found.untold,
    }
    show(value, difference_text(found), as_json=as_json)
    if any(each.change in {"permits", "loosens"} for each in found.findings):
        sys.exit(3)


def _finding(finding: "Finding") -> dict[str, object]:
    return {
        "change": finding.change,
        "principal": finding.principal,
        "action": finding.action,
        "resource": finding.resource,
        "facts": finding.facts._asdict(),
        "old": finding.old,
        "new": finding.new,
    }
