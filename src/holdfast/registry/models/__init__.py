"""Models: which files may be admitted, judged from their bytes alone.

Promises: ``judge`` reads a file through ``Pieces`` in bounded pieces and loads nothing: no pickle is
ever executed, no template rendered, no code of the file run. Admitted are safetensors and GGUF whose
headers hold against their sizes, pickles whose every opcode stays on an allow-list (alone or in a
PyTorch archive), and plain companions (JSON, text, a tokenizer's vocabulary). ONNX is refused, and so
is whatever is not known. A refusal is a ``Verdict`` with a stable code, never an exception.
"""

from holdfast.registry.models.admission import judge
from holdfast.registry.models.errors import (
    ArchiveError,
    CompanionError,
    FormatUnknownError,
    GgufError,
    ModelFileError,
    OnnxError,
    PickleError,
    SafetensorsError,
)
from holdfast.registry.models.reading import HeldPieces, Pieces
from holdfast.registry.models.verdicts import Format, Verdict

__all__ = [
    "ArchiveError",
    "CompanionError",
    "Format",
    "FormatUnknownError",
    "GgufError",
    "HeldPieces",
    "ModelFileError",
    "OnnxError",
    "PickleError",
    "Pieces",
    "SafetensorsError",
    "Verdict",
    "judge",
]
