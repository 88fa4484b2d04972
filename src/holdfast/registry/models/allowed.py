"""What a pickle may name and call: the few constructors of numbers, containers, arrays and tensors.

An allow-list, and of calls with the kinds of their arguments: what is not here is refused, however
harmless it looks. No name here looks anything up, imports, evaluates, opens or writes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeGuard

from holdfast.registry.models.errors import PickleError

NUMBER_TYPE = re.compile(r"[<>|=]?(?:[biufc](?:1|2|4|8|16|32)|\?)\Z")
"""NumPy's types of plain numbers; ``O`` is a pickle within, and records have unchecked layouts."""
_LATIN = ("latin1", "latin-1")


class Made:
    """Something that loading would make, known by its kind only.

    ``keys`` are a mapping's keys so far; what was handed to a call is ``sealed``, for whatever holds
    it then would see a later change.
    """

    __slots__ = ("keys", "kind", "sealed")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.keys: list[object] = []
        self.sealed = False


@dataclass(frozen=True, slots=True)
class Global:
    """A name that loading would import. No tuple: one that the file makes must not equal it."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:200]


class Call(NamedTuple):
    """A call that is allowed: what it makes, of which arguments; ``least`` must be there."""

    makes: str
    takes: tuple[str, ...] = ()
    least: int = 0


_ANY_INT = "int bool"
_INDEX = "int none"
_RECONSTRUCT = Call("ndarray", ("numpy.ndarray", "ints", "bytes"), 3)
_SCALAR = Call("scalar", ("dtype", "bytes"), 2)
_FROM_BUFFER = Call("array", ("bytes bytearray", "dtype", "ints", "order"), 4)
_TENSOR_V2 = Call(
    "tensor", ("storage", "int", "ints", "ints", "bool", "no-hooks", "no-metadata"), 6
)

_BUILT_IN: Mapping[str, Call] = {
    "set": Call("set", ("list",)),
    "frozenset": Call("set", ("list",)),
    "bytes": Call("bytes"),
    "bytearray": Call("bytearray", ("bytes",)),
    "complex": Call("number", ("float", "float"), 2),
    "slice": Call("slice", (_INDEX, _INDEX, _INDEX), 3),
}
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")

CALLS: Mapping[Global, Call] = {
    Global("collections", "OrderedDict"): Call("ordered"),
    Global("_codecs", "encode"): Call("bytes", ("str", "latin"), 2),
    Global("numpy", "dtype"): Call("dtype", ("number-type", _ANY_INT, _ANY_INT), 1),
    Global("torch", "Size"): Call("ints", ("ints",), 1),
    Global("torch", "device"): Call("device", ("str", "int"), 1),
    Global("torch._utils", "_rebuild_tensor"): Call(
        "tensor", ("storage", "int", "ints", "ints"), 4
    ),
    Global("torch._utils", "_rebuild_tensor_v2"): _TENSOR_V2,
    Global("torch._utils", "_rebuild_parameter"): Call("tensor", ("tensor", "bool", "no-hooks"), 3),
    **{Global(each, name): call for each in ("builtins", "__builtin__") for name, call in _BUILT_IN.items()},
    **{Global(each, "_reconstruct"): _RECONSTRUCT for each in _MULTIARRAY},
    **{Global(each, "scalar"): _SCALAR for each in _MULTIARRAY},
    Global("numpy.core.numeric", "_frombuffer"): _FROM_BUFFER,
    Global("numpy._core.numeric", "_frombuffer"): _FROM_BUFFER,
}  # fmt: skip

_STORAGES = (
    "Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool",
    "ComplexFloat", "ComplexDouble",
)  # fmt: skip
_DTYPES = (
    "float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int64", "int32",
    "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool", "complex64", "complex128",
)  # fmt: skip

STORAGES = frozenset(Global("torch", f"{each}Storage") for each in _STORAGES) | {
    Global("torch.storage", "UntypedStorage")
}
NAMES = (
    frozenset(CALLS)
    | STORAGES
    | {Global("numpy", "ndarray")}
    | {Global("torch", each) for each in _DTYPES}
)
"""All that may be named at all; naming alone imports ``torch``, ``numpy`` or the standard library."""


def call(function: object, arguments: object) -> Made:
    """What an allowed call makes; ``PickleError`` for any other."""
    if not isinstance(function, Global):
        raise PickleError(f"it calls {kind_of(function)}, which is no name that can be followed")
    allowed = CALLS.get(function)
    if allowed is None:
        raise PickleError(f"it calls {function}")
    if not _is_tuple(arguments) or not allowed.least <= len(arguments) <= len(allowed.takes):
        raise PickleError(f"it calls {function} with arguments of another number")
    for number, (given, wanted) in enumerate(zip(arguments, allowed.takes, strict=False), 1):
        if not any(_fits(given, each) for each in wanted.split()):
            raise PickleError(f"it calls {function} with another argument {number} than {wanted}")
        if isinstance(given, Made):
            given.sealed = True
    return Made(allowed.makes)


def build(made: object, state: object) -> None:
    """``__setstate__`` or a change of ``__dict__``: allowed where its state is wholly known."""
    kind = made.kind if isinstance(made, Made) and not made.sealed else ""
    if kind == "ordered" and isinstance(state, Made) and state.kind == "dict":
        is_known = state.keys == ["_metadata"]
        state.sealed = True
    elif kind == "dtype":
        is_known = _is_number_state(state)
    elif kind == "ndarray":
        is_known = _matches(state, ("int", "ints", "dtype", "bool", "bytes"))
    else:
        is_known = False
    if not is_known:
        raise PickleError(f"it sets the state of {kind_of(made)}, or of something in use")


def storage(identity: object) -> str:
    """The name of the storage that a persistent id means, as PyTorch writes them."""
    if (
        _is_tuple(identity)
        and len(identity) in (5, 6)
        and identity[0] == "storage"
        and isinstance(identity[1], Global)
        and identity[1] in STORAGES
        and isinstance(identity[2], str)
        and re.fullmatch(r"[0-9]{1,9}", identity[2])
        and isinstance(identity[3], str)
        and type(identity[4]) is int
        and identity[5:] in ((), (None,))
    ):
        return identity[2]
    raise PickleError("it has a persistent id that is not one of a PyTorch storage")


def kind_of(value: object) -> str:
    """How a message names a value; never its content."""
    if isinstance(value, Global):
        return str(value)
    return value.kind if isinstance(value, Made) else type(value).__name__


def _fits(value: object, wanted: str) -> bool:
    match wanted:
        case "none" | "no-metadata":
            return value is None
        case "str" | "int" | "float" | "bool":
            return type(value).__name__ == wanted
        case "latin":
            return type(value) is str and value in _LATIN
        case "order":
            return type(value) is str and value in ("C", "F")
        case "number-type":
            return type(value) is str and NUMBER_TYPE.match(value) is not None
        case "ints":
            return _is_ints(value)
        case "no-hooks":
            return isinstance(value, Made) and value.kind == "ordered" and not value.keys
        case "numpy.ndarray":
            return isinstance(value, Global) and value == Global("numpy", "ndarray")
        case _:
            return isinstance(value, Made) and value.kind == wanted


def _is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    return type(value) is tuple


def _is_ints(value: object) -> bool:
    if isinstance(value, Made):
        return value.kind == "ints"
    return _is_tuple(value) and all(type(each) is int for each in value)


def _matches(state: object, wanted: tuple[str, ...]) -> bool:
    return (
        _is_tuple(state)
        and len(state) == len(wanted)
        and all(_fits(given, each) for given, each in zip(state, wanted, strict=True))
    )


def _is_number_state(state: object) -> bool:
    """What NumPy writes for a type of plain numbers: no names, no fields, no size, no flags."""
    return (
        _matches(state, ("int", "str", "none", "none", "none", "int", "int", "int"))
        and _is_tuple(state)
        and state[0] in (3, 4)
        and state[1] in ("<", ">", "|", "=")
        and state[5:] == (-1, -1, 0)
    )
