"""Fields of controls of resilience that must fit each other."""

from collections.abc import Iterator

from holdfast.blueprint.controls import CONNECTIONS_DEFAULT
from holdfast.blueprint.draft import Draft
from holdfast.blueprint.errors import Problem
from holdfast.blueprint.forms import (
    NodeControlsForm,
    NodeForm,
    RelationshipControlsForm,
    RelationshipForm,
)
from holdfast.blueprint.layout import Layout
from holdfast.blueprint.overlays import Own, handed_down, settle_own, settle_retries
from holdfast.blueprint.resilience import Retries
from holdfast.blueprint.resilience_forms import BudgetForm, RetriesForm, RoutingForm
from holdfast.blueprint.source import Path

_ORDERED = (
    ("retries", "backoff_s", "backoff_s_max"),
    ("health", "timeout_s", "every_s"),
    ("concurrency", "calls_min", "calls_start"),
    ("concurrency", "calls_start", "calls_max"),
    ("concurrency", "calls_min", "calls_max"),
)


def consistency_problems(draft: Draft, layout: Layout) -> Iterator[Problem]:
    """Everything in one control, or one above the other, that cannot hold together."""
    if draft.whole is not None:
        yield from _budget(draft, ("budget",), draft.whole.budget)
    for name, node in draft.nodes.items():
        path: Path = ("nodes", name, "controls")
        if node.controls is not None:
            yield from _of_any(draft, path, node.controls)
            yield from _routing(draft, (*path, "routing"), node.controls.routing)
            yield from _retries(draft, (*path, "retries"), node.controls.retries)
    for index, form in draft.relationships.items():
        path = ("relationships", index, "controls")
        if form.controls is not None:
            yield from _of_any(draft, path, form.controls)
            yield from _shared_budget(draft, (*path, "retries"), form.controls.retries)
            yield from _proofs(draft, (*path, "identity", "proofs"), form)
    if draft.whole is not None:
        for name in draft.nodes:
            yield from _ceilings(draft, layout, name)
            yield from _two_masters(draft, layout, name)


def _of_any(
    draft: Draft, path: Path, controls: NodeControlsForm | RelationshipControlsForm
) -> Iterator[Problem]:
    for control, low, high in _ORDERED:
        form = getattr(controls, control, None)
        less: float | None = getattr(form, low, None)
        more: float | None = getattr(form, high, None)
        if less is not None and more is not None and less > more:
            what = f"{low} ({less:g}) is more than {high} ({more:g})"
            fix = f"lower {low}, or raise {high}"
            yield draft.problem((*path, control, low), what=what, fix=fix)
    yield from _budget(draft, (*path, "budget"), controls.budget)


def _budget(draft: Draft, path: Path, form: BudgetForm | None) -> Iterator[Problem]:
    if form is not None and form.calls is None and form.tokens is None and form.money is None:
        what = "the budget limits nothing"
        fix = "write at least one of `calls`, `tokens` and `money`"
        yield draft.problem(path, what=what, fix=fix, key=True)


def _routing(draft: Draft, path: Path, form: RoutingForm | None) -> Iterator[Problem]:
    if form is None:
        return
    if form.by == "session" and form.session_header is None:
        what = "routing by session needs the header that names the session"
        fix = "add `session_header: ...`, such as `x-session-id`"
        yield draft.problem((*path, "by"), what=what, fix=fix)
    if form.by != "session" and form.session_header is not None:
        what = "session_header has no effect: calls are not routed by session"
        fix = "write `by: session` beside it, or remove it"
        yield draft.problem((*path, "session_header"), what=what, fix=fix, key=True)


def _retries(draft: Draft, path: Path, form: RetriesForm | None) -> Iterator[Problem]:
    settled = settle_retries(form, Retries())
    if settled.attempts > 1 and settled.share == settled.per_s_min == 0:
        what = f"share and per_s_min are 0, so none of the {settled.attempts} attempts is a retry"
        fix = "raise one of them, or write `attempts: 1` to retry nothing"
        yield draft.problem(path, what=what, fix=fix, key=True)


def _proofs(draft: Draft, path: Path, form: RelationshipForm) -> Iterator[Problem]:
    """A relationship may demand more than its destination, so both must accept some proof."""
    called = draft.nodes.get(form.connects[1].node) if form.connects else None
    asked = form.controls.identity if form.controls else None
    demanded = called.controls.identity if called and called.controls else None
    if asked is None or asked.proofs is None or demanded is None or demanded.proofs is None:
        return
    if not set(asked.proofs) & set(demanded.proofs):
        what = f"its destination accepts none of these, but {', '.join(demanded.proofs)}"
        fix = "name at least one of those here, or accept one of these there"
        yield draft.problem(path, what=what, fix=fix)


def _shared_budget(draft: Draft, path: Path, form: RetriesForm | None) -> Iterator[Problem]:
    """All relationships to a node share its retry budget, so these two are the node's to say."""
    for name in ("share", "per_s_min"):
        if getattr(form, name, None) is not None:
            what = f"{name} belongs to the node that is called, whose retry budget is shared"
            fix = "write it under the node's controls.retries"
            yield draft.problem((*path, name), what=what, fix=fix, key=True)


def _ceilings(draft: Draft, layout: Layout, name: str) -> Iterator[Problem]:
    """The limit of an upstream on calls, against its connections and what is handed down to it."""
    if name not in layout.with_upstream:
        return
    owners = (name, *layout.groups(name)[:1])
    connections = _written(draft, owners, "limits", "connections") or (name, CONNECTIONS_DEFAULT)
    for field in ("calls_max", "calls_start", "calls_min"):
        found = _written(draft, owners, "concurrency", field)
        if found is not None and found[1] > connections[1]:
            what = f"{field} ({found[1]}) is more than `{name}` has connections ({connections[1]})"
            fix = f"lower {field}, or raise limits.connections"
            yield draft.problem(_place(found[0], field), what=what, fix=fix)
            return
    most = _written(draft, owners[1:], "concurrency", "calls_max")
    if most is None or _written(draft, owners[:1], "concurrency", "calls_max") is not None:
        return
    for field in ("calls_start", "calls_min"):
        found = _written(draft, owners[:1], "concurrency", field)
        if found is not None and found[1] > most[1]:
            what = f"{field} ({found[1]}) is more than the calls_max of `{most[0]}` ({most[1]})"
            fix = f"lower {field}, or write a calls_max beside it"
            yield draft.problem(_place(name, field), what=what, fix=fix)


def _place(node: str, field: str) -> Path:
    return ("nodes", node, "controls", "concurrency", field)


def _written(
    draft: Draft, owners: tuple[str, ...], control: str, field: str
) -> tuple[str, int] | None:
    """Who writes the field first, and what."""
    for name in owners:
        value: int | None = getattr(getattr(draft.nodes[name].controls, control, None), field, None)
        if value is not None:
            return name, value
    return None


_SINGLE = {
    "breaker": "breaker",
    "concurrency": "concurrency",
    "health": "health",
    "price": "price",
    "connect_s": "timeouts.connect_s",
    "connections": "limits.connections",
}


def _two_masters(draft: Draft, layout: Layout, name: str) -> Iterator[Problem]:
    """An upstream has one breaker, one limit, one pool, however many nodes it answers for."""
    first, *others = layout.groups(name) or (name,)
    if not others:
        return
    settled = _handed(draft.nodes[first], draft.nodes[name])
    for other in others:
        against = _handed(draft.nodes[other], draft.nodes[name])
        for field, control in _SINGLE.items():
            if getattr(settled, field) != getattr(against, field):
                what = f"`{name}` is a part of `{first}` and `{other}`, whose {control} differ"
                fix = f"write {control} under nodes.{name}.controls, or the same for both"
                yield draft.problem(("nodes", name), what=what, fix=fix, key=True)


def _handed(group: NodeForm, node: NodeForm) -> Own:
    return settle_own(node.controls, handed_down(settle_own(group.controls, Own())))
