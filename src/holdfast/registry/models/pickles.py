"""Pickles, followed opcode by opcode without ever being loaded.

The machine of ``pickletools`` is run on kinds instead of values: what a stack slot would be is known
exactly or the file is refused. Every name and every call must be on the allow-list, and the pickle
must end with the file, so that nothing can hide behind it. Opcodes that only old protocols, extension
registries or out-of-band buffers use are refused: nobody needs them for weights.
"""

import struct
from collections.abc import Callable, Mapping

from holdfast.registry.models.allowed import (
    NAMES,
    Global,
    Made,
    build,
    call,
    kind_of,
    storage,
)
from holdfast.registry.models.errors import PickleError
from holdfast.registry.models.reading import Pieces, Walk

PICKLE_BYTES_MAX = 256 * 1024 * 1024
PICKLE_OPCODES_MAX = 2_000_000
PICKLE_LINE_BYTES_MAX = 1024 * 1024
PICKLE_INT_BYTES_MAX = 1024
PICKLE_ENTRIES_MAX = 1_000_000
"""Keys of one mapping."""
PICKLE_TEXT_BYTES_MAX = 16 * 1024 * 1024

_PROTOCOL_MAX = 5
_DOUBLE = struct.Struct(">d")


class Machine:
    """The state of one pickle's run: the stack, the stacks below its marks, and the memo."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.stack: list[object] = []
        self.below: list[list[object]] = []
        self.memo: dict[int, object] = {}
        self.storages: set[str] = set()

    def run(self) -> None:
        """To the STOP, which must be the file's end with one value made."""
        for _ in range(PICKLE_OPCODES_MAX):
            at, code = self.walk.at, self.walk.u8()
            if code == _STOP:
                self._end()
                return
            step = _STEPS.get(code)
            if step is None:
                raise PickleError(f"it has the opcode {code:#04x} at byte {at}")
            step(self)
        raise PickleError(f"it has more than {PICKLE_OPCODES_MAX} opcodes")

    def _end(self) -> None:
        if len(self.stack) != 1 or self.below:
            raise PickleError("it stops with other than one value")
        if self.walk.left:
            raise PickleError(f"{self.walk.left} bytes follow its end, which another pickle may be")

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> object:
        if not self.stack:
            raise PickleError("it takes what is not there")
        return self.stack.pop()

    def top(self) -> object:
        if not self.stack:
            raise PickleError("it takes what is not there")
        return self.stack[-1]

    def to_mark(self) -> list[object]:
        if not self.below:
            raise PickleError("it goes back to a mark that is not there")
        found, self.stack = self.stack, self.below.pop()
        return found

    def keep(self, number: int) -> None:
        self.memo[number] = self.top()

    def fetch(self, number: int) -> None:
        if number not in self.memo:
            raise PickleError("it recalls what was not kept")
        self.push(self.memo[number])

    def name(self, module: object, name: object) -> None:
        if type(module) is not str or type(name) is not str:
            raise PickleError("it makes up a name that cannot be followed")
        found = Global(module, name)
        if found not in NAMES:
            raise PickleError(f"it names {found}")
        self.push(found)

    def reduce(self) -> None:
        arguments, function = self.pop(), self.pop()
        self.push(call(function, arguments))

    def build(self) -> None:
        state = self.pop()
        build(self.top(), state)

    def persist(self) -> None:
        self.storages.add(storage(self.pop()))
        self.push(Made("storage"))

    def add(self, count: int | None, *, to: tuple[str, ...], is_mapping: bool = False) -> None:
        """Items, one or all since the mark, into the container below them."""
        items = self.to_mark() if count is None else [self.pop() for _ in range(count)][::-1]
        into = self.top()
        if not isinstance(into, Made) or into.kind not in to or into.sealed:
            raise PickleError(f"it adds to {kind_of(into)}, or to something in use")
        if is_mapping and len(items) % 2:
            raise PickleError("it has a key without a value")
        if is_mapping:
            into.keys.extend(items[::2])
            if len(into.keys) > PICKLE_ENTRIES_MAX:
                raise PickleError(f"a mapping has more than {PICKLE_ENTRIES_MAX} keys")

    def line(self) -> bytes:
        """To the next line feed, which is taken too."""
        found = bytearray()
        while (byte := self.walk.take(1)) != b"\n":
            found += byte
            if len(found) > PICKLE_LINE_BYTES_MAX:
                raise PickleError("it has a line without an end")
        return bytes(found)

    def text(self, size: int) -> None:
        if size > PICKLE_TEXT_BYTES_MAX:
            raise PickleError(f"it has a text of more than {PICKLE_TEXT_BYTES_MAX} bytes")
        self.push(self.walk.take(size).decode("utf-8", "surrogatepass"))

    def skip(self, size: int, kind: str) -> None:
        self.walk.skip(size)
        self.push(Made(kind))

    def long(self, size: int) -> None:
        if size > PICKLE_INT_BYTES_MAX:
            raise PickleError(f"it has a number of more than {PICKLE_INT_BYTES_MAX} bytes")
        self.push(int.from_bytes(self.walk.take(size), "little", signed=True))

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def pop_or_mark(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.to_mark()

    def drop_to_mark(self) -> None:
        self.to_mark()

    def tuple_of(self, count: int) -> None:
        self.push(tuple([self.pop() for _ in range(count)][::-1]))

    def mapping_since_mark(self) -> None:
        items = self.to_mark()
        self.push(Made("dict"))
        self.mark()
        self.stack = items
        self.add(None, to=("dict",), is_mapping=True)

    def since_mark(self, kind: str) -> None:
        self.to_mark()
        self.push(Made(kind))

    def number_line(self) -> None:
        """INT: a decimal number, or a truth value in two digits."""
        found = self.line()
        self.push({b"00": False, b"01": True}.get(found))
        if self.stack[-1] is None:
            self.stack[-1] = int(found)

    def protocol(self) -> None:
        if self.walk.u8() > _PROTOCOL_MAX:
            raise PickleError("it is of a protocol that is not known")

    def frame(self) -> None:
        """A frame only says how far to read ahead."""
        if self.walk.u64() > self.walk.left:
            raise PickleError("it has a frame that ends behind the file")

    def named_by_lines(self) -> None:
        module = self.line().decode("ascii")
        self.name(module, self.line().decode("ascii"))

    def named_by_stack(self) -> None:
        name, module = self.pop(), self.pop()
        self.name(module, name)


_STOP = ord(".")
_DICTS = ("dict", "ordered")

_STEPS: Mapping[int, Callable[[Machine], None]] = {
    0x80: Machine.protocol,
    0x95: Machine.frame,
    ord("("): Machine.mark,
    ord("0"): Machine.pop_or_mark,
    ord("1"): Machine.drop_to_mark,
    ord("2"): lambda m: m.push(m.top()),
    # Plain values.
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("I"): Machine.number_line,
    ord("J"): lambda m: m.push(int.from_bytes(m.walk.take(4), "little", signed=True)),
    ord("K"): lambda m: m.push(m.walk.u8()),
    ord("M"): lambda m: m.push(int.from_bytes(m.walk.take(2), "little")),
    ord("L"): lambda m: m.push(int(m.line().removesuffix(b"L"))),
    0x8A: lambda m: m.long(m.walk.u8()),
    0x8B: lambda m: m.long(m.walk.u32()),
    ord("F"): lambda m: m.push(float(m.line())),
    ord("G"): lambda m: m.push(float(_DOUBLE.unpack(m.walk.take(8))[0])),
    # Texts and bytes; Python 2's strings, whose encoding the reader chooses, are of no known text.
    ord("V"): lambda m: m.push(m.line().decode("raw_unicode_escape")),
    0x8C: lambda m: m.text(m.walk.u8()),
    ord("X"): lambda m: m.text(m.walk.u32()),
    0x8D: lambda m: m.text(m.walk.u64()),
    ord("C"): lambda m: m.skip(m.walk.u8(), "bytes"),
    ord("B"): lambda m: m.skip(m.walk.u32(), "bytes"),
    0x8E: lambda m: m.skip(m.walk.u64(), "bytes"),
    0x96: lambda m: m.skip(m.walk.u64(), "bytearray"),
    ord("U"): lambda m: m.skip(m.walk.u8(), "old-text"),
    ord("T"): lambda m: m.skip(m.walk.u32() & 0x7FFFFFFF, "old-text"),
    # Containers.
    ord(")"): lambda m: m.push(()),
    0x85: lambda m: m.tuple_of(1),
    0x86: lambda m: m.tuple_of(2),
    0x87: lambda m: m.tuple_of(3),
    ord("t"): lambda m: m.push(tuple(m.to_mark())),
    ord("]"): lambda m: m.push(Made("list")),
    ord("l"): lambda m: m.since_mark("list"),
    ord("a"): lambda m: m.add(1, to=("list",)),
    ord("e"): lambda m: m.add(None, to=("list",)),
    ord("}"): lambda m: m.push(Made("dict")),
    ord("d"): Machine.mapping_since_mark,
    ord("s"): lambda m: m.add(2, to=_DICTS, is_mapping=True),
    ord("u"): lambda m: m.add(None, to=_DICTS, is_mapping=True),
    0x8F: lambda m: m.push(Made("set")),
    0x90: lambda m: m.add(None, to=("set",)),
    0x91: lambda m: m.since_mark("set"),
    # Memory.
    ord("p"): lambda m: m.keep(int(m.line())),
    ord("q"): lambda m: m.keep(m.walk.u8()),
    ord("r"): lambda m: m.keep(m.walk.u32()),
    0x94: lambda m: m.keep(len(m.memo)),
    ord("g"): lambda m: m.fetch(int(m.line())),
    ord("h"): lambda m: m.fetch(m.walk.u8()),
    ord("j"): lambda m: m.fetch(m.walk.u32()),
    # Names and calls: each through the allow-list.
    ord("c"): Machine.named_by_lines,
    0x93: Machine.named_by_stack,
    ord("R"): Machine.reduce,
    ord("b"): Machine.build,
    ord("Q"): Machine.persist,
}


def check_pickle(pieces: Pieces, *, start: int = 0, size: int | None = None) -> frozenset[str]:
    """The storages that the pickle names; ``PickleError`` where it does what is not allowed."""
    length = pieces.size - start if size is None else size
    if length > PICKLE_BYTES_MAX:
        raise PickleError(f"it has more than {PICKLE_BYTES_MAX} bytes")
    machine = Machine(Walk(pieces, start, kind=PickleError, end=start + length))
    try:
        machine.run()
    except ValueError as error:  # a number, or a text's encoding
        raise PickleError(f"it cannot be followed: {str(error)[:100]}") from error
    return frozenset(machine.storages)
