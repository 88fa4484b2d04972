"""One part, both ways, without loss: said again in the other format, the rest remembered.

A part of a blueprint always has one natural way to be written as CALM. What a document says
otherwise is remembered field by field (``original``), and on the way back it is used only while
reading it anew gives what stands in the blueprint: a change there is never undone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.blueprint.exchange.memory import (
    CALM,
    HOLDFAST,
    METADATA,
    is_apart,
    member,
    recalled,
    wrap,
)
from holdfast.blueprint.exchange.values import Object, pack, same, says_nothing, unpack
from holdfast.blueprint.source import Plain

_LISTS = ("nodes", "relationships", "flows")
"""Fields of a document whose items are parts of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A part as a blueprint writes it, without memory; what of it the document does not say, so
    that the import makes it up; and what to remember beside single fields."""

    form: Object
    assumed: Object
    memory: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """How one part is read and written. ``theirs`` takes the form without memory, the memory, and
    whether other metadata is kept apart."""

    ours: Callable[[Object], Read]
    theirs: Callable[[Object, Object, bool], Object]

    def read(self, raw: Object) -> Object:
        """The part as a blueprint writes it, with what it takes to write the very same again."""
        read = self.ours(raw)
        if not read.assumed and self._is_told(read, raw):
            return read.form
        memory = {**read.memory, **self._differences(read, raw)}
        form = _merged(read.form, read.assumed)
        metadata = wrap(form.get(METADATA), CALM, memory)
        return form if metadata is None else {**form, METADATA: metadata}

    def write(self, form: Object, *, apart: bool = False) -> Object:
        """The part as CALM writes it; ``apart`` keeps the memory itself in the document."""
        metadata, memory = recalled(form.get(METADATA))
        bare = form
        if not apart:
            bare = _stripped({**form, METADATA: metadata}, member(memory, "assumed"))
        natural = self.theirs(bare, memory, apart)
        found = dict(natural)
        for name, packed in member(memory, "original").items():
            value = unpack(packed)
            if name not in _LISTS and self._still(natural, memory, name, value):
                found[name] = value
        without = memory.get("without")
        for name in without if isinstance(without, list) else ():
            if isinstance(name, str) and self._still(natural, memory, name, None):
                found.pop(name, None)
        return found

    def returns(self, form: Object) -> bool:
        """Whether what is written of the part gives the same metadata when it is read."""
        return same(self.read(self.write(form)).get(METADATA), form.get(METADATA))

    def _is_told(self, read: Read, raw: Object) -> bool:
        """Whether the form alone is written as ``raw`` again, without further memory."""
        if not is_apart(raw.get(METADATA), HOLDFAST):
            return not read.memory and same(_bare(self.write(read.form)), _bare(raw))
        if not _is_known(read):
            return False
        if same(_bare(self.write(read.form)), _bare(raw)):
            return True
        again = _bare(self.write(read.form, apart=True))
        return same(again, _bare(raw)) and not self.returns(read.form)

    def _differences(self, read: Read, raw: Object) -> Object:
        """What the natural way does not give."""
        natural = _bare(self.theirs(read.form, {**read.memory, "assumed": read.assumed}, False))
        original = {
            name: pack(value)
            for name, value in _bare(raw).items()
            if name not in natural or not same(natural[name], value)
        }
        without: list[Plain] = [name for name in natural if name not in raw]
        found: Object = {"assumed": read.assumed, "original": original, "without": without}
        return {name: value for name, value in found.items() if value}

    def _still(self, natural: Object, memory: Object, name: str, value: Plain) -> bool:
        """Whether ``value`` (None: nothing), read anew, says what is said now."""
        said = {key: item for key, item in natural.items() if key != name}
        if value is not None:
            said[name] = value
        again = self.theirs(self.ours(said).form, memory, False)
        one, other = again.get(name), natural.get(name)
        return same(one, other) or (says_nothing(one) and says_nothing(other))


def _is_known(read: Read) -> bool:
    """Whether the memory that stands in the form has the ids that this part needs."""
    written = recalled(read.form.get(METADATA))[1]
    interfaces = member(written, "interfaces")
    known = all(
        same(name, interfaces.get(ours)) for ours, name in member(read.memory, "interfaces").items()
    )
    return known and ("id" not in read.memory or same(read.memory["id"], written.get("id")))


def _bare(raw: Object) -> Object:
    return {name: value for name, value in raw.items() if name not in _LISTS}


def _merged(form: Object, assumed: Object) -> Object:
    """``assumed`` added to ``form``, below what it has."""
    found = dict(form)
    for name, value in assumed.items():
        under = found.get(name)
        if isinstance(value, dict) and isinstance(under, dict):
            found[name] = {**value, **under}
        else:
            found.setdefault(name, value)
    return found


def _stripped(form: Object, assumed: Object) -> Object:
    """``form`` without what was assumed and nobody has changed."""
    found = dict(form)
    for name, value in assumed.items():
        under = found.get(name)
        if same(under, value):
            found.pop(name, None)
        elif isinstance(value, dict) and isinstance(under, dict):
            found[name] = {
                key: item
                for key, item in under.items()
                if not (key in value and same(item, value[key]))
            }
    return found
