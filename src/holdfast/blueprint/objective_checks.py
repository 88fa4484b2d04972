"""Objectives that nothing could ever be measured for."""

from collections.abc import Iterator

from holdfast.blueprint.budgets import DeclaredCall, declared_calls, price_of
from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem
from holdfast.blueprint.layout import Layout
from holdfast.blueprint.objective_forms import ObjectivesForm
from holdfast.blueprint.source import Path

_OF_STREAMS = ("first_token", "tokens_per_s")


def objective_problems(draft: Draft, layout: Layout) -> Iterator[Problem]:
    """Everything wrong with what objectives cover. Where they may stand is judged elsewhere."""
    if draft.whole is None:
        return
    calls: tuple[DeclaredCall, ...] | None = None
    for path, form in _written(draft):
        calls = calls or tuple(declared_calls(draft, layout))
        covered = _covered(path, calls)
        if not any(value is not None for _, value in form):
            what = "objectives names none"
            fix = "write one, such as `availability: 99.9%`, or remove it"
            yield draft.problem(path, what=what, fix=fix, key=True)
        yield from _no_streams(draft, path, form, covered)
        yield from _no_price(draft, layout, path, form=form, covered=covered)


def _written(draft: Draft) -> Iterator[tuple[Path, ObjectivesForm]]:
    """Objectives, and where they stand."""
    if draft.whole is not None and draft.whole.objectives is not None:
        yield ("objectives",), draft.whole.objectives
    for name, node in draft.nodes.items():
        if node.controls is not None and node.controls.objectives is not None:
            yield ("nodes", name, "controls", "objectives"), node.controls.objectives
    for index, link in draft.relationships.items():
        if link.controls is not None and link.controls.objectives is not None:
            yield ("relationships", index, "controls", "objectives"), link.controls.objectives


def _covered(path: Path, calls: tuple[DeclaredCall, ...]) -> tuple[DeclaredCall, ...]:
    """The calls that objectives at a place are about."""
    match path[0]:
        case "nodes":
            return tuple(call for call in calls if call.called == path[1])
        case "relationships":
            return tuple(call for call in calls if call.index == path[1])
        case _:
            return calls


def _no_streams(
    draft: Draft, path: Path, form: ObjectivesForm, covered: tuple[DeclaredCall, ...]
) -> Iterator[Problem]:
    if not covered or not all(_is_server(draft, call.called) for call in covered):
        return
    for name in _OF_STREAMS:
        if getattr(form, name) is not None:
            what = f"{name} can never be measured: MCP servers do not answer in tokens"
            fix = "use `duration`, or move it to where a model is called"
            yield draft.problem((*path, name), what=what, fix=fix, key=True)


def _no_price(
    draft: Draft,
    layout: Layout,
    path: Path,
    *,
    form: ObjectivesForm,
    covered: tuple[DeclaredCall, ...],
) -> Iterator[Problem]:
    """A model without a price costs nobody knows what, so no cost could be told."""
    if form.cost is None:
        return
    names = dict.fromkeys(name for call in covered for name in call.upstreams)
    models = [name for name in names if not _is_server(draft, name)]
    free = [name for name in models if price_of(draft, layout, name) is None]
    if free:
        what = f"`{free[0]}` has no price, so what its calls cost is not known"
        fix = (
            "add `price: {input: ..., output: ...}` (per million tokens; 0 where nothing is "
            f"charged) under nodes.{free[0]}.controls"
        )
    elif not models:
        what = "cost can never be measured: only calls to models with a `price` cost something"
        fix = "move it to where a model is called"
    else:
        return
    yield draft.problem((*path, "cost"), what=what, fix=fix, key=True)


def _is_server(draft: Draft, name: str) -> bool:
    node = draft.nodes.get(name)
    upstream = node.controls.upstream if node is not None and node.controls else None
    return upstream is not None and upstream.dialect == "mcp"
