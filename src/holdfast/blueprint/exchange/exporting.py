"""A blueprint becomes a CALM document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.blueprint.architecture import Blueprint
from holdfast.blueprint.exchange.addresses import Answer, answers
from holdfast.blueprint.exchange.flows import flow_lens
from holdfast.blueprint.exchange.memory import METADATA, member, recalled
from holdfast.blueprint.exchange.names import Names, names_of
from holdfast.blueprint.exchange.nodes import node_lens
from holdfast.blueprint.exchange.recalling import Lens
from holdfast.blueprint.exchange.relationships import relationship_lens
from holdfast.blueprint.exchange.system import SCHEMAS, UNNAMED, system_lens
from holdfast.blueprint.exchange.values import Object, objects, same, unpack
from holdfast.blueprint.source import Plain, read_yaml

KEPT = ("relationships", "flows", "missing", "placeholder")
"""What a system remembers of its parts."""
PLACEHOLDER: Object = {"type": "system", "description": "[[ NO NODE IS DESCRIBED ]]"}
"""The node of a blueprint whose document has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A node, relationship or flow as written in a blueprint."""

    kind: str
    name: str
    form: Object

    @property
    def memory(self) -> Object:
        return recalled(self.form.get(METADATA))[1]

    def lens(self, names: Names, answered: Mapping[str, Answer]) -> Lens:
        aside = _aside(self.memory)
        if self.kind == "nodes":
            answer = answered.get(names.their(self.name))
            upstream = answer.upstream if answer else None
            return node_lens(self.name, names, upstream=upstream, aside=aside)
        make = relationship_lens if self.kind == "relationships" else flow_lens
        return make(self.name, names, aside=aside)


def export_calm(blueprint: Blueprint, *, version: str | None = None) -> Object:
    """The blueprint as a CALM document, with all that CALM has no word for in
    ``metadata.holdfast``. ``version`` is that of CALM, such as ``1.2``; without it, the one that
    the blueprint was imported from, or 1.2. No secret is written, for a blueprint holds none."""
    form = read_yaml(blueprint.text, source=blueprint.name).data
    assert isinstance(form, dict)
    found = written(form)
    return {**found, "$schema": SCHEMAS[version]} if version else found


def written(form: Object) -> Object:
    """The document of a checked blueprint file, given as plain values."""
    parts = tuple(_parts(form))
    memory = recalled(form.get(METADATA))[1]
    names = _names(parts, memory)
    nothing: Mapping[str, Answer] = {}
    raws = [part.lens(names, nothing).write(part.form) for part in parts]
    links = _with_aside(_of("relationships", parts, raws), memory.get("relationships"))
    answered = answers({"nodes": _of("nodes", parts, raws), "relationships": links})
    for number, part in enumerate(parts):
        lens = part.lens(names, answered)
        if METADATA in part.form and not lens.returns(part.form):
            raws[number] = lens.write(part.form, apart=True)
    kept: Object = {name: memory[name] for name in KEPT if name in memory}
    name = member(memory, "assumed").get("name")
    lens = system_lens(
        name=name if isinstance(name, str) else UNNAMED, aside=_aside(memory), kept=kept
    )
    apart = METADATA in form and not lens.returns(form)
    found = lens.write(form, apart=apart)
    for kind in ("nodes", "relationships", "flows"):
        listed = _with_aside(_of(kind, parts, raws), memory.get(kind))
        if listed or not _is_left_out(form, memory, kind):
            found[kind] = listed
    return found


def _parts(form: Object) -> Iterator[_Part]:
    nodes = form.get("nodes")
    memory = recalled(form.get(METADATA))[1]
    for name, node in nodes.items() if isinstance(nodes, dict) else ():
        if isinstance(node, dict) and not _is_placeholder(name, node, form, memory):
            yield _Part(kind="nodes", name=name, form=node)
    for kind in ("relationships", "flows"):
        for item in objects(form.get(kind)):
            yield _Part(kind=kind, name=str(item.get("id")), form=item)


def _is_placeholder(name: str, node: Object, form: Object, memory: Object) -> bool:
    """Whether the node only stands there because a blueprint needs one."""
    nodes = form.get("nodes")
    alone = isinstance(nodes, dict) and len(nodes) == 1
    return alone and memory.get("placeholder") == name and same(node, PLACEHOLDER)


def _names(parts: tuple[_Part, ...], memory: Object) -> Names:
    """What CALM calls each: as remembered, where no other part is called so."""
    pairs: dict[str, str] = {}
    flows: dict[str, str] = {}
    order: dict[str, list[Plain]] = {"nodes": [], "relationships": [], "flows": []}
    for part in parts:
        remembered = part.memory
        table = flows if part.kind == "flows" else pairs
        order[part.kind].append(_add(table, part.name, remembered.get("id")))
        interfaces = part.form.get("interfaces") if part.kind == "nodes" else None
        for name in interfaces if isinstance(interfaces, dict) else ():
            theirs = _add(pairs, name, member(remembered, "interfaces").get(name))
            order[part.kind].append(theirs)
    links, journeys = (
        _with_aside(order[kind], memory.get(kind)) for kind in ("relationships", "flows")
    )
    return names_of(
        pairs,
        flows,
        order=[_id(item) for item in (*order["nodes"], *links)],
        flow_order=[_id(item) for item in journeys],
        nodes=[part.name for part in parts if part.kind == "nodes"],
    )


def _add(pairs: dict[str, str], ours: str, packed: Plain) -> str:
    theirs = unpack(packed)
    name = theirs if isinstance(theirs, str) and theirs not in pairs else ours
    pairs[name] = ours
    return name


def _id(item: Plain) -> str:
    """Of a part, or of one that was set aside."""
    return str(item.get("unique-id")) if isinstance(item, dict) else str(item)


def _aside(memory: Object) -> frozenset[str]:
    """CALM controls that the import did not take over."""
    entries = objects(memory.get("controls"))
    names = (unpack(entry.get("name")) for entry in entries if "as" not in entry)
    return frozenset(name for name in names if isinstance(name, str))


def _of(kind: str, parts: tuple[_Part, ...], raws: list[Object]) -> list[Plain]:
    return [raw for part, raw in zip(parts, raws, strict=True) if part.kind == kind]


def _with_aside(listed: list[Plain], aside: Plain) -> list[Plain]:
    """What was set aside, back where it stood."""
    found = list(listed)
    for entry in objects(aside):
        at = entry.get("at")
        found.insert(at if isinstance(at, int) else len(found), unpack(entry.get("is")))
    return found


def _is_left_out(form: Object, memory: Object, kind: str) -> bool:
    missing = memory.get("missing")
    if kind == "flows":
        return form.get(kind) is None
    return isinstance(missing, list) and kind in missing
