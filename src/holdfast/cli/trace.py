"""``holdfast trace``: one call, or all calls of a trace, as a tree by time."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.colours import OUTCOME_TONES
from holdfast.cli.command import command, data_option, json_option, show
from holdfast.cli.completing import CallName
from holdfast.cli.drawing import Drawing
from holdfast.cli.instants import local_day, local_time
from holdfast.cli.progress import progress_of
from holdfast.cli.quantities import NONE, count, duration, money

if TYPE_CHECKING:
    from holdfast.app.call_story import Step, Story

STAGES = ("accept", "authenticate", "authorize", "guard", "route", "send", "write")


@click.command()
@click.argument("name", metavar="ID", type=CallName())
@data_option
@json_option
@command
def trace(name: str, *, data: Path | None, as_json: bool) -> None:
    """Show all calls of a trace as a tree by time. ID is a call's or the trace's own.

    Each with what its seven stages took, what was decided and by which policies, what was tried
    besides, and where its record stands in the log.
    """
    from holdfast.app.call_story import tell_story
    from holdfast.app.instances import find_data

    place = find_data(data)
    with progress_of("reading records", as_json=as_json) as progress:
        found = tell_story(place, name, progress)
    if as_json:
        show(found, "", as_json=True)
        return
    drawing = Drawing.on(sys.stdout)
    drawing.print(story_lines(found, drawing))


def story_lines(story: "Story", drawing: Drawing) -> Iterator[str]:
    """Heading, then the tree."""
    steps = story.steps
    began = min(step.call.at for step in steps)
    ended = max(step.call.at + step.call.duration_us for step in steps)
    tokens = sum((step.call.tokens_in or 0) + (step.call.tokens_out or 0) for step in steps)
    cost = sum(step.call.cost or 0 for step in steps)
    calls = f"{len(steps)} call{'' if len(steps) == 1 else 's'}"
    yield drawing.paint(f"trace {story.trace}", "head")
    parts = [f"{local_day(began)} {local_time(began)}", calls, duration(ended - began)]
    parts += [f"{count(tokens)} tokens"] if tokens else []
    parts += [f"cost {money(cost)}"] if cost else []
    yield ", ".join(parts)
    below: dict[str | None, list[Step]] = defaultdict(list)
    for step in steps:
        below[step.parent].append(step)
    yield from _branch(below, below[None], began, drawing=drawing)
    if story.is_cut:
        yield "and more: holdfast calls --trace " + story.trace
    yield from (f"note: {drawing.plain(note)}" for note in story.notes)


def _branch(
    below: "dict[str | None, list[Step]]",
    steps: "Sequence[Step]",
    began: int,
    *,
    drawing: Drawing,
    indent: str = "",
) -> Iterator[str]:
    for step in steps:
        is_last = step is steps[-1]
        children = below.get(step.call.call, [])
        yield f"{indent}{'└─' if is_last else '├─'} {_title(step, began, drawing)}"
        deeper = indent + ("   " if is_last else "│  ")
        rail = deeper + ("│  " if children else "   ")
        yield from (rail + line for line in _details(step, drawing))
        yield from _branch(below, children, began, drawing=drawing, indent=deeper)


def _title(step: "Step", began: int, drawing: Drawing) -> str:
    call = step.call
    callee = f"{call.callee or NONE}/{call.tool}" if call.tool else call.callee or NONE
    outcome = drawing.paint(
        f"{call.outcome} {call.status}", OUTCOME_TONES.get(call.outcome, "plain")
    )
    who = drawing.plain(f"{call.caller or NONE} → {callee}")
    return f"+{duration(call.at - began)}  {who}  {outcome}  {duration(call.duration_us)}"


def _details(step: "Step", drawing: Drawing) -> Iterator[str]:
    call, plain = step.call, drawing.plain
    yield drawing.paint(f"call {call.call}  {plain(call.relationship or 'no relationship')}", "dim")
    yield _stages(step)
    policies = f" by {', '.join(step.policies)}" if step.policies else ""
    rule = f": {call.rule}" if call.rule else ""
    yield plain(f"{'allowed' if step.decision == 'allow' else 'refused'}{policies}{rule}")
    yield from map(plain, _besides(step))
    if call.tokens_in is not None or call.tokens_out is not None:
        cost = f", cost {money(call.cost)}" if call.cost is not None else ""
        yield f"tokens {call.tokens_in or 0:,} in, {call.tokens_out or 0:,} out{cost}"
    if step.index is None:
        yield "record durable, not yet in the log"
    else:
        yield f"record {step.index} of the log, verified; to prove it: holdfast audit prove {call.call}"


def _stages(step: "Step") -> str:
    """All seven: what each took, and of a refused call the one that refused it."""
    took, last = step.stages_us, next(reversed(step.stages_us), None)
    is_unwritten = step.call.rule == "audit.unavailable"
    parts: list[str] = []
    for name in STAGES[:-1]:
        if name not in took:
            parts.append(f"{name} -")
        elif name == last and step.call.outcome == "refused" and not is_unwritten:
            parts.append(f"{name} {duration(took[name])} REFUSED")
        else:
            parts.append(f"{name} {duration(took[name])}")
    if is_unwritten:
        return " | ".join([*parts, "write REFUSED"])
    return " | ".join([*parts, f"write at {duration(step.call.duration_us)}"])


def _besides(step: "Step") -> Iterator[str]:
    call = step.call
    if call.first_token_us is not None:
        yield f"first token after {duration(call.first_token_us)}"
    if call.cached:
        yield "answered from the cache"
    if call.attempts > 1:
        yield f"{call.attempts} attempts (retries and hedges counted)"
    if call.fallback is not None:
        yield f"fell back over {call.fallback}, answered by {call.node or NONE}"
    if step.seams:
        yield f"gone on with by another upstream {len(step.seams)} times"
    if call.approver is not None:
        yield f"decided by {call.approver}"
    if call.on_behalf_of is not None:
        yield f"on behalf of {call.on_behalf_of}"
    if step.obligations:
        yield f"obligations: {', '.join(step.obligations)}"
    if step.would_refuse:
        yield f"policies on trial would have refused it: {', '.join(step.would_refuse)}"
