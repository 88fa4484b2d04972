"""The texts that a blueprint's policies come in: Cedar files, Rego files, and bundles of both."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.resources import files

from holdfast.blueprint import Blueprint, PolicyFile, Problem
from holdfast.policy.annotations import Mode
from holdfast.policy.bundles import SUFFIX, Bundle, read_bundle, untrusted
from holdfast.policy.errors import BundleError

BUILT_IN = "built-in"
"""What Holdfast's own policies are called in messages: no policy file can have this name."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text of policies. ``file`` is its name in messages: ``b.hfpolicy/desk.cedar``."""

    file: str
    text: str
    mode: Mode = "enforce"


@dataclass(slots=True)
class Sources:
    """Everything a blueprint's policies are made from, and what could not be read."""

    cedar: list[Source]
    rego: list[Source] = field(default_factory=list[Source])
    bundles: dict[str, Bundle] = field(default_factory=dict[str, Bundle])
    problems: list[Problem] = field(default_factory=list[Problem])


def built_in() -> Source:
    text = files("holdfast.policy").joinpath("declared.cedar").read_text("utf-8")
    return Source(BUILT_IN, text)


def sources_of(blueprint: Blueprint) -> Sources:
    """Holdfast's own first, then the blueprint's in its order."""
    found = Sources(cedar=[built_in()])
    for policy in blueprint.policies:
        if policy.name.endswith(SUFFIX):
            _add_bundle(found, policy, blueprint.policy_keys)
            continue
        if blueprint.policy_keys:
            what = "is not a bundle, and policy_keys asks for signed ones"
            fix = "bundle and sign it: holdfast policy bundle, holdfast policy sign"
            found.problems.append(_problem(policy.name, what, fix))
        _add(found, Source(policy.name, policy.text))
    return found


def _add(found: Sources, source: Source) -> None:
    (found.rego if source.file.endswith(".rego") else found.cedar).append(source)


def _add_bundle(found: Sources, policy: PolicyFile, keys: tuple[str, ...]) -> None:
    try:
        bundle = read_bundle(policy.text, source=policy.name)
    except BundleError as error:
        found.problems.append(_problem(policy.name, error.what, error.fix))
        return
    fault = untrusted(bundle, keys)
    if fault is not None:
        found.problems.append(_problem(policy.name, *fault))
        return
    found.bundles[policy.name] = bundle
    for source in sources_in(bundle, policy.name):
        _add(found, source)


def sources_in(bundle: Bundle, name: str) -> Iterator[Source]:
    """The policies of a bundle that stands under this name."""
    for path, text in bundle.files.items():
        if path.endswith((".cedar", ".rego")):
            yield Source(f"{name}/{path}", text, bundle.manifest.mode)


def sources_alone(bundle: Bundle, name: str) -> Sources:
    """Holdfast's own and those of one bundle, none of it on trial as a whole."""
    found = Sources(cedar=[built_in()])
    for source in sources_in(bundle, name):
        _add(found, replace(source, mode="enforce"))
    return found


def _problem(file: str, what: str, fix: str) -> Problem:
    return Problem(file=file, line=1, column=1, where="", what=what, fix=fix)
