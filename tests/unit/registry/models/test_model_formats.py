"""safetensors, GGUF, PyTorch archives, companions: what does not hold against the file is refused."""

import io
import json
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.registry.models import HeldPieces, Verdict, judge


def judged(name: str, content: bytes) -> Verdict:
    return judge(name, HeldPieces(content))


def safetensors(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(begin: int, end: int, shape: list[int], kind: str = "F32") -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


SOUND = {"a": entry(0, 8, [2]), "b": entry(8, 12, [1, 1]), "__metadata__": {"format": "pt"}}
UNSOUND = {
    "an announced header beyond the file": safetensors(SOUND, bytes(12), length=10_000),
    "an announced header beyond all measure": safetensors(SOUND, bytes(12), length=2**63),
    "no header": b"\x02",
    "a header that is no object": safetensors(b"[]"),
    "a header behind a space": safetensors(b' {"a":' + json.dumps(SOUND["a"]).encode() + b"}"),
    "a member twice": safetensors(
        b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
        b'"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        b"x",
    ),
    "an overlap": safetensors({"a": entry(0, 8, [2]), "b": entry(4, 8, [1])}, bytes(8)),
    "a hole": safetensors({"a": entry(0, 4, [1]), "b": entry(8, 12, [1])}, bytes(12)),
    "a hole at the start": safetensors({"a": entry(4, 8, [1])}, bytes(8)),
    "bytes behind": safetensors(SOUND, bytes(13)),
    "bytes missing": safetensors(SOUND, bytes(11)),
    "another size than its shape": safetensors({"a": entry(0, 8, [3])}, bytes(8)),
    "a negative shape": safetensors({"a": entry(0, 4, [-1, -1])}, bytes(4)),
    "a true shape": safetensors({"a": entry(0, 4, [True])}, bytes(4)),
    "offsets the wrong way": safetensors({"a": entry(4, 0, [1])}, bytes(4)),
    "an unknown type": safetensors({"a": entry(0, 4, [1], "OBJECT")}, bytes(4)),
    "another member": safetensors({"a": {**entry(0, 4, [1]), "code": "x"}}, bytes(4)),
    "metadata that is no text": safetensors({"__metadata__": {"a": 1}}),
    "a number that JSON has not": safetensors(b'{"a": NaN}'),
    "nesting without end": safetensors(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_a_safetensors_file_that_does_not_hold_is_refused(case: str) -> None:
    found = judged("model.safetensors", UNSOUND[case])
    assert (found.admitted, found.code) == (False, "model.safetensors"), found


def test_a_sound_safetensors_file_is_admitted() -> None:
    assert judged("model.safetensors", safetensors(SOUND, bytes(12))).admitted
    assert judged("model.safetensors", safetensors(b"{}      ")).admitted
    half = {"a": entry(0, 1, [2], "F4")}
    assert judged("model.safetensors", safetensors(half, b"x")).admitted


@given(st.lists(st.lists(st.integers(0, 5), max_size=3), max_size=6), st.integers(-3, 3))
def test_tensors_end_to_end_are_admitted_and_no_byte_more_or_less(
    shapes: list[list[int]], change: int
) -> None:
    at, header = 0, {}
    for number, shape in enumerate(shapes):
        size = 2
        for each in shape:
            size *= each
        header[f"t{number}"] = entry(at, at + size, shape, "F16")
        at += size
    data = bytes(max(0, at + change))
    assert judged("m.safetensors", safetensors(header, data)).admitted == (len(data) == at)


def string(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def gguf(
    entries: list[bytes], tensors: list[bytes], data: bytes = b"", *, version: int = 3
) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries))
    body = head + b"".join(entries) + b"".join(tensors)
    return body + bytes(-len(body) % 32) + data


def word(key: bytes, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", 8) + string(value)


def described(
    name: bytes, shape: list[int], *, kind: int = 0, offset: int = 0, dims: int | None = None
) -> bytes:
    count = len(shape) if dims is None else dims
    sizes = struct.pack(f"<{len(shape)}Q", *shape)
    return string(name) + struct.pack("<I", count) + sizes + struct.pack("<IQ", kind, offset)


ARCHITECTURE = word(b"general.architecture", b"llama")
WORDS = string(b"tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + string(b"a") + string(b"\xe2")  # fmt: skip
TWO = [described(b"a", [8]), described(b"b", [32], kind=8, offset=32)]
SOUND_GGUF = gguf([ARCHITECTURE, WORDS], TWO, bytes(32 + 34))
UNSOUND_GGUF = {
    "another magic": b"GGML" + SOUND_GGUF[4:],
    "version 1": gguf([], [], version=1),
    "big-endian": gguf([], [], version=3 << 24),
    "more tensors than may be": b"GGUF" + struct.pack("<IQQ", 3, 2**40, 0),
    "more entries than there are": b"GGUF" + struct.pack("<IQQ", 3, 0, 9),
    "a string beyond the file": gguf(
        [struct.pack("<Q", 2**40) + b"a" + struct.pack("<I", 8)], []
    ),
    "a value beyond all measure": gguf(
        [string(b"a") + struct.pack("<I", 8) + struct.pack("<Q", 2**63)], []
    ),
    "an array beyond the file": gguf(
        [string(b"a") + struct.pack("<IIQ", 9, 4, 2**61)], []
    ),
    "an array of strings beyond all measure": gguf(
        [string(b"a") + struct.pack("<IIQ", 9, 8, 2**61)], []
    ),
    "an array of arrays": gguf([string(b"a") + struct.pack("<IIQ", 9, 9, 1)], []),
    "an unknown type of value": gguf([string(b"a") + struct.pack("<I", 13)], []),
    "a truth that is neither": gguf([string(b"a") + struct.pack("<IB", 7, 2)], []),
    "a key twice": gguf([ARCHITECTURE, ARCHITECTURE], []),
    "a key that is none": gguf([word(b"a b\n", b"")], []),
    "a key that is not text": gguf([word(b"\xff", b"")], []),
    "an alignment of zero": gguf(
        [string(b"general.alignment") + struct.pack("<II", 4, 0)], []
    ),
    "a name twice": gguf([], [described(b"a", [8]), described(b"a", [8], offset=32)], bytes(64)),
    "five dimensions": gguf([], [described(b"a", [1] * 5)], bytes(32)),
    "no dimension": gguf([], [described(b"a", [])], bytes(32)),
    "an unknown type": gguf([], [described(b"a", [8], kind=99)], bytes(32)),
    "half a block": gguf([], [described(b"a", [31], kind=8)], bytes(64)),
    "an overlap": gguf([], [described(b"a", [8]), described(b"b", [8])], bytes(64)),
    "a hole": gguf([], [described(b"a", [8]), described(b"b", [8], offset=64)], bytes(96)),
    "sizes that overflow": gguf([], [described(b"a", [2**62, 2**62])], bytes(32)),
    "bytes missing": SOUND_GGUF[:-1],
    "bytes behind": SOUND_GGUF + bytes(64),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSOUND_GGUF)
def test_a_gguf_file_that_does_not_hold_is_refused(case: str) -> None:
    found = judged("model.gguf", UNSOUND_GGUF[case])
    assert (found.admitted, found.code) == (False, "model.gguf"), found


def test_a_sound_gguf_file_is_admitted_and_its_chat_template_is_told_of() -> None:
    assert judged("model.gguf", SOUND_GGUF) == Verdict(format="gguf", admitted=True)
    template = word(b"tokenizer.chat_template", b"{{ messages }}")
    assert "never renders" in judged("model.gguf", gguf([template], [])).notes[0]


def test_a_gguf_file_without_a_known_name_is_known_by_its_first_bytes() -> None:
    assert judged("sha256-0123", SOUND_GGUF).format == "gguf"
    assert judged("model.txt", SOUND_GGUF).code == "model.companion"


@given(st.binary(max_size=120))
def test_any_bytes_behind_the_magic_end_in_a_verdict(content: bytes) -> None:
    judged("model.gguf", b"GGUF" + content)
    judged("model.safetensors", content)
    judged("model.pt", b"PK\x03\x04" + content)
    judged("config.json", content)


PICKLE = (
    b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x0ctQK\x00K\x03K\x04\x86K\x04K\x01\x86\x89"
    b"ccollections\nOrderedDict\n)RtR."
)
PARTS = {"m/data.pkl": PICKLE, "m/byteorder": b"little", "m/data/0": bytes(48), "m/version": b"3\n"}


def archive(
    parts: dict[str, bytes] | None = None, *, method: int = 0, comment: bytes = b""
) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        made.comment = comment
        for name, content in (PARTS if parts is None else parts).items():
            made.writestr(zipfile.ZipInfo(name), content, method)
    return held.getvalue()


def as_torch_writes_it() -> bytes:
    """Sizes behind the data, padding in the extra field, both ends: ``torch.save``'s layout."""
    body, directory = b"", b""
    for name, content in PARTS.items():
        crc, offset, size = zlib.crc32(content), len(body), len(content)
        padding = b"FB" + struct.pack("<H", 6) + b"Z" * 6
        head = struct.pack("<4s5H3I2H", b"PK\x03\x04", 0, 0x808, 0, 0, 0, 0, 0, 0, len(name), 10)
        body += head + name.encode() + padding + content
        body += struct.pack("<4s3I", b"PK\x07\x08", crc, size, size)
        directory += struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 0, 0, 0x808, 0, 0, 0, crc, size, size,
            len(name), 0, 0, 0, 0, 0, offset,
        ) + name.encode()  # fmt: skip
    count, start, size = len(PARTS), len(body), len(directory)
    wide = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 0, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, size, start, 0)
    return body + directory + wide + locator + end


def linked() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name, content in PARTS.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16 if name == "m/data/0" else 0
            made.writestr(info, content)
    return held.getvalue()


SYSTEM = b"cos\nsystem\n(X\x02\x00\x00\x00idtR."
PLAIN = archive()
UNSOUND_ARCHIVES = {
    "a way up": archive({**PARTS, "m/../../etc/cron.d/x": b""}),
    "an absolute name": archive({**PARTS, "/etc/passwd": b""}),
    "a folder that is a way up": archive({n.replace("m/", "../"): c for n, c in PARTS.items()}),
    "a backslash": archive({**PARTS, "m/data\\1": b""}),
    "two folders": archive({**PARTS, "n/data/1": b""}),
    "code": archive({**PARTS, "m/code/__torch__.py": b""}),
    "a second pickle": archive({**PARTS, "m/constants.pkl": SYSTEM}),
    "no pickle": archive({"m/version": b"3\n"}),
    "a bomb": archive({**PARTS, "m/data/1": bytes(10_000_000)}, method=zipfile.ZIP_DEFLATED),
    "a comment": archive(comment=b"PK\x05\x06"),
    "something before it": b"PK\x03\x04" + PLAIN,
    "something behind it": PLAIN + b"\0",
    "a storage that is not there": archive({n: c for n, c in PARTS.items() if n != "m/data/0"}),
    "a link": linked(),
    "another name in its own header": PLAIN.replace(b"m/data/0", b"m/data/9", 1),
    "another checksum": PLAIN.replace(b"FloatStorage", b"HalfStorage\0", 1),
    "an encrypted entry": PLAIN.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01", 1),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSOUND_ARCHIVES)
def test_an_archive_laid_out_in_another_way_is_refused(case: str) -> None:
    found = judged("model.pt", UNSOUND_ARCHIVES[case])
    assert (found.admitted, found.code) == (False, "model.archive"), found


def test_an_archive_is_judged_by_its_pickle() -> None:
    assert judged("model.pt", PLAIN).why == ""
    assert judged("model.bin", as_torch_writes_it()).why == ""
    hostile = judged("model.pt", archive({**PARTS, "m/data.pkl": SYSTEM}))
    assert (hostile.code, hostile.why) == ("model.pickle", "it names os.system")


def test_a_hole_between_two_entries_is_refused() -> None:
    at = PLAIN.index(b"PK\x01\x02")
    start = struct.unpack_from("<I", PLAIN, len(PLAIN) - 6)[0]
    assert start == at
    end = PLAIN[at:-6] + struct.pack("<IH", at + 8, 0)
    assert judged("model.pt", PLAIN[:at] + bytes(8) + end).code == "model.archive"


REFUSED = {
    "model.onnx": (b"\x08\x07", "model.onnx"),
    "modeling.py": (b"print()", "model.format-unknown"),
    "weights.npy": (b"\x93NUMPY", "model.format-unknown"),
    "weights.h5": (b"\x89HDF", "model.format-unknown"),
    "config.json": (b'{"a": 1, "auto_map": {"AutoModel": "x.Y"}}', "model.companion"),
    "model_index.json": (b'{"a": [{"custom_pipeline": "x"}]}', "model.companion"),
    "tokenizer.json": (b'{"a": 1, "a": 2}', "model.companion"),
    "vocab.txt": (b"\x80\x04cos\nsystem\n", "model.companion"),
    "tokenizer.model": (b"\x80\x04", "model.companion"),
    "model.safetensors": (b"\x80\x04N.", "model.safetensors"),
    "weights.pt": (b"\x93NUMPY", "model.pickle"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_of_no_admitted_format_is_refused_with_a_reason(name: str) -> None:
    content, code = REFUSED[name]
    found = judged(name, content)
    assert (found.admitted, found.code) == (False, code), found
    assert found.fix


def test_data_beside_the_weights_is_admitted() -> None:
    for name, content in (
        ("config.json", b'{"hidden_size": 8}'), ("LICENSE", b"Apache"), ("merges.txt", "ü".encode()),
        ("sub/README.md", b"# Model"), ("tokenizer.model", b"\n\x05hello"), ("added.json", b"[]"),
    ):  # fmt: skip
        assert judged(name, content).admitted, name
    template = judged("tokenizer_config.json", b'{"chat_template": "{{ x.__class__ }}"}')
    assert template.admitted
    assert "never renders" in template.notes[0]
