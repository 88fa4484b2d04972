"""Where people log in, settled."""

from dataclasses import dataclass

from holdfast.blueprint.controls import SecretReference


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """An OpenID Connect provider whose people are believed, and what we are to it.

    ``issuer`` is its identifier to the letter. ``client_secret`` is None for a public client.
    Where ``groups`` are named, only their members are let in.
    """

    issuer: str
    client_id: str
    client_secret: SecretReference | None = None
    scopes: tuple[str, ...] = ()
    groups_claim: str | None = None
    groups: tuple[str, ...] = ()
