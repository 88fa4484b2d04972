"""Policies at work on disk: made into bundles, signed, tested, explained and compared.

A file of policies is a blueprint, whose policies are all that it names, or a bundle, which is then
judged alone and within a blueprint.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from holdfast.app.rego import RegoProcess
from holdfast.app.texts import FileError, read_text
from holdfast.blueprint import Blueprint, Problem, load
from holdfast.core import HoldfastError, NodeId
from holdfast.identity import SigningKey
from holdfast.policy import (
    SCHEMA_NAME,
    SUFFIX,
    TESTS_NAME,
    Bundle,
    BundleError,
    Difference,
    Explanation,
    Policy,
    PolicyError,
    Tried,
    compare,
    determined_by,
    explain,
    pack,
    read_bundle,
    read_cases,
    read_facts,
    run_cases,
    sign,
)

BLUEPRINT_NAME = "holdfast.yaml"
BUNDLE_FILES_MAX = 200


class NoTestsError(HoldfastError):
    """There is nothing to run."""

    code = "policy.no-tests"


@dataclass(frozen=True, slots=True)
class Tested:
    """Tests that were run, and the policies that none of them determined."""

    tried: tuple[Tried, ...]
    uncovered: tuple[str, ...]

    @property
    def failed(self) -> tuple[Tried, ...]:
        return tuple(each for each in self.tried if each.faults)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a path names: the policy, the blueprint it is judged within, and the bundle if it is
    one."""

    policy: Policy
    blueprint: Blueprint
    bundle: Bundle | None = None


def _loaded(path: Path) -> Blueprint:
    """The blueprint at ``path``. Nothing it declares is started here, so nobody need have signed
    it."""

    def read(name: str) -> str:
        return read_text(path.parent / name)

    return load(read_text(path), source=str(path), read=read, signed=True)


def _blueprint_at(path: Path | None, beside: Path) -> Blueprint:
    """The blueprint to judge a bundle within: the one named, or ``holdfast.yaml`` near by."""
    if path is not None:
        return _loaded(path)
    for folder in (beside, beside.parent):
        if (folder / BLUEPRINT_NAME).is_file():
            return _loaded(folder / BLUEPRINT_NAME)
    raise FileError(
        f"no {BLUEPRINT_NAME} lies beside {beside}",
        fix="name the blueprint that the bundle is for: --blueprint FILE",
    )


def _found(path: Path, blueprint: Path | None) -> _Found:
    if path.suffix != SUFFIX:
        declared = _loaded(path)
        return _Found(Policy.compile(declared, rego=RegoProcess), declared)
    bundle = read_bundle(read_text(path), source=path.name)
    within = _blueprint_at(blueprint, path.resolve().parent)
    policy = Policy.compile_bundle(within, bundle, name=path.name, rego=RegoProcess)
    return _Found(policy, within, bundle)


def policy_at(path: Path, blueprint: Path | None = None) -> Policy:
    """The policies of a blueprint, or of a bundle within one."""
    return _found(path, blueprint).policy


def make_bundle(
    folder: Path, *, blueprint: Path | None = None, name: str | None = None, trial: bool = False
) -> Bundle:
    """A bundle of the policies and tests in a folder, proven to load in the blueprint: the schema
    is put in, the tests are run. ``PolicyError`` or ``BundleError`` when it would not load."""
    within = _blueprint_at(blueprint, folder.resolve())
    texts = {
        str(path.relative_to(folder)): read_text(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".cedar", ".rego"} or path == folder / TESTS_NAME
    }
    if not any(path.endswith((".cedar", ".rego")) for path in texts):
        raise BundleError(f"{folder} holds no policies", fix="put .cedar files there")
    if len(texts) > BUNDLE_FILES_MAX:
        raise BundleError(f"{folder} holds more than {BUNDLE_FILES_MAX} files of policies")
    called = name or folder.resolve().name
    draft = pack(called, texts)
    policy = Policy.compile_bundle(within, draft, name=called, rego=RegoProcess)
    _, problems = Policy.check_bundle(within, draft, called, rego=RegoProcess)
    if problems:
        raise PolicyError(problems=tuple(problems))
    texts[SCHEMA_NAME] = policy.schema_text
    return pack(called, texts, mode="trial" if trial else "enforce")


def write_bundle(bundle: Bundle, path: Path) -> None:
    """Put a bundle in place whole or not at all: a crash leaves the old file, or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(bundle.text())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def sign_bundle(path: Path, key: Path) -> Bundle:
    """The bundle at ``path`` signed by the P-256 key in ``key`` (PKCS #8 PEM), and written back."""
    bundle = read_bundle(read_text(path), source=path.name)
    signed = sign(bundle, SigningKey.from_pem(read_text(key).encode()))
    write_bundle(signed, path)
    return signed


def run_tests(path: Path, *, blueprint: Path | None = None) -> Tested:
    """Run every test of a blueprint's policies, or of a bundle."""
    found = _found(path, blueprint)
    tried = _tests_of(found, path)
    if not tried:
        raise NoTestsError(
            f"{path} has no tests",
            fix=f"write {TESTS_NAME} into the bundle, or NAME.tests.yaml beside NAME.cedar",
        )
    covered = determined_by(tried)
    uncovered = tuple(name for name in found.policy.own if name not in covered)
    return Tested(tried, uncovered)


def _tests_of(found: _Found, path: Path) -> tuple[Tried, ...]:
    if found.bundle is not None:
        return _tests_in(found.bundle, path.name, found.blueprint)
    tried: list[Tried] = []
    for name, bundle in found.policy.sources.bundles.items():
        tried.extend(_tests_in(bundle, name, found.blueprint))
    for policy in found.blueprint.policies:
        beside = (path.parent / policy.name).with_suffix(".tests.yaml")
        if not policy.name.endswith(SUFFIX) and beside.is_file():
            source = str(Path(policy.name).with_suffix(".tests.yaml"))
            cases, problems = read_cases(read_text(beside), source=source)
            _refuse(problems)
            tried.extend(run_cases(cases, found.policy.decide))
    return tuple(tried)


def _tests_in(bundle: Bundle, name: str, blueprint: Blueprint) -> tuple[Tried, ...]:
    tried, problems = Policy.check_bundle(blueprint, bundle, name, rego=RegoProcess)
    if not tried:
        _refuse(tuple(problems))
    return tried


def _refuse(problems: tuple[Problem, ...]) -> None:
    if problems:
        raise PolicyError(problems=problems)


def explain_call(
    path: Path,
    *,
    principal: str,
    action: str,
    resource: str,
    facts: Mapping[str, str],
    blueprint: Path | None = None,
) -> Explanation:
    """Why the policies at ``path`` decide a call as they do."""
    return explain(
        _found(path, blueprint).policy,
        principal=NodeId(principal),
        action=action,
        resource=NodeId(resource),
        facts=read_facts(facts),
    )


def compare_policies(old: Path, new: Path, blueprint: Path | None = None) -> Difference:
    """What the policies at ``new`` permit that those at ``old`` did not, and the reverse."""
    return compare(_found(old, blueprint).policy, _found(new, blueprint).policy)
