"""What was found about one file of a model."""

from typing import Literal, TypeAlias

import msgspec

Format: TypeAlias = Literal[
    "safetensors", "gguf", "pickle", "torch-archive", "onnx", "companion", "unknown"
]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one file may be admitted. ``code``, ``why`` and ``fix`` say why not; ``notes`` what a
    person should know of a file that may."""

    format: Format
    admitted: bool
    code: str = ""
    why: str = ""
    fix: str = ""
    notes: tuple[str, ...] = ()
