"""What ``holdfast passport`` does: the registry's table, and a word to the running instance."""

import contextlib
from collections.abc import Generator, Mapping
from pathlib import Path

import msgspec

from holdfast.app import wiring
from holdfast.app.acts import author, new_act, principal_of, put_in_force
from holdfast.app.datadir import DataDir
from holdfast.app.models import require_model
from holdfast.app.texts import FileError, read_text
from holdfast.blueprint import Plain, read_yaml
from holdfast.core import Instant, rfc3339, sha256_digest
from holdfast.identity.passports import (
    Kept,
    PassportError,
    PassportStore,
    Step,
    passport_json,
    read_application,
)
from holdfast.world.real import SystemEntropy

PROBLEMS_TOLD = 5


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the options of ``passport create`` say; each overrides the file's member."""

    owner: str | None = None
    org: str | None = None
    contact: str | None = None
    legal_id: str | None = None
    tier: int | None = None
    model: str | None = None
    model_digest: str | None = None
    model_files: Path | None = None
    prompt: Path | None = None
    tools: Path | None = None
    policy_bundle: str | None = None
    image: str | None = None
    max_mandate: Path | None = None


class PassportRow(msgspec.Struct, frozen=True):
    """A passport in a list."""

    sub: str
    status: str
    risk_tier: int
    build: str
    controller: str
    owner: str
    seq: int
    at: str


class Shown(msgspec.Struct, frozen=True):
    """A passport whole: the document, the signed token that proves it, and its versions."""

    passport: dict[str, object]
    token: str
    versions: tuple[PassportRow, ...]


class Changed(msgspec.Struct, frozen=True):
    """What a change left behind; ``change`` finds its record in the log."""

    sub: str
    status: str
    build: str
    seq: int
    change: str
    in_force: str


def create_passport(
    data: DataDir, agent: str, *, file: Path | None, parts: Parts, replace: bool
) -> Changed:
    """A passport for a node that the blueprint in force declares, or its next version."""
    data.require()
    sub = principal_of(data, agent)
    application = read_application(_merged(sub, file, parts))
    act = new_act()
    with _store(data) as store:
        kept = (store.replace if replace else store.create)(application, act=act)
    return _changed(kept, act.id, put_in_force(data))


def step_passport(data: DataDir, agent: str, step: Step, *, reason: str) -> Changed:
    """Suspend, resume or revoke; on every worker of a running instance when this returns."""
    data.require()
    sub, act = principal_of(data, agent), new_act(reason)
    with _store(data) as store:
        kept = store.step(sub, step, act=act)
    return _changed(kept, act.id, put_in_force(data))


def show_passport(data: DataDir, agent: str) -> Shown:
    """The newest version and its history, each verified."""
    data.require()
    sub = principal_of(data, agent)
    with _store(data) as store:
        kept = store.find(sub)
        versions = tuple(passport_row(each) for each in store.history(sub))
    document = passport_json(kept.passport)
    assert isinstance(document, dict)
    return Shown({**document}, kept.token, versions)


def list_passports(data: DataDir) -> list[PassportRow]:
    """The newest version of every passport."""
    data.require()
    with _store(data) as store:
        return [passport_row(each) for each in store.list()]


def passport_row(kept: Kept) -> PassportRow:
    passport = kept.passport
    return PassportRow(
        passport.sub,
        passport.status,
        passport.risk_tier,
        passport.build,
        passport.controller.org,
        passport.owner,
        passport.seq,
        rfc3339(Instant(passport.at)),
    )


@contextlib.contextmanager
def _store(data: DataDir) -> Generator[PassportStore]:
    store = wiring.open_store(data)
    try:
        key = wiring.registry_key(data, SystemEntropy())
        yield PassportStore(store, public=key.public, key=key)
    finally:
        store.close()


def _changed(kept: Kept, change: str, in_force: str) -> Changed:
    passport = kept.passport
    return Changed(passport.sub, passport.status, passport.build, passport.seq, change, in_force)


def _merged(sub: str, file: Path | None, parts: Parts) -> dict[str, object]:
    """The file's application with the options put over it. ``sub`` is the command's."""
    found = _mapping(file) if file is not None else {}
    if found.setdefault("sub", sub) != sub:
        raise PassportError(
            f"{file} is the passport of {found['sub']}", fix=f"leave `sub` out, or name {sub}"
        )
    controller = _part(found, "controller")
    build = _part(found, "build")
    _read_prompt(build, file)
    _put(controller, org=parts.org, contact=parts.contact, legal_id=parts.legal_id)
    _put(build, policy_bundle=parts.policy_bundle, image=parts.image)
    model = _part(build, "model")
    _put(model, ref=parts.model, oms_root=parts.model_digest)
    _read_model(model, _model_files(model, file, parts))
    if model:
        build["model"] = model
    if parts.prompt is not None:
        build["system_prompt"] = _digest(parts.prompt)
    if parts.tools is not None:
        build["tools"] = _plain(parts.tools)
    if parts.max_mandate is not None:
        found["max_mandate"] = _plain(parts.max_mandate)
    _put(found, owner=parts.owner, risk_tier=parts.tier)
    found.setdefault("owner", author())
    return {**found, "controller": controller, "build": build}


def _read_prompt(build: dict[str, object], file: Path | None) -> None:
    """``system_prompt_file`` in a file means the digest of that file, named relative to it."""
    name = build.pop("system_prompt_file", None)
    if name is None or file is None:
        return
    if not isinstance(name, str):
        raise PassportError("`build.system_prompt_file` is no text", fix="name the prompt's file")
    build["system_prompt"] = _digest(file.parent / name)


def _model_files(model: dict[str, object], file: Path | None, parts: Parts) -> Path | None:
    """``files`` of a file's ``model`` means their digest; they are named relative to it."""
    name = model.pop("files", None)
    if parts.model_files is not None or name is None or file is None:
        return parts.model_files
    if not isinstance(name, str):
        raise PassportError("`build.model.files` is no text", fix="name the model's file or folder")
    return file.parent / name


def _read_model(model: dict[str, object], files: Path | None) -> None:
    """The digest of the model's files, which must be admitted as they are now."""
    if files is None:
        return
    checked = require_model(files)
    if model.setdefault("digest", checked.digest) != checked.digest:
        raise PassportError(
            f"the model in {files} has the digest {checked.digest}, not the one given",
            fix="leave `build.model.digest` out, or name the right files",
        )
    model.setdefault("ref", files.name)


def _put(into: dict[str, object], **values: str | int | None) -> None:
    into.update({name: value for name, value in values.items() if value is not None})


def _part(of: Mapping[str, object], name: str) -> dict[str, object]:
    found = of.get(name, {})
    if not isinstance(found, dict):
        raise PassportError(f"`{name}` is no mapping", fix="see docs/identity/passports.md")
    return {str(key): value for key, value in found.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _digest(path: Path) -> str:
    try:
        return sha256_digest(path.read_bytes())
    except OSError as error:
        raise FileError(
            f"{path} cannot be read: {error.strerror}", fix="check the path and its permissions"
        ) from error


def _mapping(path: Path) -> dict[str, object]:
    found = _plain(path)
    if not isinstance(found, dict):
        raise PassportError(f"{path} is no mapping", fix="see docs/identity/passports.md")
    return {**found}


def _plain(path: Path) -> Plain:
    """A YAML or JSON file as plain data; ``PassportError`` with its problems and their lines."""
    document = read_yaml(read_text(path), source=str(path))
    if document.problems:
        told = "; ".join(f"line {p.line}: {p.what}" for p in document.problems[:PROBLEMS_TOLD])
        raise PassportError(f"{path} cannot be read: {told}", fix=document.problems[0].fix)
    return document.data
