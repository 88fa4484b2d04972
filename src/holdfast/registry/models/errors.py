"""Why a model's file is not admitted. Raised inside, told outside as a ``Verdict``."""

from holdfast.core import HoldfastError


class ModelFileError(HoldfastError):
    """A model's file cannot be read to its end as what it claims to be."""

    code = "model.unreadable"


class FormatUnknownError(ModelFileError):
    """The file is of no format that may be admitted."""

    code = "model.format-unknown"


class SafetensorsError(ModelFileError):
    """A safetensors file whose header does not hold against the file."""

    code = "model.safetensors"


class GgufError(ModelFileError):
    """A GGUF file whose header does not hold against the file."""

    code = "model.gguf"


class OnnxError(ModelFileError):
    """An ONNX file: it may name further files, and operators that are code."""

    code = "model.onnx"


class PickleError(ModelFileError):
    """A pickle that does something which is not on the allow-list, or which cannot be followed."""

    code = "model.pickle"


class ArchiveError(ModelFileError):
    """An archive that is not laid out as PyTorch writes one."""

    code = "model.archive"


class CompanionError(ModelFileError):
    """A file beside the weights is not the plain data that its name says, or asks for code."""

    code = "model.companion"
