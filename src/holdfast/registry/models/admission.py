"""One file's way to a verdict: what its name claims, then whether its bytes are that."""

from collections.abc import Callable, Mapping

from holdfast.registry.models.archives import check_archive
from holdfast.registry.models.companions import check_companion, is_companion
from holdfast.registry.models.errors import FormatUnknownError, ModelFileError, OnnxError
from holdfast.registry.models.gguf import MAGIC, check_gguf
from holdfast.registry.models.naming import last_part, suffix_of
from holdfast.registry.models.pickles import check_pickle
from holdfast.registry.models.reading import Pieces
from holdfast.registry.models.safetensors import check_safetensors
from holdfast.registry.models.verdicts import Format, Verdict

_SUFFIXES: Mapping[str, Format] = {
    ".safetensors": "safetensors",
    ".gguf": "gguf",
    ".onnx": "onnx",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".pt": "pickle",
    ".pth": "pickle",
    ".bin": "pickle",
    ".ckpt": "pickle",
}
_ZIP = b"PK\x03\x04"
_FIXES: Mapping[Format, str] = {
    "safetensors": "fetch it again from where it was made, and compare digests",
    "gguf": "fetch it again from where it was made, and compare digests",
    "onnx": "convert the weights to safetensors or GGUF",
    "pickle": "convert it to safetensors where it was made; do not load it",
    "torch-archive": "convert it to safetensors where it was made; do not load it",
    "companion": "leave it out of the model's folder",
    "unknown": "leave it out of the model's folder, or convert it to safetensors or GGUF",
}


def judge(name: str, pieces: Pieces) -> Verdict:
    """Whether the file called ``name`` may be admitted. Pure; reads only through ``pieces``."""
    kind = _format(name, pieces)
    try:
        notes = _CHECKS[kind](name, pieces)
    except ModelFileError as error:
        fix = error.fix or _FIXES[kind]
        return Verdict(format=kind, admitted=False, code=error.code, why=error.what, fix=fix)
    return Verdict(format=kind, admitted=True, notes=notes)


def _format(name: str, pieces: Pieces) -> Format:
    """The name decides what a file is held against, so that it is nothing else to anybody who
    goes by names; only one without a known name is known by its first bytes."""
    claimed = _SUFFIXES.get(suffix_of(name))
    start = pieces.read(0, 4)
    if claimed == "pickle" and start == _ZIP:
        return "torch-archive"
    if claimed is not None:
        return claimed
    if is_companion(name):
        return "companion"
    return "gguf" if start == MAGIC else "unknown"


def _check_pickle(_name: str, pieces: Pieces) -> tuple[str, ...]:
    check_pickle(pieces)
    return ()


def _refuse_onnx(_name: str, _pieces: Pieces) -> tuple[str, ...]:
    raise OnnxError(
        "ONNX is not admitted: it can name further files by path, and operators that are code"
    )


def _refuse_unknown(name: str, _pieces: Pieces) -> tuple[str, ...]:
    raise FormatUnknownError(f"'{last_part(name)[:100]}' is of no format that is admitted")


_CHECKS: Mapping[Format, Callable[[str, Pieces], tuple[str, ...]]] = {
    "safetensors": lambda _name, pieces: check_safetensors(pieces),
    "gguf": lambda _name, pieces: check_gguf(pieces),
    "pickle": _check_pickle,
    "torch-archive": lambda _name, pieces: check_archive(pieces),
    "onnx": _refuse_onnx,
    "companion": check_companion,
    "unknown": _refuse_unknown,
}
