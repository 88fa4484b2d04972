"""Flows: their steps take declared relationships and chain."""

from collections.abc import Iterator

from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem, suggestion
from holdfast.blueprint.forms import FlowForm, RelationshipForm
from holdfast.blueprint.source import Path


def flow_problems(draft: Draft) -> Iterator[Problem]:
    """Everything wrong with flows."""
    by_id = {form.id: form for form in draft.relationships.values()}
    for index, form in draft.flows.items():
        yield from _steps(draft, ("flows", index, "steps"), form, by_id)


def _steps(
    draft: Draft, path: Path, flow: FlowForm, by_id: dict[str, RelationshipForm]
) -> Iterator[Problem]:
    """Each step starts at a node the flow has reached, be it by going there or by starting there.

    CALM's flows seldom spell out the way back, so a step may start at any node reached so far,
    not only at the last one.
    """
    reached: dict[str, None] = {}
    for index, step in enumerate(flow.steps):
        here: Path = (*path, index, "over")
        form = by_id.get(step.over)
        if form is None:
            if step.over not in draft.relationship_ids:
                what = f"there is no relationship `{step.over}`"
                fix = suggestion(step.over, draft.relationship_ids, noun="relationship")
                yield draft.problem(here, what=what, fix=fix)
            return  # where the flow stands from here on cannot be known
        starts, ends = _ends(form, back=step.back)
        if not starts:
            what = f"nothing passes over `{step.over}`"
            yield draft.problem(here, what=what, fix="take a connects or interacts relationship")
            return
        if reached and not any(name in reached for name in starts):
            names = " or ".join(f"`{name}`" for name in starts)
            what = f"the step starts at {names}, where the flow has not been"
            fix = f"reached so far: {', '.join(reached)}. Add the step that leads there, or `back`"
            yield draft.problem(here, what=what, fix=fix)
        reached |= dict.fromkeys((*starts, *ends))


def _ends(form: RelationshipForm, *, back: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The nodes where a step over the relationship may start, and where it may end."""
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    if form.connects:
        starts, ends = (form.connects[0].node,), (form.connects[1].node,)
    elif form.interacts:
        starts, ends = (form.interacts.actor,), tuple(form.interacts.nodes)
    return (ends, starts) if back else (starts, ends)
