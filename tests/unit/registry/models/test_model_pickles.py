"""Pickles: all that is hostile is refused, all that weights need is admitted, nothing is loaded.

The hostile ones are put together here opcode by opcode; nothing ever unpickles them.
"""

import pickle
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.registry.models import HeldPieces, Verdict, judge

STOP, MARK, REDUCE, BUILD, NONE, POP, DUP = b".", b"(", b"R", b"b", b"N", b"0", b"2"
TUPLE, TUPLE1, TUPLE2, TUPLE3, EMPTY_TUPLE = b"t", b"\x85", b"\x86", b"\x87", b")"
LIST, DICT, APPEND, APPENDS, SETITEM, SETITEMS = b"]", b"}", b"a", b"e", b"s", b"u"
STACK_GLOBAL, MEMOIZE, NEWOBJ, NEWOBJ_EX = b"\x93", b"\x94", b"\x81", b"\x92"
TRUE, FALSE, BINPERSID = b"\x88", b"\x89", b"Q"
PROTO = b"\x80\x04"


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def data(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def tuple_of(*parts: bytes) -> bytes:
    return MARK + b"".join(parts) + TUPLE


def called(function: bytes, *arguments: bytes) -> bytes:
    return function + tuple_of(*arguments) + REDUCE


def put(index: int) -> bytes:
    return b"q" + bytes([index])


def get(index: int) -> bytes:
    return b"h" + bytes([index])


def whole(*parts: bytes) -> bytes:
    return PROTO + b"".join(parts) + STOP


ID = text("id")
SYSTEM = name("os", "system")
ORDERED = name("collections", "OrderedDict") + EMPTY_TUPLE + REDUCE
ENCODE = name("_codecs", "encode")
STORAGE = tuple_of(text("storage"), name("torch", "FloatStorage"), text("0"), text("cpu"), number(12)) + BINPERSID  # fmt: skip
REBUILD = name("torch._utils", "_rebuild_tensor_v2")
SHAPE, STRIDE = tuple_of(number(3), number(4)), tuple_of(number(4), number(1))


def tensor(hooks: bytes = ORDERED, *more: bytes) -> bytes:
    return called(REBUILD, STORAGE, number(0), SHAPE, STRIDE, FALSE, hooks, *more)


def dtype(kind: str, *, size: int = -1, flags: int = 0) -> bytes:
    made = called(name("numpy", "dtype"), text(kind), FALSE, TRUE)
    ends = number(size), number(size), number(flags)
    return made + tuple_of(number(3), text("<"), NONE, NONE, NONE, *ends) + BUILD


def array(module: str, kind: bytes) -> bytes:
    made = called(
        name(module, "_reconstruct"), name("numpy", "ndarray"), tuple_of(number(0)), data(b"b")
    )
    return made + tuple_of(number(1), tuple_of(number(1)), kind, FALSE, data(bytes(4))) + BUILD


def import_of(module: str) -> bytes:
    return called(name("importlib", "import_module"), text(module))


HOSTILE = {
    # The plain ones.
    "os.system": called(SYSTEM, ID),
    "posix.system": called(name("posix", "system"), ID),
    "subprocess.Popen": called(name("subprocess", "Popen"), ID),
    "builtins.eval": called(name("builtins", "eval"), text("1")),
    "python 2's eval": called(name("__builtin__", "eval"), text("1")),
    "builtins.__import__": called(name("builtins", "__import__"), text("os")),
    "builtins.getattr": called(name("builtins", "getattr"), name("os", "path"), text("system")),
    "named and never called": SYSTEM,
    "named and thrown away": SYSTEM + POP + NONE,
    # Names that are made up while it runs.
    "a name from two texts": text("os") + text("system") + STACK_GLOBAL + ID + TUPLE1 + REDUCE,
    "a name from the memo": text("os") + put(0) + text("system") + put(1) + POP + POP
    + get(0) + get(1) + STACK_GLOBAL + ID + TUPLE1 + REDUCE,
    "a name that a call made": called(ENCODE, text("os"), text("latin1")) + text("system")
    + STACK_GLOBAL,
    "a name of Python 2's texts": b"U\x02os" + b"U\x06system" + STACK_GLOBAL + ID + TUPLE1 + REDUCE,
    "an attribute of a harmless name": called(name("numpy", "ndarray.tofile"), ID),
    "a call of what a call made": called(called(ENCODE, text("a"), text("latin1")), ID),
    # Ways past lists of what is dangerous.
    "inspect.getattr_static": called(
        name("inspect", "getattr_static"), import_of("os"), text("system")
    ),
    "importlib.import_module": import_of("os"),
    "_posixsubprocess.fork_exec": called(name("_posixsubprocess", "fork_exec"), ID),
    "_ctypes.dlopen": called(name("_ctypes", "dlopen"), text("lib.so"), number(1)),
    "codecs.open": called(name("codecs", "open"), text("file"), text("w")),
    "_io.FileIO": called(name("_io", "FileIO"), text("file"), text("w")),
    "pkgutil.resolve_name": called(name("pkgutil", "resolve_name"), text("os:system")),
    "operator.attrgetter": called(name("operator", "attrgetter"), text("system")),
    "functools.partial": called(name("functools", "partial"), NONE),
    "runpy.run_path": called(name("runpy", "run_path"), text("file")),
    "an unknown module": called(name("innocent_weights", "restore"), ID),
    "logging.FileHandler": called(name("logging", "FileHandler"), text("file")),
    # A pickle, or code, within.
    "pickle.loads": called(name("_pickle", "loads"), data(b"N.")),
    "torch's own load": called(name("torch.storage", "_load_from_bytes"), data(b"N.")),
    "numpy.load": called(name("numpy", "load"), text("file")),
    "an array of objects": array("numpy.core.multiarray", dtype("O")),
    "a number that is an object": called(
        name("numpy.core.multiarray", "scalar"), dtype("O"), data(b"N.")
    ),
    "a codec that unpacks": called(ENCODE, text("a"), text("zlib_codec")),
    # Other ways to call.
    "INST": MARK + ID + b"ios\nsystem\n",
    "OBJ": MARK + SYSTEM + ID + b"o",
    "NEWOBJ": name("collections", "OrderedDict") + EMPTY_TUPLE + NEWOBJ,
    "NEWOBJ_EX": name("collections", "OrderedDict") + EMPTY_TUPLE + DICT + NEWOBJ_EX,
    "an extension code": b"\x82\x01" + ID + TUPLE1 + REDUCE,
    "a persistent id by name": b"Pcommand\n",
    "a persistent id of another kind": tuple_of(text("module"), ID) + BINPERSID,
    "a buffer from elsewhere": b"\x97",
    # States and contents that are not data.
    "the state of a class": name("numpy", "ndarray") + DICT + BUILD,
    "the state of a tensor": tensor() + DICT + BUILD,
    "a method laid over a mapping's": ORDERED
    + DICT + text("items") + REBUILD + SETITEM + BUILD,
    "a type of numbers made a type of objects": dtype("f4", flags=63),
    "a type of numbers of another size": dtype("f4", size=4096),
    "a hook on a tensor": tensor(ORDERED + NONE + REBUILD + SETITEM),
    "a hook put there later": ORDERED + put(0) + POP + tensor(get(0)) + POP
    + get(0) + NONE + REBUILD + SETITEM,
    "additions to what is no list": name("numpy", "ndarray") + NONE + APPEND,
    "items of what is no mapping": tensor() + NONE + NONE + SETITEM,
    "a tuple in a name's place": called(
        name("numpy._core.multiarray", "_reconstruct"),
        tuple_of(text("numpy"), text("ndarray")), tuple_of(number(0)), data(b"b"),
    ),
    # What scanners stop at, or never reach.
    "an unknown opcode after the call": called(SYSTEM, ID) + b"\xff",
    "a mark that is not there": TUPLE,
    "a value that was not kept": get(7),
    "a number without bounds": b"\x8b" + struct.pack("<I", 2**31),
    "a text longer than the file": b"X" + struct.pack("<I", 2**31) + b"a",
    "two values": NONE + NONE,
}  # fmt: skip

ARRAYS = {
    module: array(module, dtype("f4")) for module in ("numpy.core.multiarray", "numpy._core.multiarray")
}  # fmt: skip
BENIGN = {
    "an array of NumPy 1": ARRAYS["numpy.core.multiarray"],
    "an array of NumPy 2": ARRAYS["numpy._core.multiarray"],
    "an array in a buffer": called(
        name("numpy._core.numeric", "_frombuffer"),
        b"\x96" + struct.pack("<Q", 4) + bytes(4), dtype("<f4"), tuple_of(number(1)), text("C"),
    ),
    "a number of NumPy": called(
        name("numpy._core.multiarray", "scalar"), dtype("f8"), data(bytes(8))
    ),
    "bytes as old protocols write them": called(ENCODE, text("\x00\xff"), text("latin1")),
    "a tensor": tensor(),
    "a tensor with empty metadata": tensor(ORDERED, NONE),
    "a parameter": called(name("torch._utils", "_rebuild_parameter"), tensor(), TRUE, ORDERED),
    "a state dict": ORDERED + MARK + text("weight") + tensor() + text("bias") + tensor() + SETITEMS
    + DICT + text("_metadata") + ORDERED + SETITEM + BUILD,
    "a checkpoint": DICT + MARK + text("epoch") + number(3) + text("dtype") + name("torch", "float32")
    + text("shape") + called(name("torch", "Size"), SHAPE) + text("device")
    + called(name("torch", "device"), text("cpu")) + SETITEMS,
}  # fmt: skip


def judged(content: bytes) -> Verdict:
    return judge("weights.pkl", HeldPieces(content))


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_pickle_is_refused(case: str) -> None:
    found = judged(whole(HOSTILE[case]))
    assert (found.admitted, found.code) == (False, "model.pickle"), found
    assert found.why


@pytest.mark.parametrize("case", BENIGN)
def test_what_weights_need_is_admitted(case: str) -> None:
    assert judged(whole(BENIGN[case])).why == ""


@pytest.mark.parametrize("case", BENIGN)
def test_nothing_may_follow_the_end(case: str) -> None:
    assert not judged(whole(BENIGN[case]) + whole(HOSTILE["os.system"])).admitted
    assert not judged(whole(BENIGN[case]) + b"\0").admitted


@pytest.mark.parametrize("case", BENIGN)
def test_a_pickle_without_its_end_is_refused(case: str) -> None:
    assert not judged(whole(BENIGN[case])[:-1]).admitted


def test_a_refusal_names_what_was_asked_for() -> None:
    case = HOSTILE["inspect.getattr_static"]
    assert judged(whole(case)).why == "it names inspect.getattr_static"


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
        | st.frozensets(st.integers(), max_size=4)
    ),
    max_leaves=20,
)


@given(value=plain, protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_data_is_admitted_in_every_protocol(value: object, protocol: int) -> None:
    assert judged(pickle.dumps(value, protocol)).why == ""


@settings(max_examples=300)
@given(
    base=st.sampled_from([*BENIGN.values(), *HOSTILE.values()]),
    at=st.integers(0, 10_000),
    byte=st.integers(0, 255),
    cut=st.booleans(),
)
def test_a_damaged_pickle_ends_in_a_verdict(base: bytes, at: int, byte: int, *, cut: bool) -> None:
    content = bytearray(whole(base))
    content[at % len(content)] = byte
    if cut:
        del content[at % len(content) :]
    assert judged(bytes(content)).format in {"pickle", "torch-archive"}


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_verdict(content: bytes) -> None:
    judged(content)


def test_tuples_nested_without_end_do_not_bring_the_judge_down() -> None:
    deep = NONE + TUPLE1 * 50_000
    assert judged(whole(deep)).admitted
    assert not judged(whole(deep + BINPERSID)).admitted
    assert not judged(whole(called(SYSTEM, deep))).admitted
    keyed = DICT + MARK + deep + NONE + SETITEMS
    assert judged(whole(keyed)).admitted
