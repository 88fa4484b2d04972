"""The forms of what people write about where they log in."""

from typing import Annotated, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from holdfast.blueprint import spelling
from holdfast.blueprint.fields import Form, Name, Secret
from holdfast.blueprint.people import IdentityProvider

PROVIDERS_MAX = 8
SCOPES_MAX = 20
GROUPS_MAX = 100


def _check_issuer(text: str) -> str:
    spelling.check_url(text)
    address = spelling.split_url(text)[1]
    if not (address.tls or spelling.is_loopback(address.host)):
        raise spelling.wrong(
            "an issuer speaks https, or http on this machine only", "write it as `https://...`"
        )
    return text


Issuer: TypeAlias = Annotated[
    str,
    AfterValidator(_check_issuer),
    WithJsonSchema({"type": "string", "pattern": "^https?://"}),
]
Scope: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[!#-\[\]-~]+$", max_length=100)
]  # RFC 6749 section 3.3


class ProviderForm(Form):
    """An identity provider (OpenID Connect) whose people may log in."""

    issuer: Issuer = Field(
        description="The provider's identifier, exactly as it writes it in its metadata. By being "
        "named here it may lie in a private network, or be http on this machine."
    )
    client_id: Name = Field(description="What this system is called at the provider.")
    client_secret: Secret | None = Field(
        default=None,
        description="Where the client's secret is kept, for providers that give one: `env:NAME` or "
        "`file:PATH`. Default: a public client, which is safe by PKCE.",
    )
    scopes: Annotated[list[Scope], Field(max_length=SCOPES_MAX)] | None = Field(
        default=None, description="What is asked for beside `openid profile`."
    )
    groups_claim: Name | None = Field(
        default=None,
        description="The claim of the ID token that lists a person's groups. Default: none is read.",
    )
    groups: Annotated[list[Name], Field(min_length=1, max_length=GROUPS_MAX)] | None = Field(
        default=None,
        description="Only members of one of these may log in; `groups_claim` says where they are "
        "listed. Default: everybody whom the provider knows.",
    )

    @model_validator(mode="after")
    def check_groups(self) -> Self:
        if self.groups is not None and self.groups_claim is None:
            raise spelling.wrong(
                "groups are named, and not the claim that lists them", "write `groups_claim` too"
            )
        return self


def _check_once(forms: list[ProviderForm]) -> list[ProviderForm]:
    if len({form.issuer for form in forms}) != len(forms):
        raise spelling.wrong("an issuer is named twice", "name each once")
    return forms


ProvidersForm: TypeAlias = Annotated[
    list[ProviderForm],
    Field(min_length=1, max_length=PROVIDERS_MAX),
    AfterValidator(_check_once),
]


def settle_people(forms: list[ProviderForm] | None) -> tuple[IdentityProvider, ...]:
    """The providers, by issuer: their order in the file means nothing."""
    found = (
        IdentityProvider(
            issuer=form.issuer,
            client_id=form.client_id,
            client_secret=spelling.secret_reference(form.client_secret)
            if form.client_secret
            else None,
            scopes=tuple(sorted(set(form.scopes or ()))),
            groups_claim=form.groups_claim,
            groups=tuple(sorted(set(form.groups or ()))),
        )
        for form in forms or ()
    )
    return tuple(sorted(found, key=lambda each: each.issuer))


def people_content(forms: list[ProviderForm] | None) -> dict[str, JsonValue]:
    """As it is digested; left out where there are none: blueprints of before keep their digest."""
    if not forms:
        return {}
    people: list[JsonValue] = [
        {
            "issuer": each.issuer,
            "client_id": each.client_id,
            "client_secret": str(each.client_secret) if each.client_secret else None,
            "scopes": list[JsonValue](each.scopes),
            "groups_claim": each.groups_claim,
            "groups": list[JsonValue](each.groups),
        }
        for each in settle_people(forms)
    ]
    return {"people": people}
