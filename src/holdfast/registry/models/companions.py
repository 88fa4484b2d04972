"""What may lie beside the weights: configuration, vocabularies, prose. Data, and no request for code."""

from holdfast.registry.models.errors import CompanionError
from holdfast.registry.models.gguf import TEMPLATE_NOTE
from holdfast.registry.models.naming import last_part, suffix_of
from holdfast.registry.models.plain_json import read_object
from holdfast.registry.models.reading import WINDOW_BYTES, Pieces

COMPANION_BYTES_MAX = 64 * 1024 * 1024
JSON_NESTING_MAX = 64

TEXTS = {".txt", ".md", ".jinja", ".json", ".tiktoken", ".merges", ".vocab"}
VOCABULARIES = {".model", ".spm"}
NAMES = {"license", "notice", "readme", "copying", ".gitattributes"}

_CODE = ("auto_map", "custom_pipelines", "custom_pipeline")
_TEMPLATE = "chat_template"
_SENTENCEPIECE = b"\n"
"""Field 1, length-delimited: a SentencePiece model begins with its pieces."""


def is_companion(name: str) -> bool:
    return suffix_of(name) in TEXTS | VOCABULARIES or last_part(name) in NAMES


def check_companion(name: str, pieces: Pieces) -> tuple[str, ...]:
    """Notes; ``CompanionError`` where it is not the plain data that its name says."""
    if pieces.size > COMPANION_BYTES_MAX:
        raise CompanionError(f"it has more than {COMPANION_BYTES_MAX} bytes")
    suffix = suffix_of(name)
    if suffix in VOCABULARIES:
        if pieces.read(0, 1) != _SENTENCEPIECE:
            raise CompanionError("it is no SentencePiece vocabulary")
        return ()
    data = b"".join(pieces.read(at, WINDOW_BYTES) for at in range(0, pieces.size, WINDOW_BYTES))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CompanionError(f"it is not UTF-8 text: byte {error.start}") from error
    if b"\0" in data:
        raise CompanionError("it is not text: it has a zero byte")
    if suffix == ".json" and data.lstrip()[:1] == b"{":
        return _check_json(data)
    return (TEMPLATE_NOTE,) if suffix == ".jinja" else ()


def _check_json(data: bytes) -> tuple[str, ...]:
    found = read_object(data, kind=CompanionError)
    names = _names(found)
    asked = sorted(names & set(_CODE))
    if asked:
        raise CompanionError(
            f"it asks for code from the model's folder: '{asked[0]}'",
            fix="take a model that needs no code of its own (no trust_remote_code)",
        )
    return (TEMPLATE_NOTE,) if _TEMPLATE in names else ()


def _names(value: object) -> set[str]:
    """The names of all members at any depth that is read."""
    found: set[str] = set()
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        if depth > JSON_NESTING_MAX:
            raise CompanionError(f"it is nested deeper than {JSON_NESTING_MAX}")
        inner: list[object] = []
        if isinstance(each, dict):
            found.update(str(name) for name in each)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            inner.extend(each.values())  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(each, list):
            inner.extend(each)  # pyright: ignore[reportUnknownArgumentType]
        waiting.extend((part, depth + 1) for part in inner)
    return found
