"""Reading a blueprint and the policy files it names from disk."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from holdfast.blueprint import Blueprint, Problem, SecretReference, check, load
from holdfast.core import HoldfastError
from holdfast.policy import Policy, PolicyError

FILE_BYTES_MAX = 1024 * 1024


class FileError(HoldfastError):
    """A file cannot be read."""

    code = "file.unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A blueprint with its policy, and the very texts they were made from."""

    blueprint: Blueprint
    policy: Policy
    source: str
    text: str
    files: dict[str, str]


def read_text(path: Path) -> str:
    """A UTF-8 text file of bounded size."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(
            f"{path} cannot be read: {error.strerror}", fix="check the path and its permissions"
        ) from error
    if len(data) > FILE_BYTES_MAX:
        raise FileError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 text: byte {error.start}") from error


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


def load_blueprint(path: Path) -> Loaded:
    """The blueprint at ``path``, whole; ``BlueprintError`` or ``PolicyError`` with all problems."""
    text = read_text(path)
    reader = _Reader(path.parent)
    blueprint = load(text, source=str(path), read=reader)
    policy = Policy.compile(blueprint)
    return Loaded(
        blueprint=blueprint, policy=policy, source=str(path), text=text, files=reader.files
    )


def load_texts(source: str, text: str, files: dict[str, str]) -> Loaded:
    """The same from texts already read: what a worker does with what its keeper sent."""
    blueprint = load(text, source=source, read=files.__getitem__)
    policy = Policy.compile(blueprint)
    return Loaded(blueprint=blueprint, policy=policy, source=source, text=text, files=files)


def problems_of(path: Path) -> tuple[Problem, ...]:
    """Everything wrong with the blueprint at ``path``, policies included."""
    text, reader = read_text(path), _Reader(path.parent)
    problems = check(text, source=str(path), read=reader)
    if any(problem.severity == "error" for problem in problems):
        return problems  # policies are judged against the blueprint, so it must be one
    try:
        Policy.compile(load(text, source=str(path), read=reader))
    except PolicyError as error:
        return (*problems, *error.problems)
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
