"""What policies say about themselves: their name, whether they are on trial, what they ask for.

An annotation that is not known is refused: a misspelt ``@require_approval`` would otherwise drop the
approval without a word.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from cedarpy import pst

from holdfast.blueprint import suggestion
from holdfast.policy.obligations import KINDS, Obligation, ObligationKind, read_obligation

Mode: TypeAlias = Literal["enforce", "trial"]
"""A policy on trial changes no decision; what it would change is recorded."""

MODES: tuple[Mode, ...] = ("enforce", "trial")
TOLD = ("advice", "description", "owner", "reason")
"""Annotations for people; they mean nothing here."""

KNOWN = ("id", "mode", *KINDS, *TOLD)

Fault: TypeAlias = tuple[str, str, str]
"""What, fix, and the word to point at."""


def mode_of(scope: pst.Template, given: Mode) -> Mode:
    """``given`` is its file's; a policy on trial in a bundle in force stays on trial."""
    return "trial" if scope.annotations.get("mode") == "trial" else given


def obligations_of(scope: pst.Template) -> tuple[Obligation, ...]:
    """What a permit asks for; its annotations have no faults."""
    return tuple(
        each
        for kind in _obliging(scope.annotations)
        for each in read_obligation(kind, scope.annotations[kind])[0]
    )


def annotation_faults(scope: pst.Template) -> Iterator[Fault]:
    written = scope.annotations
    for name in sorted(written):
        if name not in KNOWN:
            yield f"there is no annotation `@{name}`", suggestion(name, KNOWN, noun="name"), name
    if "mode" in written and written["mode"] not in MODES:
        what = f"there is no mode `{written['mode'][:80]}`"
        yield what, 'write @mode("trial"), or remove it to enforce', written["mode"]
    for kind in _obliging(written):
        if scope.effect == "forbid":
            what = f"is a forbid with `@{kind}`: nothing passes that could be obliged"
            yield what, "put obligations on a permit", kind
            continue
        fault = read_obligation(kind, written[kind])[1]
        if fault is not None:
            yield fault[0], fault[1], kind


def _obliging(written: Mapping[str, str]) -> list[ObligationKind]:
    return [kind for kind in KINDS if kind in written]
