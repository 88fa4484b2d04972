"""Flows, both ways. A step has no number in a blueprint: it stands where it comes."""

from holdfast.blueprint.exchange.extras import is_of_flow
from holdfast.blueprint.exchange.memory import HOLDFAST, METADATA, unwrap
from holdfast.blueprint.exchange.names import Names
from holdfast.blueprint.exchange.nodes import (
    UNDESCRIBED,
    read_controls,
    read_metadata,
    write_controls,
    write_metadata,
)
from holdfast.blueprint.exchange.recalling import Lens, Read
from holdfast.blueprint.exchange.values import Object, cut_text, objects, pack
from holdfast.blueprint.fields import NAME_MAX, TEXT_MAX
from holdfast.blueprint.source import Plain

_OVER, _NUMBER, _WAY = "relationship-unique-id", "sequence-number", "direction"
_FORTH, _BACK = "source-to-destination", "destination-to-source"
_NONE: frozenset[str] = frozenset()


def flow_lens(name: str, names: Names, *, aside: frozenset[str] = _NONE) -> Lens:
    """The flow of the blueprint's id ``name``; ``aside`` as for nodes."""

    def ours(raw: Object) -> Read:
        steps, memory = _our_steps(raw.get("transitions"), names)
        form: Object = {
            "id": name,
            "name": cut_text(raw.get("name"), length=NAME_MAX, default=name),
            "description": cut_text(raw.get("description"), length=TEXT_MAX, default=UNDESCRIBED),
            "steps": steps,
        }
        their = names.flows_theirs.get(name, name)
        if their != name:
            memory["id"] = pack(their)
        assumed = read_controls(raw, form, memory, known=_NONE, aside=aside)
        metadata, mine = unwrap(raw.get(METADATA), HOLDFAST, is_of_flow)
        read_metadata(form, metadata, mine)
        return Read(form=form, assumed=assumed, memory=memory)

    def theirs(form: Object, memory: Object, apart: bool) -> Object:
        return _theirs(form, memory, name, names, apart=apart)

    return Lens(ours=ours, theirs=theirs)


def _our_steps(raw: Plain, names: Names) -> tuple[list[Plain], Object]:
    """The steps in order, and how they are numbered and spelled where that is not as usual."""
    listed = sorted(objects(raw), key=_number)
    steps: list[Plain] = []
    for item in listed:
        over = item.get(_OVER)
        step: Object = {"over": names.our(over) if isinstance(over, str) else ""}
        step["description"] = cut_text(
            item.get("description"), length=TEXT_MAX, default=UNDESCRIBED
        )
        if item.get(_WAY) == _BACK:
            step["back"] = True
        steps.append(step)
    memory: Object = {}
    if listed and _number(listed[0]) != 1:
        memory["first"] = _number(listed[0])
    forth = [item.get(_WAY) for item in listed if item.get(_WAY) != _BACK]
    if forth and all(way == _FORTH for way in forth):
        memory["directions"] = "all"
    return steps, memory


def _number(item: Object) -> int:
    number = item.get(_NUMBER)
    return number if isinstance(number, int) and abs(number) < 10**9 else 0


def _theirs(form: Object, memory: Object, name: str, names: Names, *, apart: bool) -> Object:
    found: Object = {
        "unique-id": names.flows_theirs.get(name, name),
        "name": form.get("name"),
        "description": form.get("description"),
        "transitions": _their_steps(form, memory, names),
    }
    found.update(write_controls(form, memory, known=_NONE))
    hint = name if name in names.flows_hinted else None
    found.update(write_metadata(form, hint, apart=apart))
    return found


def _their_steps(form: Object, memory: Object, names: Names) -> list[Plain]:
    first = memory.get("first")
    found: list[Plain] = []
    start = first if isinstance(first, int) else 1
    for number, step in enumerate(objects(form.get("steps")), start=start):
        item: Object = {
            _OVER: names.their(str(step.get("over"))),
            _NUMBER: number,
            "description": step.get("description"),
        }
        if step.get("back"):
            item[_WAY] = _BACK
        elif memory.get("directions") == "all":
            item[_WAY] = _FORTH
        found.append(item)
    return found
