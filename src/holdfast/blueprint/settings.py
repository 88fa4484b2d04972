"""Upstreams, timeouts and limits: judged, and settled over each other."""

from collections.abc import Iterator

from holdfast.blueprint.controls import Limits, Timeouts, Upstream
from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem
from holdfast.blueprint.forms import (
    LimitsForm,
    RelationshipForm,
    TimeoutsForm,
    UpstreamForm,
)
from holdfast.blueprint.kinds import NodeKind, kind_of
from holdfast.blueprint.layout import Layout
from holdfast.blueprint.source import Path
from holdfast.blueprint.spelling import is_loopback, secret_reference, split_url


def setting_problems(draft: Draft, layout: Layout) -> Iterator[Problem]:
    """Everything wrong with controls."""
    for node_id, node in draft.nodes.items():
        path: Path = ("nodes", node_id, "controls")
        if node.controls:
            yield from _waits(draft, path, node.controls.timeouts)
        if node.controls and node.controls.upstream:
            yield from _plain_http(draft, (*path, "upstream"), node.controls.upstream)
    for index, form in draft.relationships.items():
        path = ("relationships", index, "controls")
        if form.controls:
            yield from _waits(draft, path, form.controls.timeouts)
            yield from _shared(draft, path, form)
        yield from _unreachable(draft, layout, ("relationships", index, "connects", 1), form)


def settle_timeouts(form: TimeoutsForm | None, under: Timeouts) -> Timeouts:
    """What ``form`` writes, over ``under``; a wait that it does not write never exceeds the total.

    So ``total_s: 20`` alone means what it says; and a wait written without a total raises the
    total that would have cut it short.
    """
    if form is None:
        return under
    total_s = form.total_s or under.total_s
    return Timeouts(
        connect_s=form.connect_s or min(under.connect_s, total_s),
        first_byte_s=form.first_byte_s or min(under.first_byte_s, total_s),
        idle_s=form.idle_s or min(under.idle_s, total_s),
        total_s=total_s if form.total_s else max(total_s, *_written(form)),
    )


def settle_limits(form: LimitsForm | None, under: Limits) -> Limits:
    """What ``form`` writes, over ``under``."""
    if form is None:
        return under
    return Limits(
        request_bytes=form.request_bytes or under.request_bytes,
        answer_bytes=form.answer_bytes or under.answer_bytes,
        max_tokens=form.max_tokens or under.max_tokens,
        connections=form.connections or under.connections,
    )


def settle_upstream(form: UpstreamForm | None, node_id: str) -> Upstream | None:
    """Where a node answers; asked for under its own id when no other name is written."""
    if form is None or form.url is None:
        return None
    url, address, path = split_url(form.url)
    return Upstream(
        url=url,
        address=address,
        path=path,
        dialect=form.dialect,
        model=form.model or node_id,
        api_key=secret_reference(form.api_key) if form.api_key else None,
        insecure_plain_http=form.insecure_plain_http,
        weight=form.weight,
        priority=form.priority,
    )


def _written(form: TimeoutsForm) -> tuple[float, ...]:
    return (form.connect_s or 0.0, form.first_byte_s or 0.0, form.idle_s or 0.0)


def _waits(draft: Draft, path: Path, form: TimeoutsForm | None) -> Iterator[Problem]:
    if form is None or form.total_s is None:
        return
    for name in ("connect_s", "first_byte_s", "idle_s"):
        wait: float | None = getattr(form, name)
        if wait is not None and wait > form.total_s:
            what = f"{name} ({wait:g}) is more than total_s ({form.total_s:g})"
            fix = f"lower {name}, or raise total_s"
            yield draft.problem((*path, "timeouts", name), what=what, fix=fix)


def _shared(draft: Draft, path: Path, form: RelationshipForm) -> Iterator[Problem]:
    """All relationships to a node share its connections, so these two are the node's to say."""
    timeouts = form.controls.timeouts if form.controls else None
    limits = form.controls.limits if form.controls else None
    for group, name, value in (
        ("timeouts", "connect_s", timeouts.connect_s if timeouts else None),
        ("limits", "connections", limits.connections if limits else None),
    ):
        if value is not None:
            what = f"{name} belongs to the node that is called, whose connections are shared"
            fix = f"write it under the node's controls.{group}"
            yield draft.problem((*path, group, name), what=what, fix=fix, key=True)


def _unreachable(
    draft: Draft, layout: Layout, path: Path, form: RelationshipForm
) -> Iterator[Problem]:
    """A model that is called but has no upstream: where would a call go?"""
    if form.connects is None:
        return
    name = form.connects[1].node
    node = draft.nodes.get(name)
    if node is None or kind_of(node.type) is not NodeKind.MODEL or _may_answer(draft, layout, name):
        return
    what = f"`{name}` is called, but has no upstream: where would a call go?"
    fix = (
        f"add `upstream: {{url: ...}}` under nodes.{name}.controls, or a `composed-of` "
        "relationship to nodes that have one"
    )
    yield draft.problem(path, what=what, fix=fix)


def _may_answer(draft: Draft, layout: Layout, name: str) -> bool:
    """Whether the node or a part of it has an upstream, be it one that is not well written."""
    written = draft.document.at(("relationships",))
    if isinstance(written, list) and len(written) > len(draft.relationships):
        return True  # the part may stand in the relationship that cannot be read
    parts = (name, *layout.members.get(name, ()))
    return any(draft.document.at(("nodes", part, "controls", "upstream")) for part in parts)


def _plain_http(draft: Draft, path: Path, form: UpstreamForm) -> Iterator[Problem]:
    if form.url is None:
        return
    _, address, _ = split_url(form.url)
    if address.tls or is_loopback(address.host):
        return
    what = f"calls to {address.host} would travel unencrypted"
    if form.insecure_plain_http:
        fix = "use https as soon as the upstream offers it"
        path = (*path, "insecure_plain_http")
        yield draft.problem(path, what=what, fix=fix, severity="warning")
    else:
        fix = "use https; or write `insecure_plain_http: true` beside the url and accept the risk"
        yield draft.problem((*path, "url"), what=what, fix=fix)
