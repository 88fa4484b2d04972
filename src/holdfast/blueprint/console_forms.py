"""The forms of what people write about the console: roles of groups, policies."""

from types import MappingProxyType
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema

from holdfast.blueprint import spelling
from holdfast.blueprint.console import CONSOLE_ROLES, ConsoleAccess, ConsoleRole
from holdfast.blueprint.fields import LIST_MAX, Form, Name
from holdfast.blueprint.parts import PolicyFile

GROUPS_MAX = 100


def _check_cedar(text: str) -> str:
    spelling.check_policy_name(text)
    if not text.endswith(".cedar"):
        raise spelling.wrong(
            f"`{text}` is not a Cedar file",
            "policies of the console are files that end in `.cedar`",
        )
    return text


Groups: TypeAlias = Annotated[list[Name], Field(min_length=1, max_length=GROUPS_MAX)]
CedarName: TypeAlias = Annotated[
    str,
    AfterValidator(_check_cedar),
    WithJsonSchema({"type": "string", "pattern": r"^(?!/)(?!.*\.\./).+\.cedar$"}),
]


class RolesForm(Form):
    """Groups, as the identity providers name them, by what their members may do at the console."""

    viewer: Groups | None = Field(default=None, description="May see everything that is shown.")
    operator: Groups | None = Field(
        default=None, description="May also revoke, lift revocations and restart workers."
    )
    approver: Groups | None = Field(
        default=None,
        description="May see, and decide about calls that wait for one of their groups.",
    )
    admin: Groups | None = Field(
        default=None, description="May do all of it, and end sessions and make tokens."
    )


class ConsoleForm(Form):
    """Who may do what at the console."""

    roles: RolesForm | None = Field(
        default=None,
        description="Which groups have which role. Whoever is in no such group may see nothing. "
        "Default: only who signs in by a link of this machine may do anything.",
    )
    policies: Annotated[list[CedarName], Field(max_length=LIST_MAX)] | None = Field(
        default=None,
        description="Cedar files, relative to the blueprint, that narrow what roles may do. "
        "They forbid; a permit is refused.",
    )


def settle_console(form: ConsoleForm | None, policies: tuple[PolicyFile, ...]) -> ConsoleAccess:
    if form is None or form.roles is None:
        return ConsoleAccess(policies=policies)
    roles: dict[ConsoleRole, tuple[str, ...]] = {}
    for role in CONSOLE_ROLES:
        groups: list[str] | None = getattr(form.roles, role)
        if groups:
            roles[role] = tuple(sorted(set(groups)))
    return ConsoleAccess(roles=MappingProxyType(roles), policies=policies)


def console_content(access: ConsoleAccess) -> dict[str, JsonValue]:
    """As it is digested; left out where nothing is said: blueprints of before keep their digest."""
    if not access.roles and not access.policies:
        return {}
    roles: JsonValue = {role: list[JsonValue](access.roles[role]) for role in sorted(access.roles)}
    policies: JsonValue = {policy.name: policy.text for policy in access.policies}
    return {"console": {"roles": roles, "policies": policies}}
