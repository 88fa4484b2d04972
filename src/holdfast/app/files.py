"""Reading a blueprint and the policy files it names from disk."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from holdfast.app.rego import RegoProcess
from holdfast.app.signing import NO_TRUST, Trust, signer_of
from holdfast.app.texts import FileError, read_text
from holdfast.blueprint import Blueprint, Problem, SecretReference, check, load
from holdfast.policy import Policy, PolicyError
from holdfast.policy.console import ConsolePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A blueprint with its policies, of calls and of the console, and the very texts they were made
    from."""

    blueprint: Blueprint
    policy: Policy
    console: ConsolePolicy
    source: str
    text: str
    files: dict[str, str]
    signed_by: str | None = None


class _Reader:
    """Reads policy files beside a blueprint, and remembers what it read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        try:
            text = read_text(self._folder / name)
        except FileError as error:
            raise OSError(error.what) from error
        self.files[name] = text
        return text


def load_blueprint(path: Path, *, trust: Trust = NO_TRUST) -> Loaded:
    """The blueprint at ``path``, whole; ``BlueprintError`` or ``PolicyError`` with all problems.

    ``SignatureError`` where ``trust`` asks for a signature and none holds.
    """
    text = read_text(path)
    signed_by = signer_of(path, text, trust=trust)
    reader = _Reader(path.parent)
    blueprint = load(text, source=str(path), read=reader, signed=signed_by is not None)
    policy = Policy.compile(blueprint, rego=RegoProcess)
    return Loaded(
        blueprint=blueprint,
        policy=policy,
        console=ConsolePolicy.compile(blueprint),
        source=str(path),
        text=text,
        files=reader.files,
        signed_by=signed_by,
    )


def load_texts(source: str, text: str, files: dict[str, str], *, signed: bool = False) -> Loaded:
    """The same from texts already read: what a worker does with what its keeper sent, which has
    looked at the signature."""
    blueprint = load(text, source=source, read=files.__getitem__, signed=signed)
    policy = Policy.compile(blueprint, rego=RegoProcess)
    return Loaded(
        blueprint=blueprint,
        policy=policy,
        console=ConsolePolicy.compile(blueprint),
        source=source,
        text=text,
        files=files,
    )


def problems_of(path: Path, *, trust: Trust = NO_TRUST) -> tuple[Problem, ...]:
    """Everything wrong with the blueprint at ``path``, policies included."""
    text, reader = read_text(path), _Reader(path.parent)
    signed = signer_of(path, text, trust=trust) is not None
    problems = check(text, source=str(path), read=reader, signed=signed)
    if any(problem.severity == "error" for problem in problems):
        return problems  # policies are judged against the blueprint, so it must be one
    blueprint = load(text, source=str(path), read=reader, signed=signed)
    try:
        Policy.compile(blueprint, rego=RegoProcess)
    except PolicyError as error:
        problems = (*problems, *error.problems)
    try:
        ConsolePolicy.compile(blueprint)
    except PolicyError as error:
        problems = (*problems, *error.problems)
    return problems


def secrets_beside(source: Path) -> Callable[[SecretReference], str]:
    """Resolves references to secrets; files are named relative to the blueprint at ``source``."""

    def resolve(reference: SecretReference) -> str:
        if reference.kind == "file":
            return read_text(source.parent / reference.name).strip()
        value = os.environ.get(reference.name)
        if not value:
            raise FileError(
                f"the environment variable {reference.name} that the blueprint names is not set",
                fix=f"set {reference.name} where 'holdfast up' runs",
            )
        return value

    return resolve
