"""Controls that have no effect where they stand, and upstreams that none or all would use."""

from collections.abc import Iterator

from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem
from holdfast.blueprint.forms import NodeControlsForm, NodeForm, RelationshipForm
from holdfast.blueprint.kinds import NodeKind, kind_of
from holdfast.blueprint.layout import Layout
from holdfast.blueprint.source import Path

_OF_CALLS = (
    "routing",
    "identity",
    "retries",
    "ejection",
    "fallback",
    "hedge",
    "cache",
    "objectives",
)
"""What the called node says of calls to it, whichever upstream answers."""
_OF_UPSTREAMS = ("breaker", "concurrency", "health", "price")
_TOLLS = ("budget", "bulkhead")
_OF_RELATIONSHIPS = (
    "criticality",
    "identity",
    "retries",
    "fallback",
    "hedge",
    "cache",
    "objectives",
    *_TOLLS,
)
_AMONG_SEVERAL = ("routing", "ejection", "hedge")
_OF_CALLED = {
    "timeouts": ("first_byte_s", "idle_s", "total_s"),
    "limits": ("request_bytes", "answer_bytes", "max_tokens"),
    "concurrency": ("queue", "queue_s"),
}
"""What calls are given by the node they are made to, so that it says nothing on a part of it."""


def placement_problems(draft: Draft, layout: Layout) -> Iterator[Problem]:
    """Every control that says nothing where it stands."""
    for index, form in draft.relationships.items():
        yield from _no_call_passes(draft, ("relationships", index, "controls"), form)
    yield from _two_answers(draft, layout)
    if draft.whole is None:
        return  # whether anything calls or answers a node is known only when all is readable
    for name, node in draft.nodes.items():
        if node.controls is not None:
            yield from _on_node(draft, layout, name, node.controls)
            yield from _on_part(draft, layout, name, node.controls)
        yield from _alone(draft, layout, name, node)
        yield from _all_without_weight(draft, layout, name)
    for index, form in draft.relationships.items():
        yield from _on_relationship(draft, layout, ("relationships", index, "controls"), form)


def _no_call_passes(draft: Draft, path: Path, form: RelationshipForm) -> Iterator[Problem]:
    if form.connects is not None or form.controls is None:
        return
    for name in ("timeouts", "limits", *_OF_RELATIONSHIPS):
        if getattr(form.controls, name) is not None:
            what = f"{name} {_have(name)} no effect here: no call passes over `{form.id}`"
            fix = "move it to a `connects` relationship"
            if name in ("timeouts", "limits"):
                fix = "move them to a `connects` relationship, or to the node that is called"
            yield draft.problem((*path, name), what=what, fix=fix, key=True)


def _have(name: str) -> str:
    return "have" if name in ("timeouts", "limits", "retries", "objectives") else "has"


def _on_node(
    draft: Draft, layout: Layout, node: str, controls: NodeControlsForm
) -> Iterator[Problem]:
    path: Path = ("nodes", node, "controls")
    for name in (*_OF_CALLS, *_OF_UPSTREAMS, *_TOLLS):
        why = _why_idle(layout, node, name) if getattr(controls, name) is not None else None
        if why is not None:
            what = f"{name} {_have(name)} no effect here: {why[0]}"
            yield draft.problem((*path, name), what=what, fix=why[1], key=True)


def _why_idle(layout: Layout, node: str, control: str) -> tuple[str, str] | None:
    """Why a control says nothing on the node, and what to do; None when it does say something."""
    if control in _TOLLS and node in layout.sources:
        return None
    answers, called = layout.upstreams(node), node in layout.callers
    if layout.only_in_group(node) and control not in _OF_UPSTREAMS:
        group = layout.groups(node)[0]
        return (
            f"`{node}` is called only as a part of `{group}`",
            f"move it to nodes.{group}.controls",
        )
    if control in _TOLLS and not called:
        return f"no call is made by or to `{node}`", "move it to a node that calls or is called"
    if not answers:
        return f"`{node}` has no upstream, so no call is sent to it", "move it to a node that has"
    if node not in layout.with_upstream and not called:
        return f"nothing calls `{node}`", "move it to the nodes that are called"
    return None


def _on_part(
    draft: Draft, layout: Layout, node: str, controls: NodeControlsForm
) -> Iterator[Problem]:
    if not layout.only_in_group(node):
        return
    group = layout.groups(node)[0]
    for control, fields in _OF_CALLED.items():
        for name in fields:
            if getattr(getattr(controls, control), name, None) is not None:
                what = f"{name} has no effect here: `{node}` is called only as a part of `{group}`"
                fix = f"write it under nodes.{group}.controls.{control}"
                path: Path = ("nodes", node, "controls", control, name)
                yield draft.problem(path, what=what, fix=fix, key=True)


def _on_relationship(
    draft: Draft, layout: Layout, path: Path, form: RelationshipForm
) -> Iterator[Problem]:
    if form.connects is None or form.controls is None:
        return
    called = form.connects[1].node
    node = draft.nodes.get(called)
    if node is None:
        return
    upstreams = layout.upstreams(called)
    if len(upstreams) == 1 and form.controls.hedge is not None:
        yield _says_nothing(draft, (*path, "hedge"), called)
    if upstreams or kind_of(node.type) is NodeKind.MODEL:
        return  # a model without an upstream is told where it is called
    for name in _OF_RELATIONSHIPS:
        if getattr(form.controls, name) is not None:
            what = f"{name} {_have(name)} no effect here: `{called}` has no upstream to send to"
            fix = "move it to a relationship with a node that has"
            yield draft.problem((*path, name), what=what, fix=fix, key=True)


def _two_answers(draft: Draft, layout: Layout) -> Iterator[Problem]:
    for container, members in layout.members.items():
        parts = [name for name in members if name in layout.with_upstream]
        if container in layout.with_upstream and parts:
            what = (
                f"`{container}` has an upstream, and is composed of `{parts[0]}`, which has one "
                "too: where would a call go?"
            )
            fix = "keep its own upstream, or those of the nodes it is composed of"
            path: Path = ("nodes", container, "controls", "upstream")
            yield draft.problem(path, what=what, fix=fix, key=True)


def _alone(draft: Draft, layout: Layout, name: str, node: NodeForm) -> Iterator[Problem]:
    """Choosing among upstreams where there is only one."""
    controls = node.controls
    if controls is None:
        return
    path: Path = ("nodes", name, "controls")
    if name in layout.callers and len(layout.upstreams(name)) == 1:
        for control in _AMONG_SEVERAL:
            if getattr(controls, control) is not None:
                yield _says_nothing(draft, (*path, control), name)
    upstream = controls.upstream
    if upstream is None or any(len(layout.upstreams(group)) > 1 for group in layout.groups(name)):
        return
    for field in ("weight", "priority"):
        written = field in upstream.model_fields_set
        if written and not (field == "weight" and upstream.weight == 0):
            yield _says_nothing(draft, (*path, "upstream", field), name)


def _says_nothing(draft: Draft, path: Path, node: str) -> Problem:
    what = f"{path[-1]} says nothing while calls to `{node}` have one upstream only"
    fix = "compose a called node of several nodes with upstreams, or remove it"
    return draft.problem(path, what=what, fix=fix, key=True, severity="warning")


def _all_without_weight(draft: Draft, layout: Layout, name: str) -> Iterator[Problem]:
    members = layout.upstreams(name) if name in layout.callers else ()
    if not members or any(_weight(draft, member) > 0 for member in members):
        return
    what = f"every upstream of `{name}` has weight 0, so none has a part of the calls"
    fix = "raise the weight of at least one"
    path: Path = ("nodes", name)
    if members == (name,):
        path = (*path, "controls", "upstream", "weight")
    yield draft.problem(path, what=what, fix=fix, key=True)


def _weight(draft: Draft, name: str) -> int:
    controls = draft.nodes[name].controls
    assert controls is not None
    assert controls.upstream is not None
    return controls.upstream.weight
