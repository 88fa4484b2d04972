"""CALM controls: that they can be read by others, and what they say of Holdfast's own controls."""

from collections.abc import Iterator, Mapping

from holdfast.blueprint.control_forms import ControlForm
from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem, suggestion
from holdfast.blueprint.forms import (
    FlowForm,
    NodeControlsForm,
    RelationshipControlsForm,
    RelationshipForm,
)
from holdfast.blueprint.source import Path

_OF_SYSTEM = ("budget", "bulkhead", "console", "objectives", "people", "policies", "policy_keys")
"""What of the whole system may implement a control of it."""
_KNOWN = tuple(
    dict.fromkeys((*NodeControlsForm.model_fields, *RelationshipControlsForm.model_fields))
)


def control_problems(draft: Draft) -> Iterator[Problem]:
    """Everything wrong with CALM controls, wherever they stand."""
    for name, node in draft.nodes.items():
        if node.controls is not None:
            path: Path = ("nodes", name, "controls")
            found = node.controls.__pydantic_extra__
            yield from _of(draft, path, found, written=_written(node.controls), known=_KNOWN)
    for index, form in draft.relationships.items():
        if form.controls is not None and form.controls.__pydantic_extra__:
            path = ("relationships", index, "controls")
            found = form.controls.__pydantic_extra__
            yield from _of(draft, path, found, written=_over(draft, form), known=_KNOWN)
    by_id = {form.id: form for form in draft.relationships.values()}
    for index, form in draft.flows.items():
        if form.controls:
            path = ("flows", index, "controls")
            written = _along(draft, form, by_id)
            yield from _of(draft, path, form.controls, written=written, known=_KNOWN)
    if draft.whole is not None:
        whole = draft.whole
        written = frozenset(name for name in _OF_SYSTEM if getattr(whole, name) is not None)
        path = ("controls",)
        yield from _of(draft, path, whole.controls or {}, written=written, known=_OF_SYSTEM)


def _of(
    draft: Draft,
    path: Path,
    controls: Mapping[str, ControlForm],
    *,
    written: frozenset[str],
    known: tuple[str, ...],
) -> Iterator[Problem]:
    for name, control in controls.items():
        if not name.replace("-", "").isalnum() or not name.isascii():
            what = f"`{name}` is not a usable name of a control"
            fix = "use letters, digits and dashes"
            yield draft.problem((*path, name), what=what, fix=fix, key=True)
        for index, requirement in enumerate(control.requirements):
            if (requirement.config is None) == (requirement.config_url is None):
                what = "a requirement needs exactly one of `config` and `config-url`"
                fix = "write how it is met in `config`, or where that stands in `config-url`"
                yield draft.problem((*path, name, "requirements", index), what=what, fix=fix)
        for index, implementer in enumerate(control.implemented_by or ()):
            if implementer not in written:
                what, fix = _absent(implementer, path, written=written, known=known)
                here: Path = (*path, name, "implemented-by", index)
                yield draft.problem(here, what=what, fix=fix)


def _absent(
    name: str, path: Path, *, written: frozenset[str], known: tuple[str, ...]
) -> tuple[str, str]:
    if name not in known:
        return f"`{name}` is no control of Holdfast", suggestion(name, known, noun="control")
    where = {
        "nodes": "on this node",
        "relationships": "on this relationship or its destination node",
        "flows": "on every relationship of the flow over which calls pass",
    }.get(str(path[0]), "for the system")
    fix = f"write `{name}: ...` there, or take it out"
    if written:
        fix += f"; written are: {', '.join(sorted(written))}"
    return f"`{name}` is not written {where}, so it implements nothing", fix


def _written(controls: NodeControlsForm | RelationshipControlsForm | None) -> frozenset[str]:
    """Names of Holdfast's controls that somebody wrote."""
    fields = type(controls).model_fields if controls is not None else ()
    return frozenset(name for name in fields if getattr(controls, name) is not None)


def _over(draft: Draft, form: RelationshipForm) -> frozenset[str]:
    """What calls over the relationship come under."""
    called = draft.nodes.get(form.connects[1].node) if form.connects else None
    return _written(form.controls) | _written(called.controls if called else None)


def _along(draft: Draft, flow: FlowForm, by_id: Mapping[str, RelationshipForm]) -> frozenset[str]:
    """What every call of the flow comes under."""
    steps = (by_id.get(step.over) for step in flow.steps)
    found = [_over(draft, form) for form in steps if form is not None and form.connects]
    return frozenset[str].intersection(*found) if found else frozenset()
