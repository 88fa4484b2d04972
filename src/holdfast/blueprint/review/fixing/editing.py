"""Changes written into the text of a YAML file, so that comments and layout stay as they are.

Only the places that change are touched: found by the marks of PyYAML's nodes, written anew from
there. Whoever calls reads the result again and compares, so that a misplaced edit is never kept.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from holdfast.blueprint import Plain
from holdfast.blueprint.review.errors import PatchError
from holdfast.blueprint.review.fixing.differing import Change
from holdfast.blueprint.review.fixing.spelling import block_lines, flow_text
from holdfast.blueprint.review.places import Steps

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LINE_MAX = 100
"""What is longer on one line is written as a block."""

_Entry: TypeAlias = tuple[yaml.Node | None, yaml.Node]


@dataclass(frozen=True, slots=True)
class _Edit:
    """``text`` in the place of what stands from ``start`` to ``end``."""

    start: int
    end: int
    text: str


def edited(text: str, changes: Iterable[Change]) -> str:
    """The text with every change made; ``PatchError`` where one cannot be."""
    pen = _Pen(text)
    edits = sorted(
        (pen.edit(change) for change in changes), key=lambda edit: (edit.start, edit.end)
    )
    parts: list[str] = []
    at = 0
    for edit in edits:
        if edit.start < at:
            raise PatchError("two changes of the file touch each other", fix="make them one by one")
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:]])


class _Pen:
    """A text with its nodes and where they stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._json = text.lstrip().startswith("{")
        root = yaml.compose(text, Loader=_LOADER)
        if root is None:
            raise PatchError("the file is empty")
        self._root: yaml.Node = root
        self._shared = _shared(root)

    def edit(self, change: Change) -> _Edit:
        way = self._way(change.path)
        key, node = way[-1]
        rest: Steps = change.path[len(way) - 1 :]
        if not change.path:
            raise PatchError("a patch cannot replace the whole file")
        if not rest:
            if change.removed:
                return self._removal(way, change.path)
            return self._replacement(key, node, change.value)
        step = rest[0] if len(rest) == 1 else None
        if isinstance(node, yaml.MappingNode) and isinstance(step, str):
            return self._new_key(node, step, change.value)
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            return self._new_item(node, change.value)
        raise self._misfit(change.path)

    def _way(self, path: Steps) -> list[_Entry]:
        """The nodes from the root to ``path`` as far as they exist, each with its key."""
        way: list[_Entry] = [(None, self._root)]
        for step in path:
            found = _step(way[-1][1], step)
            if found is None:
                break
            if found[1] in self._shared:
                raise PatchError(
                    f"{'.'.join(map(str, path))} is written once and used in several places",
                    fix="write the alias out, then try again",
                )
            way.append(found)
        return way

    def _misfit(self, path: Steps) -> PatchError:
        return PatchError(f"there is no place for {'.'.join(map(str, path))} in the file")

    def _replacement(self, key: yaml.Node | None, node: yaml.Node, value: Plain) -> _Edit:
        start, end = self._offset(node.start_mark), self._end(node)
        if key is not None and _is_block(node):
            # A block begins on a line of its own; what takes its place goes behind the colon.
            start = self._end(key) + 1
        return _Edit(start, max(end, start), self._lead(start) + self._flow(value))

    def _lead(self, start: int) -> str:
        return " " if start and self._text[start - 1] in ":-" else ""

    def _new_key(self, node: yaml.MappingNode, key: str, value: Plain) -> _Edit:
        pairs: list[_Entry] = node.value
        if node.flow_style:
            return self._in_flow(node, pairs, f"{self._word(key)}: {self._flow(value)}")
        indent = pairs[0][0].start_mark.column if pairs and pairs[0][0] else 0
        lines = _under_key(key, value, indent, flow=self._flow(value))
        return self._below(pairs[-1][1], pairs[-1][0], lines)

    def _new_item(self, node: yaml.SequenceNode, value: Plain) -> _Edit:
        items: list[yaml.Node] = node.value
        if node.flow_style:
            return self._in_flow(node, [(None, item) for item in items], self._flow(value))
        dash = " " * node.start_mark.column + "- "
        flow = self._flow(value)
        lines = [dash + flow]
        if len(lines[0]) > _LINE_MAX and isinstance(value, dict | list):
            inner = block_lines(value, indent=len(dash))
            lines = [dash + inner[0].lstrip(), *inner[1:]]
        return self._below(items[-1], None, lines)

    def _in_flow(self, node: yaml.Node, entries: list[_Entry], written: str) -> _Edit:
        if not entries:
            at = self._offset(node.start_mark) + 1
            return _Edit(at, at, written)
        at = self._end(entries[-1][1])
        return _Edit(at, at, f", {written}")

    def _below(self, last: yaml.Node, key: yaml.Node | None, lines: list[str]) -> _Edit:
        """New lines under the line on which ``last`` (under ``key``, where it is empty) ends."""
        end = max(self._end(last), self._end(key) if key else 0)
        line_end = self._text.find("\n", end)
        if line_end < 0:
            return _Edit(len(self._text), len(self._text), "\n" + "\n".join(lines) + "\n")
        return _Edit(line_end, line_end, "\n" + "\n".join(lines))

    def _removal(self, way: list[_Entry], path: Steps) -> _Edit:
        (key, node), (_, parent) = way[-1], way[-2]
        if len(parent.value) == 1 and len(way) > 2:
            empty: Plain = {} if isinstance(parent, yaml.MappingNode) else []
            return self._replacement(way[-2][0], parent, empty)
        begin = self._offset((key or node).start_mark)
        if getattr(parent, "flow_style", False):
            return self._out_of_flow(parent, begin, self._end(node))
        line = bisect_right(self._starts, begin) - 1
        lead = self._text[self._starts[line] : begin]
        if lead.strip(" -") or (key is not None and "-" in lead):
            raise PatchError(f"{'.'.join(map(str, path))} shares its line: remove it by hand")
        end = max(self._end(node), self._end(key) if key else 0)
        stop = self._text.find("\n", end)
        stop = len(self._text) if stop < 0 else stop
        if line == 0:
            return _Edit(0, min(stop + 1, len(self._text)), "")
        # With the line's end before it, not its own: something new may be written below it.
        return _Edit(self._starts[line] - 1, stop, "")

    def _out_of_flow(self, parent: yaml.Node, begin: int, end: int) -> _Edit:
        """Without the comma behind it, or before it where it is the last."""
        after = end
        while after < len(self._text) and self._text[after] in " \n\t":
            after += 1
        if self._text[after] == ",":
            after += 1
            while self._text[after] in " \n\t":
                after += 1
            return _Edit(begin, after, "")
        before = begin
        while self._text[before - 1] in " \n\t":
            before -= 1
        if self._text[before - 1] == "," and before - 1 > self._offset(parent.start_mark):
            before -= 1
        return _Edit(before, end, "")

    def _offset(self, mark: yaml.Mark) -> int:
        return self._starts[mark.line] + mark.column

    def _end(self, node: yaml.Node) -> int:
        """Behind the last sign that belongs to a node. A block's own mark lies behind the blank
        lines and comments that follow it, so its last part is asked."""
        while _is_block(node):
            key, node = _last(node)
            if key is not None and self._is_empty(node):
                return self._end(key) + 1
        end = self._offset(node.end_mark)
        if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
            end = len(self._text[:end].rstrip())
        return end

    def _is_empty(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.ScalarNode) and node.value == "" and node.style is None

    def _flow(self, value: Plain) -> str:
        return flow_text(value, as_json=self._json)

    def _word(self, key: str) -> str:
        return flow_text(key, as_json=self._json)


def _step(node: yaml.Node, step: str | int) -> _Entry | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    return None


def _is_block(node: yaml.Node) -> bool:
    collection = isinstance(node, yaml.MappingNode | yaml.SequenceNode)
    return collection and not node.flow_style and bool(node.value)


def _last(node: yaml.Node) -> _Entry:
    """The last part of a collection that has one."""
    found: _Entry | yaml.Node = node.value[-1]
    return found if isinstance(found, tuple) else (None, found)


def _shared(root: yaml.Node) -> set[yaml.Node]:
    """Nodes that stand in several places: what aliases name."""
    seen: set[yaml.Node] = set()
    shared: set[yaml.Node] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node in seen:
            shared.add(node)
            continue
        seen.add(node)
        if isinstance(node, yaml.MappingNode):
            waiting.extend(value for _, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
    return shared


def _under_key(key: str, value: Plain, indent: int, *, flow: str) -> list[str]:
    lead = " " * indent + flow_text(key) + ":"
    if len(lead) + 1 + len(flow) <= _LINE_MAX or not isinstance(value, dict | list) or not value:
        return [f"{lead} {flow}"]
    return [lead, *block_lines(value, indent=indent + 2)]
