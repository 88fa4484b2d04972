"""What commands must know of the blueprint in force: its nodes, and where its people log in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from holdfast.app.datadir import DataDir, DataDirError
from holdfast.app.texts import FileError, read_text
from holdfast.identity import principals

if TYPE_CHECKING:  # commands read what was left in the data directory, and load no blueprint
    from holdfast.app.files import Loaded
    from holdfast.blueprint import IdentityProvider, SecretReference


class DeclaredProvider(msgspec.Struct, frozen=True, kw_only=True):
    """An identity provider of the blueprint. ``client_secret`` is a reference, a file's with its
    whole path: never the secret."""

    issuer: str
    client_id: str
    client_secret: str | None = None
    scopes: tuple[str, ...] = ()
    groups_claim: str | None = None
    groups: tuple[str, ...] = ()

    def secret(self) -> str | None:
        """The client's secret, read now; ``FileError`` when it is not where it should be."""
        if self.client_secret is None:
            return None
        kind, _, name = self.client_secret.partition(":")
        if kind == "file":
            return read_text(Path(name)).strip()
        value = os.environ.get(name)
        if not value:
            raise FileError(
                f"the environment variable {name} that the blueprint names is not set",
                fix=f"set {name} where 'holdfast login' runs",
            )
        return value


def remember_declared(data: DataDir, loaded: Loaded) -> None:
    """Leave both in the data directory. A crash between them leaves the older of one."""
    data.remember_nodes(principals(loaded.blueprint))
    providers = [_declared(each, loaded.source) for each in loaded.blueprint.people]
    data.remember_people(msgspec.json.encode(providers))


def declared_providers(data: DataDir) -> tuple[DeclaredProvider, ...]:
    """The providers of the blueprint that was in force last."""
    written = data.people()
    if written is None:
        return ()
    try:
        return msgspec.json.decode(written, type=tuple[DeclaredProvider, ...])
    except msgspec.DecodeError as error:
        raise DataDirError(
            f"people.json cannot be read: {error}", fix="run 'holdfast up': it is written anew"
        ) from error


def _declared(provider: IdentityProvider, source: str) -> DeclaredProvider:
    return DeclaredProvider(
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=_reference(provider.client_secret, source),
        scopes=provider.scopes,
        groups_claim=provider.groups_claim,
        groups=provider.groups,
    )


def _reference(secret: SecretReference | None, source: str) -> str | None:
    """A file is named relative to the blueprint, which commands may not know."""
    if secret is None or secret.kind != "file":
        return None if secret is None else str(secret)
    return f"file:{Path(source).absolute().parent / secret.name}"
