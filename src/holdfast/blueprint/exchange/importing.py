"""A CALM document becomes a blueprint.

What a blueprint does not take is set aside, part by part, until ``check`` finds no error. At the end
the document is written again from the text and must be the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.blueprint.errors import Problem
from holdfast.blueprint.exchange.addresses import Answer, answers
from holdfast.blueprint.exchange.aside import Aside, Draft
from holdfast.blueprint.exchange.errors import ExchangeError
from holdfast.blueprint.exchange.exporting import PLACEHOLDER, written
from holdfast.blueprint.exchange.extras import (
    ID,
    IsMine,
    is_of_flow,
    is_of_node,
    is_of_relationship,
)
from holdfast.blueprint.exchange.flows import flow_lens
from holdfast.blueprint.exchange.kinds import architecture, ids, parts
from holdfast.blueprint.exchange.memory import HOLDFAST, METADATA, unwrap
from holdfast.blueprint.exchange.names import Names, derived, names_of
from holdfast.blueprint.exchange.nodes import node_lens
from holdfast.blueprint.exchange.relationships import relationship_lens
from holdfast.blueprint.exchange.system import UNNAMED, system_lens
from holdfast.blueprint.exchange.values import Object, pack, same
from holdfast.blueprint.exchange.writing import Note, yaml_text
from holdfast.blueprint.fields import Form
from holdfast.blueprint.forms import BlueprintForm, FlowForm, NodeForm, RelationshipForm
from holdfast.blueprint.reading import check
from holdfast.blueprint.source import Path, Plain, read_yaml

ROUNDS_MAX = 50
"""How often parts are set aside before the import gives up."""
PLACEHOLDER_NODE = "placeholder"
_PROGRAM = (
    "the document names a program to start here: sign the blueprint only if it is the right one"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A blueprint made of a CALM document: its text, and what a person must decide or should know,
    each with its path in the blueprint. ``origins`` says where in the document each node,
    relationship and flow stands, by its place in the blueprint: ``relationships.asks``."""

    text: str
    notes: tuple[Note, ...]
    origins: Mapping[str, Path]


def import_calm(document: Plain, *, name: str = UNNAMED) -> Imported:
    """The blueprint that a CALM architecture (1.0 to 1.3) describes, as the text of a file that
    ``load`` takes. ``name`` is the system's where the document has no title.

    Nothing is lost: ``export_calm`` gives the same document again. ``ExchangeError`` where the
    document is no architecture, or one that a blueprint cannot hold.
    """
    importing = _Importing(architecture(document), name)
    for _ in range(ROUNDS_MAX):
        draft = importing.draft()
        text = yaml_text(draft.form, notes=draft.notes)
        errors = _errors(text)
        if not errors:
            _check_whole(importing.raw, text)
            return Imported(text=text, notes=draft.notes, origins=importing.origins(draft))
        added = [importing.aside.add(problem, draft) for problem in errors]
        if not any(added):
            raise _unfit(f"{errors[0].where}: {errors[0].what}")
    raise _unfit(f"more than {ROUNDS_MAX} rounds of setting parts aside")


def _errors(text: str) -> list[Problem]:
    problems = check(text, source="holdfast.yaml", read=lambda _: "", signed=True)
    return [problem for problem in problems if problem.severity == "error"]


def _unfit(why: str) -> ExchangeError:
    return ExchangeError(
        f"no blueprint can be made of it: {why}",
        fix="change the document there; see `holdfast calm validate FILE`",
    )


def _check_whole(raw: Object, text: str) -> None:
    form = read_yaml(text, source="holdfast.yaml").data
    if not isinstance(form, dict) or not same(written(form), raw):
        raise ExchangeError(
            "the document cannot be kept without loss",
            fix="report the document: every architecture should be one that can",
        )


class _Importing:
    """One document on its way, with what has been set aside of it so far."""

    def __init__(self, raw: Object, name: str) -> None:
        self.raw = raw
        self.aside = Aside()
        self._name = name
        self._names = _names(raw)
        self._answered: Mapping[str, Answer] = answers(raw)

    def draft(self) -> Draft:
        notes: list[Note] = []
        nodes = self._nodes(notes)
        kept: Object = {}
        missing: list[Plain] = [kind for kind in ("nodes", "relationships") if kind not in self.raw]
        if missing:
            kept["missing"] = missing
        if not nodes:
            kept["placeholder"] = PLACEHOLDER_NODE
            nodes[PLACEHOLDER_NODE] = {**PLACEHOLDER}
            notes.append(Note(path=("nodes",), text="describe the parts of the system here"))
        links, link_numbers = self._listed("relationships", RelationshipForm, kept)
        flows, flow_numbers = self._listed("flows", FlowForm, kept)
        lens = system_lens(name=self._name, aside=self.aside.names(()), kept=kept)
        form: Object = {"holdfast": 1, **lens.read(_bare(self.raw)), "nodes": nodes}
        form.update({"relationships": links, **({"flows": flows} if "flows" in self.raw else {})})
        notes.extend(self.aside.notes(self.raw))
        numbers = {"relationships": link_numbers, "flows": flow_numbers}
        return Draft(form=_ordered(form, BlueprintForm), notes=tuple(notes), numbers=numbers)

    def origins(self, draft: Draft) -> Mapping[str, Path]:
        """Where in the document the parts of its blueprint stand."""
        found: dict[str, Path] = {
            f"nodes.{self._names.our(str(node['unique-id']))}": ("nodes", number)
            for number, node in enumerate(parts(self.raw, "nodes"))
        }
        for kind, numbers in draft.numbers.items():
            items = zip(parts(draft.form, kind), numbers, strict=True)
            found.update((f"{kind}.{item['id']}", (kind, number)) for item, number in items)
        return found

    def _nodes(self, notes: list[Note]) -> Object:
        found: Object = {}
        for node in parts(self.raw, "nodes"):
            theirs = str(node["unique-id"])
            name = self._names.our(theirs)
            path: Path = ("nodes", name)
            aside = self.aside.names(path)
            answer = None if "upstream" in aside else self._answered.get(theirs)
            upstream = answer.upstream if answer else None
            lens = node_lens(name, self._names, upstream=upstream, aside=aside)
            found[name] = _ordered(lens.read(node), NodeForm)
            at: Path = (*path, "controls", "upstream")
            if answer is not None:
                notes.append(Note(path=at, text=answer.note))
            elif _names_program(found[name]):
                notes.append(Note(path=at, text=_PROGRAM))
        return found

    def _listed(self, kind: str, form: type[Form], kept: Object) -> tuple[list[Plain], list[int]]:
        """The items that a blueprint takes, and their numbers in the document."""
        found: list[Plain] = []
        numbers: list[int] = []
        left: list[Plain] = []
        names = self._names.flows_ours if kind == "flows" else self._names.ours
        make = flow_lens if kind == "flows" else relationship_lens
        for index, item in enumerate(parts(self.raw, kind)):
            if (kind, index) in self.aside.items:
                left.append({"at": index, "is": pack(item)})
                continue
            aside = self.aside.names((kind, index))
            lens = make(names[str(item["unique-id"])], self._names, aside=aside)
            found.append(_ordered(lens.read(item), form))
            numbers.append(index)
        if left:
            kept[kind] = left
        return found, numbers


def _names(raw: Object) -> Names:
    nodes = [str(node["unique-id"]) for node in parts(raw, "nodes")]
    hints = _hints(raw, "nodes", is_of_node) | _hints(raw, "relationships", is_of_relationship)
    pairs = derived((name for name, _ in ids(raw)), hints=hints)
    taken = [pairs[name] for name in nodes]
    flows = derived(
        (str(flow["unique-id"]) for flow in parts(raw, "flows")),
        hints=_hints(raw, "flows", is_of_flow),
        taken=taken,
    )
    return names_of(pairs, flows, order=pairs, flow_order=flows, nodes=taken)


def _hints(raw: Object, kind: str, is_mine: IsMine) -> dict[str, str]:
    """Our ids, where the document says them."""
    found: dict[str, str] = {}
    for item in parts(raw, kind):
        hint = unwrap(item.get(METADATA), HOLDFAST, is_mine)[1].get(ID)
        if isinstance(hint, str):
            found[str(item["unique-id"])] = hint
    return found


def _bare(raw: Object) -> Object:
    lists = ("nodes", "relationships", "flows")
    return {key: value for key, value in raw.items() if key not in lists}


def _ordered(form: Object, kind: type[Form]) -> Object:
    """Fields as the reference lists them, for people to find."""
    names = [info.alias or name for name, info in kind.model_fields.items()]
    return dict(sorted(form.items(), key=lambda item: names.index(item[0])))


def _names_program(node: Plain) -> bool:
    controls = node.get("controls") if isinstance(node, dict) else None
    upstream = controls.get("upstream") if isinstance(controls, dict) else None
    return isinstance(upstream, dict) and "command" in upstream
