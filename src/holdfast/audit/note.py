"""C2SP signed notes: a text, an empty line, and a line for each signature."""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.audit.errors import NoteError

SIGNATURES_MAX = 100
NOTE_BYTES_MAX = 1_000_000
KEY_ID_BYTES = 4

_DASH = "\u2014"
_NAME = re.compile(r"[^\s+]+\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE = re.compile(_DASH + r" (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line: whose it says it is, and what follows the key id."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        return f"{_DASH} {self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"

    @classmethod
    def parse(cls, line: str) -> "Signature":
        """A line without its newline; ``NoteError`` when it is malformed."""
        match = _SIGNATURE.match(line)
        data = decode_base64(match["signature"]) if match else None
        if match is None or data is None or len(data) <= KEY_ID_BYTES:
            raise NoteError(
                "a signature line of the note is malformed", fix="restore it from a copy"
            )
        return cls(name=match["name"], key_id=data[:KEY_ID_BYTES], value=data[KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text and the signatures that stand under it. None of them is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        """Read a signed note; ``NoteError`` when it is none."""
        if len(data) > NOTE_BYTES_MAX:
            raise NoteError(f"a note of {len(data)} bytes is too long", fix="check the file")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise NoteError("the note is not UTF-8", fix="restore it from a copy") from error
        body, separator, tail = whole.rpartition("\n\n")
        lines = tail.split("\n")
        if not separator or _CONTROL.search(whole) or lines.pop() or not lines:
            raise NoteError("this is no signed note", fix="restore it from a copy")
        if len(lines) > SIGNATURES_MAX:
            raise NoteError(
                f"a note bears at most {SIGNATURES_MAX} signatures", fix="check the file"
            )
        return cls(text=body + "\n", signatures=tuple(map(Signature.parse, lines)))

    def encode(self) -> bytes:
        return (self.text + "\n" + "".join(each.line for each in self.signatures)).encode()

    def with_signatures(self, added: Iterable[Signature]) -> "Note":
        """The same text under further signatures; one key's newest takes the place of its older."""
        kept = {(each.name, each.key_id): each for each in self.signatures}
        kept |= {(each.name, each.key_id): each for each in added}
        return Note(text=self.text, signatures=tuple(kept.values()))


def check_text(text: str) -> None:
    """``NoteError`` unless ``text`` can be signed."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise NoteError("only text that ends in a newline can be signed", fix="add a newline")


def check_name(name: str) -> None:
    """``NoteError`` unless ``name`` can be the name of a key."""
    if not _NAME.match(name) or _CONTROL.search(name):
        raise NoteError(f"{name!r} is no key name", fix="no spaces, no plus sign, not empty")


def decode_base64(text: str) -> bytes | None:
    """Standard base64 (RFC 4648, section 4) in its one canonical form, None for anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None
