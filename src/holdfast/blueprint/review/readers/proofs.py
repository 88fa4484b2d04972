"""Evidence that controls are met: CALM's ``evidence`` documents, with a day and a validity.

CALM 1.2 has ``unique-id``, ``evidence-paths`` and ``control-config-url``. The last one finds the control:
every control of the blueprint with a requirement of that ``config-url``. CALM has no day; ``dated`` and
``valid-days`` beside them, or in ``metadata``, say it. In place of the URL, ``control`` and ``subject``
may name the control and the node, relationship or flow it is about.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import msgspec

from holdfast.blueprint import Blueprint, Control
from holdfast.blueprint.review.errors import EvidenceError
from holdfast.blueprint.review.evidence import ControlProof
from holdfast.blueprint.review.readers.documents import read_rows
from holdfast.core import JsonObject


class _Row(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What others add beside it is theirs."""

    evidence_paths: tuple[str, ...] = ()
    control_config_url: str | None = None
    control: str | None = None
    subject: str = ""
    dated: str | None = None
    valid_days: int | None = None


def read_control_proofs(
    text: str, *, source: str, blueprint: Blueprint
) -> tuple[ControlProof, ...]:
    """The proofs in the order of the file; one for each control that a document is about."""
    by_url = _controls_by_url(blueprint)
    known = {subject for subject, _ in _controlled(blueprint)}
    found: list[ControlProof] = []
    for number, document in enumerate(read_rows(text, source=source), 1):
        row = _row(document, number, source)
        named = by_url.get(row.control_config_url or "", [])
        if row.control is not None:
            if row.subject not in known:
                what = f"there is no node, relationship or flow `{row.subject}`"
                raise _misfit(source, number, what)
            named = [(row.subject, row.control)]
        found.extend(
            ControlProof(
                control=control,
                subject=subject,
                paths=row.evidence_paths,
                dated=row.dated,
                valid_days=row.valid_days,
            )
            for subject, control in named
        )
    return tuple(found)


def _row(document: JsonObject, number: int, source: str) -> _Row:
    inner = document.get("evidence", document)
    metadata = document.get("metadata")
    beside = metadata if isinstance(metadata, dict) else {}
    try:
        told = {**beside, **inner} if isinstance(inner, dict) else inner
        row = msgspec.convert(told, _Row, strict=False)
        if row.dated is not None:
            date.fromisoformat(row.dated[:10])
    except (msgspec.ValidationError, ValueError) as error:
        raise _misfit(source, number, str(error)) from error
    if row.control is None and row.control_config_url is None:
        raise _misfit(source, number, "names no `control-config-url` and no `control`")
    return row


def _misfit(source: str, number: int, what: str) -> EvidenceError:
    return EvidenceError(
        f"{source}: evidence {number}: {what}",
        fix="write it as CALM's evidence documents, with `dated: 2026-03-31` beside",
    )


def _controls_by_url(blueprint: Blueprint) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for subject, controls in _controlled(blueprint):
        for name, url in _config_urls(controls):
            found.setdefault(url, []).append((subject, name))
    return found


def _config_urls(controls: Mapping[str, Control]) -> Iterator[tuple[str, str]]:
    for name, control in controls.items():
        urls = (requirement.config_url for requirement in control.requirements)
        yield from ((name, url) for url in urls if url is not None)


def _controlled(blueprint: Blueprint) -> Iterator[tuple[str, Mapping[str, Control]]]:
    yield "", blueprint.controls
    for node in blueprint.nodes.values():
        yield node.id, node.controls
    for relationship in blueprint.relationships:
        yield relationship.id, relationship.controls
    for flow in blueprint.flows:
        yield flow.id, flow.controls
