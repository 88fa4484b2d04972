"""What of a document a blueprint does not take: set aside, remembered, told."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.blueprint.errors import Problem
from holdfast.blueprint.exchange.kinds import parts
from holdfast.blueprint.exchange.memory import METADATA, recalled
from holdfast.blueprint.exchange.values import Object, objects, unpack
from holdfast.blueprint.exchange.writing import Note
from holdfast.blueprint.source import Path, Plain

_WHERE = re.compile(
    r"(?:nodes\.(?P<node>[a-z0-9-]+)|(?P<list>relationships|flows)\[(?P<index>\d+)\])"
    r"?(?:\.?controls\.(?P<control>[A-Za-z0-9-]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A blueprint as it would be; ``numbers`` are those of its listed items in the document."""

    form: Object
    notes: tuple[Note, ...]
    numbers: Mapping[str, list[int]]


@dataclass(slots=True)
class Aside:
    """Each with why: ``items`` of lists by their number in the document; ``controls`` by the path
    of the part that has them and by CALM's name."""

    items: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    controls: dict[Path, dict[str, str]] = field(default_factory=dict[Path, dict[str, str]])

    def names(self, path: Path) -> frozenset[str]:
        """The controls of a part."""
        return frozenset(self.controls.get(path, ()))

    def add(self, problem: Problem, draft: Draft) -> bool:
        """Sets aside what takes the problem away; whether there was anything left."""
        found = _WHERE.match(problem.where)
        if found is None:
            return False
        kind, path, form = found["list"], _path(found, draft), _part(found, draft)
        if found["control"]:
            name = _calm_name(form, found["control"])
            if name not in self.names(path):
                self.controls.setdefault(path, {})[name] = problem.what
                return True
        if not kind:
            return False
        self.items[kind, draft.numbers[kind][int(found["index"])]] = problem.what
        return True

    def notes(self, document: Object) -> Iterator[Note]:
        """What a person should know of it."""
        for (kind, index), why in sorted(self.items.items()):
            name = parts(document, kind)[index].get("unique-id")
            what = f"`{name}` is not taken over: {why}. It is kept under metadata.calm.{kind}"
            yield Note(path=(kind,), text=what)
        for path, controls in sorted(self.controls.items(), key=str):
            for name, why in sorted(controls.items()):
                what = f"the control `{name}` is not taken over: {why}. It is kept in the metadata"
                yield Note(path=_shown(path), text=what)


def _path(found: re.Match[str], draft: Draft) -> Path:
    if found["node"]:
        return ("nodes", found["node"])
    if found["list"]:
        return (found["list"], draft.numbers[found["list"]][int(found["index"])])
    return ()


def _part(found: re.Match[str], draft: Draft) -> Object:
    """The node, relationship, flow or system as written in the blueprint."""
    whole: Plain = draft.form
    if found["node"]:
        nodes = draft.form["nodes"]
        whole = nodes.get(found["node"]) if isinstance(nodes, dict) else None
    elif found["list"]:
        whole = objects(draft.form[found["list"]])[int(found["index"])]
    return whole if isinstance(whole, dict) else {}


def _calm_name(form: Object, control: str) -> str:
    """What CALM calls a control of the part."""
    for entry in objects(recalled(form.get(METADATA))[1].get("controls")):
        if entry.get("as") == control and isinstance(name := unpack(entry.get("name")), str):
            return name
    return control


def _shown(path: Path) -> Path:
    """Where the comment stands: a listed item may have another number in the blueprint."""
    if "nodes" in path:
        return path
    return path[:1] or (METADATA,)
