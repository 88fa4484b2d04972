"""safetensors: eight bytes of length, a JSON header, and tensors laid end to end.

Held against the format's own rules (huggingface/safetensors, "Format"): the header is bounded and
begins with ``{``, no member stands twice, tensors neither overlap nor leave holes, and their shapes
say just as many bytes as they have.
"""

from typing import NamedTuple

from holdfast.registry.models.errors import SafetensorsError
from holdfast.registry.models.plain_json import read_object
from holdfast.registry.models.reading import Pieces, Walk

SAFETENSORS_HEADER_BYTES_MAX = 100_000_000
"""The format's own bound."""
SAFETENSORS_DIMENSIONS_MAX = 32

_LENGTH_BYTES = 8
_METADATA = "__metadata__"
_FIELDS = {"dtype", "shape", "data_offsets"}
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
_NATURAL_MAX = 2**63 - 1


class _Extent(NamedTuple):
    """Where a tensor lies, counted from the end of the header."""

    begin: int
    end: int
    name: str


def check_safetensors(pieces: Pieces) -> tuple[str, ...]:
    """Notes; ``SafetensorsError`` where the file is not sound."""
    walk = Walk(pieces, kind=SafetensorsError)
    length = walk.u64()
    if length > SAFETENSORS_HEADER_BYTES_MAX:
        raise SafetensorsError(
            f"its header has {length} bytes, more than {SAFETENSORS_HEADER_BYTES_MAX}"
        )
    header = walk.take(length)
    if header[:1] != b"{":
        raise SafetensorsError("its header does not begin with '{'")
    # The format lets a header be padded with spaces, and with nothing else.
    found = read_object(header.rstrip(b" "), kind=SafetensorsError)
    _check_metadata(found.pop(_METADATA, {}))
    extents = sorted(_extent(name, value) for name, value in found.items())
    _check_extents(extents, size=pieces.size - _LENGTH_BYTES - length)
    return ()


def _check_metadata(found: object) -> None:
    if not isinstance(found, dict) or not all(
        isinstance(value, str)
        for value in found.values()  # pyright: ignore[reportUnknownVariableType]
    ):
        raise SafetensorsError(f"its {_METADATA} is no object of texts")


def _extent(name: str, value: object) -> _Extent:
    if not isinstance(value, dict) or set(value) != _FIELDS:  # pyright: ignore[reportUnknownArgumentType]
        raise SafetensorsError(f"tensor '{name[:100]}' has other members than {sorted(_FIELDS)}")
    bits = _BITS.get(str(value["dtype"]))  # pyright: ignore[reportUnknownArgumentType]
    if bits is None:
        raise SafetensorsError(f"tensor '{name[:100]}' is of an unknown type")
    shape = _naturals(name, value["shape"])  # pyright: ignore[reportUnknownArgumentType]
    offsets = _naturals(name, value["data_offsets"])  # pyright: ignore[reportUnknownArgumentType]
    if len(offsets) != 2 or offsets[0] > offsets[1]:
        raise SafetensorsError(f"tensor '{name[:100]}' has no pair of offsets")
    size = bits
    for each in shape:
        size *= each
    if size != 8 * (offsets[1] - offsets[0]):
        raise SafetensorsError(f"tensor '{name[:100]}' has not the bytes that its shape says")
    return _Extent(offsets[0], offsets[1], name)


def _naturals(name: str, value: object) -> list[int]:
    found = list(value) if isinstance(value, list) else None  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if found is None or len(found) > SAFETENSORS_DIMENSIONS_MAX:  # pyright: ignore[reportUnknownArgumentType]
        raise SafetensorsError(f"tensor '{name[:100]}' has no list of numbers")
    numbers: list[int] = []
    for each in found:  # pyright: ignore[reportUnknownVariableType]
        if type(each) is not int or not 0 <= each <= _NATURAL_MAX:  # pyright: ignore[reportUnknownArgumentType]
            raise SafetensorsError(f"tensor '{name[:100]}' has a number that is no size")
        numbers.append(each)
    return numbers


def _check_extents(extents: list[_Extent], *, size: int) -> None:
    """End to end from the first byte to the last: no overlap, no hole, nothing behind."""
    at = 0
    for each in extents:
        if each.begin != at:
            how = "overlaps another" if each.begin < at else "leaves a hole before it"
            raise SafetensorsError(f"tensor '{each.name[:100]}' {how}")
        at = each.end
    if at != size:
        raise SafetensorsError(f"its tensors have {at} bytes, and {size} follow the header")
