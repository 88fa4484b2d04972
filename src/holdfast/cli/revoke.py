"""``holdfast revoke``: what is no longer accepted."""

import re
from pathlib import Path

import click

from holdfast.cli.command import command, data_option, json_option, show

_reason = click.option("--reason", default="", help="Why; stands in the log.")


_DASHED_THUMBPRINT = re.compile("-[A-Za-z0-9_-]{42}")


class _Subjects(click.Command):
    """A thumbprint is base64url: one in 64 begins with a dash, and is no option for it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        subjects = [each for each in args if _DASHED_THUMBPRINT.fullmatch(each)]
        options = [each for each in args if each not in subjects]
        return super().parse_args(ctx, [*options, "--", *subjects] if subjects else args)


@click.group()
def revoke() -> None:
    """Revoke an agent, build, controller, key, mandate, principal, tenant or tool."""


def _add(kind: str, about: str) -> None:
    @revoke.command(kind, cls=_Subjects, help=about)
    @click.argument("subject")
    @_reason
    @data_option
    @json_option
    @command
    def _revoke_kind(subject: str, reason: str, *, data: Path | None, as_json: bool) -> None:
        from holdfast.app.instances import find_data
        from holdfast.app.revocations import revoke as revoke_it
        from holdfast.app.wording import revoked_text

        done = revoke_it(find_data(data), kind, subject, reason=reason)
        show(done, revoked_text(done), as_json=as_json)


for _kind, _about in (
    ("agent", "Revoke an agent: a node's id or a SPIFFE ID. Ends all that descends from it."),
    ("build", "Revoke every agent of a build (sha256:..., as 'passport show' has it)."),
    ("controller", "Revoke every agent of a controller, by legal id or name."),
    ("key", "Revoke a key by its RFC 7638 thumbprint. Final."),
    ("mandate", "Revoke a mandate by its jti, and every mandate made from it. Final."),
    ("principal", "Revoke a person (user:ISSUER:SUB) or a node."),
    ("tenant", "Revoke a whole tenant."),
    ("tool", "Revoke a tool: NODE/TOOL, or the digest of its descriptor."),
):
    _add(_kind, _about)


@revoke.command("list")
@click.option("--all", "lifted", is_flag=True, help="Those that were lifted too.")
@data_option
@json_option
@command
def revoke_list(*, lifted: bool, data: Path | None, as_json: bool) -> None:
    """List what is revoked: since when, by whom, why."""
    from holdfast.app.instances import find_data
    from holdfast.app.revocations import list_revocations
    from holdfast.app.wording import revocation_table

    found = list_revocations(find_data(data), lifted=lifted)
    show({"revocations": found}, revocation_table(found), as_json=as_json)


@revoke.command("undo")
@click.argument("revocation_id", metavar="ID")
@_reason
@data_option
@json_option
@command
def revoke_undo(revocation_id: str, reason: str, *, data: Path | None, as_json: bool) -> None:
    """Lift the revocation ID (as in 'revoke list'); keys and mandates stay revoked."""
    from holdfast.app.instances import find_data
    from holdfast.app.revocations import undo
    from holdfast.app.wording import revoked_text

    done = undo(find_data(data), revocation_id, reason=reason)
    show(done, revoked_text(done), as_json=as_json)
