"""Nodes, both ways."""

import re
from collections.abc import Mapping

from holdfast.blueprint.exchange.controls import NODE_CONTROLS, our_controls, their_controls
from holdfast.blueprint.exchange.extras import FACTS, ID, is_of_node
from holdfast.blueprint.exchange.memory import HOLDFAST, METADATA, unwrap, wrap
from holdfast.blueprint.exchange.names import Names, slug
from holdfast.blueprint.exchange.recalling import Lens, Read
from holdfast.blueprint.exchange.values import (
    Object,
    cut_text,
    fit_metadata,
    fit_name,
    fit_text,
    is_writable,
    objects,
    pack,
)
from holdfast.blueprint.fields import NAME_MAX, TEXT_MAX
from holdfast.blueprint.kinds import NODE_TYPES, OWN_TYPE_PREFIX
from holdfast.blueprint.source import Plain

UNDESCRIBED = "Not described."
DETAILS = "details"
_DETAILS = ("detailed-architecture", "required-pattern")
_OWN_TYPE = re.compile(r"x-[a-z0-9:-]+")


def node_lens(
    name: str,
    names: Names,
    *,
    upstream: Object | None = None,
    aside: frozenset[str] = frozenset(),
) -> Lens:
    """The node of the blueprint's id ``name``. ``upstream`` is assumed where it is said nowhere;
    ``aside`` are CALM controls that the blueprint does not take."""

    def ours(raw: Object) -> Read:
        return _ours(raw, name, names, upstream, aside)

    def theirs(form: Object, memory: Object, apart: bool) -> Object:
        return _theirs(form, memory, name, names, apart=apart)

    return Lens(ours=ours, theirs=theirs)


def our_type(raw: Plain) -> str:
    """A type that a blueprint takes: the same, or one's own that sounds like it."""
    if not isinstance(raw, str):
        return f"{OWN_TYPE_PREFIX}unknown"
    if raw in NODE_TYPES or _OWN_TYPE.fullmatch(raw):
        return raw
    return OWN_TYPE_PREFIX + (slug(raw, kept=":") or "unknown")


def _ours(
    raw: Object, name: str, names: Names, upstream: Object | None, aside: frozenset[str]
) -> Read:
    form: Object = {
        "type": our_type(raw.get("node-type")),
        "name": cut_text(raw.get("name"), length=NAME_MAX, default=name),
        "description": cut_text(raw.get("description"), length=TEXT_MAX, default=UNDESCRIBED),
    }
    memory: Object = {}
    if names.their(name) != name:
        memory["id"] = pack(names.their(name))
    details = _our_details(raw.get(DETAILS))
    if details:
        form[DETAILS] = details
    interfaces = _our_interfaces(raw.get("interfaces"), names)
    if interfaces is not None:
        form["interfaces"] = interfaces
        renamed = {
            each: pack(names.their(each)) for each in interfaces if names.their(each) != each
        }
        memory.update({"interfaces": renamed} if renamed else {})
    assumed = read_controls(raw, form, memory, known=NODE_CONTROLS, aside=aside)
    controls = form.get("controls")
    if upstream is not None and not (isinstance(controls, dict) and "upstream" in controls):
        assumed["controls"] = {"upstream": upstream}
    metadata, mine = unwrap(raw.get(METADATA), HOLDFAST, is_of_node)
    read_metadata(form, metadata, mine)
    return Read(form=form, assumed=assumed, memory=memory)


def read_controls(
    raw: Object,
    form: Object,
    memory: Object,
    *,
    known: frozenset[str],
    aside: frozenset[str],
) -> Object:
    """Puts the controls of a part into form and memory; what is assumed of them so far: nothing."""
    controls = raw.get("controls")
    if isinstance(controls, dict) and controls:
        found, remembered = our_controls(controls, known=known, aside=aside)
        form.update({"controls": found} if found else {})
        memory.update({"controls": remembered} if remembered else {})
    return {}


def read_metadata(form: Object, metadata: Plain, mine: Object) -> None:
    """Puts metadata and facts of a part into its form."""
    if FACTS in mine:
        form[FACTS] = mine[FACTS]
    if metadata is not None and fit_metadata(metadata):
        form[METADATA] = metadata


def write_controls(form: Object, memory: Object, *, known: frozenset[str]) -> Object:
    """The controls of a part as CALM writes them, under their name; nothing where there are none."""
    controls = form.get("controls")
    found = their_controls(
        controls if isinstance(controls, dict) else {}, memory.get("controls"), known=known
    )
    return {"controls": found} if found else {}


def write_metadata(form: Object, hint: str | None, *, apart: bool) -> Object:
    """The metadata of a part as CALM writes it, under its name; ``hint`` is its id, where CALM's
    own does not give it."""
    mine: Object = {}
    if hint is not None:
        mine[ID] = hint
    if form.get(FACTS):
        mine[FACTS] = form[FACTS]
    metadata = wrap(form.get(METADATA), HOLDFAST, mine, apart=apart)
    return {} if metadata is None else {METADATA: metadata}


def _our_details(raw: Plain) -> Object:
    """The URLs that a blueprint takes; what else stands there is remembered."""
    held = raw if isinstance(raw, dict) else {}
    return {name: held[name] for name in _DETAILS if fit_text(held.get(name)) is not None}


def _our_interfaces(raw: Plain, names: Names) -> Object | None:
    """By id; None where a blueprint cannot hold them."""
    listed = objects(raw)
    if not isinstance(raw, list) or len(listed) != len(raw):
        return None
    found: Object = {}
    for item in listed:
        rest = {key: value for key, value in item.items() if key != "unique-id"}
        url = rest.get("url")
        name = item.get("unique-id")
        fits = isinstance(name, str) and name in names.ours and is_writable(rest)
        if not fits or not (url is None or fit_name(url)):
            return None
        found[names.our(str(name))] = rest
    return found if len(found) == len(listed) else None


def _theirs(form: Object, memory: Object, name: str, names: Names, *, apart: bool) -> Object:
    found: Object = {
        "unique-id": names.their(name),
        "node-type": form.get("type"),
        "name": form.get("name") or name.replace("-", " ").capitalize(),
        "description": form.get("description"),
    }
    interfaces = form.get("interfaces")
    if isinstance(interfaces, dict):
        found["interfaces"] = [
            {"unique-id": names.their(key), **(value if isinstance(value, dict) else {})}
            for key, value in interfaces.items()
        ]
    details = _our_details(form.get(DETAILS))
    if details:
        found[DETAILS] = details
    found.update(write_controls(form, memory, known=NODE_CONTROLS))
    found.update(write_metadata(form, name if name in names.hinted else None, apart=apart))
    return found


def interface_names(form: Object, memory: Mapping[str, Plain]) -> list[tuple[str, Plain]]:
    """Ids of the interfaces of a node, each with what CALM calls it."""
    interfaces, renamed = form.get("interfaces"), memory.get("interfaces")
    table = renamed if isinstance(renamed, dict) else {}
    return (
        [(name, table.get(name, name)) for name in (interfaces or {})]
        if isinstance(interfaces, dict)
        else []
    )
