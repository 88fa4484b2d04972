"""Relationships, both ways."""

from typing import get_args

from holdfast.blueprint.exchange.controls import RELATIONSHIP_CONTROLS
from holdfast.blueprint.exchange.extras import is_of_relationship
from holdfast.blueprint.exchange.memory import HOLDFAST, METADATA, unwrap
from holdfast.blueprint.exchange.names import Names
from holdfast.blueprint.exchange.nodes import (
    read_controls,
    read_metadata,
    write_controls,
    write_metadata,
)
from holdfast.blueprint.exchange.recalling import Lens, Read
from holdfast.blueprint.exchange.values import Object, cut_text, objects, pack, texts
from holdfast.blueprint.fields import TEXT_MAX
from holdfast.blueprint.forms import Protocol, RelationshipForm
from holdfast.blueprint.source import Plain

LINKS: tuple[str, ...] = RelationshipForm.LINKS
PROTOCOLS: tuple[str, ...] = get_args(Protocol)
_GROUPS = {"interacts": "actor", "deployed-in": "container", "composed-of": "container"}


def relationship_lens(name: str, names: Names, *, aside: frozenset[str] = frozenset()) -> Lens:
    """The relationship of the blueprint's id ``name``; ``aside`` as for nodes."""

    def ours(raw: Object) -> Read:
        form: Object = {"id": name, **_our_link(raw.get("relationship-type"), names)}
        memory: Object = {}
        if names.their(name) != name:
            memory["id"] = pack(names.their(name))
        if raw.get("protocol") in PROTOCOLS:
            form["protocol"] = raw.get("protocol")
        said = cut_text(raw.get("description"), length=TEXT_MAX, default="")
        form.update({"description": said} if said else {})
        assumed = read_controls(raw, form, memory, known=RELATIONSHIP_CONTROLS, aside=aside)
        metadata, mine = unwrap(raw.get(METADATA), HOLDFAST, is_of_relationship)
        read_metadata(form, metadata, mine)
        return Read(form=form, assumed=assumed, memory=memory)

    def theirs(form: Object, memory: Object, apart: bool) -> Object:
        return _theirs(form, memory, name, names, apart=apart)

    return Lens(ours=ours, theirs=theirs)


def _our_link(raw: Plain, names: Names) -> Object:
    """The one kind of link, with ids of the blueprint; nothing where a blueprint has no such link."""
    for kind in LINKS if isinstance(raw, dict) else ():
        link = raw[kind] if isinstance(raw, dict) and kind in raw else None
        if link is not None:
            found = _our_kind(kind, link, names)
            return {} if found is None else {kind: found}
    return {}


def _our_kind(kind: str, link: Plain, names: Names) -> Plain:
    if kind == "connects":
        ends = (link.get("source"), link.get("destination")) if isinstance(link, dict) else ()
        found = [_our_end(end, names) for end in ends]
        return found if found and None not in found else None
    if kind == "options":
        listed = objects(link)
        choices: list[Plain] = [_our_choice(item, names) for item in listed]
        whole = isinstance(link, list) and len(listed) == len(link)
        return choices if whole and None not in choices else None
    if not isinstance(link, dict):
        return None
    first, nodes = link.get(_GROUPS[kind]), texts(link.get("nodes"))
    if not isinstance(first, str) or nodes is None:
        return None
    return {_GROUPS[kind]: names.our(first), "nodes": [names.our(node) for node in nodes]}


def _our_end(end: Plain, names: Names) -> Plain:
    if not isinstance(end, dict) or not isinstance(node := end.get("node"), str):
        return None
    used = texts(end.get("interfaces"))
    if used is None:
        return names.our(node)
    return {"node": names.our(node), "interfaces": [names.our(name) for name in used]}


def _our_choice(item: Object, names: Names) -> Plain:
    found: Object = {}
    found["description"] = cut_text(item.get("description"), length=TEXT_MAX, default="-")
    for key in ("nodes", "relationships"):
        named = texts(item.get(key))
        if named is None:
            return None
        found[key] = [names.our(name) for name in named]
    controls = texts(item.get("controls"))
    if controls is not None:
        found["controls"] = list[Plain](controls)
    return found


def _theirs(form: Object, memory: Object, name: str, names: Names, *, apart: bool) -> Object:
    found: Object = {"unique-id": names.their(name)}
    if form.get("description") is not None:
        found["description"] = form["description"]
    found["relationship-type"] = _their_link(form, names)
    if form.get("protocol") is not None:
        found["protocol"] = form["protocol"]
    found.update(write_controls(form, memory, known=RELATIONSHIP_CONTROLS))
    found.update(write_metadata(form, name if name in names.hinted else None, apart=apart))
    return found


def _their_link(form: Object, names: Names) -> Object:
    for kind in LINKS:
        link = form.get(kind)
        if isinstance(link, list) and kind == "connects":
            source, destination = (_their_end(end, names) for end in link)
            return {kind: {"source": source, "destination": destination}}
        if isinstance(link, list):
            return {kind: [_their_choice(item, names) for item in objects(link)]}
        if isinstance(link, dict):
            nodes: list[Plain] = [names.their(node) for node in texts(link.get("nodes")) or ()]
            first = str(link.get(_GROUPS[kind]))
            return {kind: {_GROUPS[kind]: names.their(first), "nodes": nodes}}
    return {}


def _their_end(end: Plain, names: Names) -> Plain:
    if not isinstance(end, dict):
        return {"node": names.their(str(end))}
    used = texts(end.get("interfaces"))
    found: Object = {"node": names.their(str(end.get("node")))}
    if used is not None:
        found["interfaces"] = [names.their(name) for name in used]
    return found


def _their_choice(item: Object, names: Names) -> Plain:
    found: Object = {"description": item.get("description")}
    for key in ("nodes", "relationships"):
        found[key] = [names.their(name) for name in texts(item.get(key)) or ()]
    if isinstance(item.get("controls"), list):
        found["controls"] = item["controls"]
    return found
