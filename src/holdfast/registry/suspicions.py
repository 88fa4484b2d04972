"""Signs that a description is meant to mislead the model that reads it (tool poisoning).

Heuristics, and told as such: a description without signs may mislead all the same, so a person
approves every one. Sources: Invariant Labs, "Tool Poisoning Attacks" (2025); MCPTox (2025); Unicode
TR36 and TR39; Boucher et al., "Trojan Source" (2021).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from holdfast.core import JsonValue
from holdfast.registry.descriptors import Descriptor
from holdfast.registry.phrases import PHRASES

SUSPICIONS_MAX = 64
EXCERPT_CHARACTERS_MAX = 160
LONG_TEXT_CHARACTERS = 4000
BLANK_RUN_CHARACTERS = 64
BLANK_LINES = 12

_NAME_LEAST = 5
"""Shorter names of other tools are words that any text may hold."""


class Suspicion(msgspec.Struct, frozen=True):
    """One sign: ``rule`` is stable, ``where`` a JSON pointer, ``why`` what is wrong there.

    ``excerpt`` is ASCII, what cannot be seen escaped. A ``grave`` one quarantines; the others are
    told to whoever approves.
    """

    rule: str
    where: str
    why: str
    excerpt: str = ""
    grave: bool = True


def suspicions(descriptor: Descriptor, *, others: Iterable[str] = ()) -> tuple[Suspicion, ...]:
    """Every sign in every text of the description: title, description, schema, enumerations,
    defaults, annotations, names of members. ``others`` are names of other servers' tools."""
    names = tuple(others)
    found: list[Suspicion] = list(_of_name(descriptor, names))
    mentions = _pattern_of(names)
    for where, text in _texts("", descriptor.fields()):
        found.extend(_of_text(where, text))
        if mentions is not None and not where.endswith("/name"):
            found.extend(_of_mentions(where, text, mentions))
        if len(found) >= SUSPICIONS_MAX:
            break
    return tuple(found[:SUSPICIONS_MAX])


def _texts(where: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    """Every string, names of members too, with its place."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(f"{where}/{index}", item)
    elif isinstance(value, dict):
        for name, item in value.items():
            place = f"{where}/{name.replace('~', '~0').replace('/', '~1')}"
            yield place, name
            yield from _texts(place, item)


def _of_text(where: str, text: str) -> Iterator[Suspicion]:
    yield from _hidden(where, text)
    plain = _plain(text)
    for phrase in PHRASES:
        match = phrase.pattern.search(plain)
        if match is not None:
            yield Suspicion(phrase.rule, where, phrase.why, _excerpt(plain, match.start()))
    blob = _BLOB.search(text)
    if blob is not None and not _is_picture(where, text):
        why = "a long run of base64 or hexadecimal digits: text that nobody can read"
        yield Suspicion("encoded-text", where, why, _excerpt(text, blob.start()))
    for blank in _BLANKS.finditer(text.rstrip()):
        if len(blank[0]) >= BLANK_RUN_CHARACTERS or blank[0].count("\n") >= BLANK_LINES:
            why = "a long run of blanks: what follows is out of sight"
            yield Suspicion("out-of-sight", where, why, _excerpt(text, blank.end()))
            break
    if len(text) > LONG_TEXT_CHARACTERS:
        why = f"a text of {len(text)} characters: read it to the end"
        yield Suspicion("long-text", where, why, grave=False)


# --- characters that cannot be seen -------------------------------------------------------------

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"  # control characters
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\uffff"
    "\ue000-\uf8ff"  # for private use
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags and the variation selectors beyond the basic plane
    "\U000f0000-\U0010ffff]"
)
_JOINER = "\u200d"
_EMOJI_FROM = 0x2190


def visible(text: str) -> str:
    """The text with every character that cannot be seen written out, as ``<U+200B>``."""

    def shown(match: re.Match[str]) -> str:
        if match[0] == _JOINER and _joins_emoji(text, match.start()):
            return match[0]
        return f"<U+{ord(match[0]):04X}>"

    return _INVISIBLE.sub(shown, text)


def _hidden(where: str, text: str) -> Iterator[Suspicion]:
    if text.isascii() and not _INVISIBLE.search(text):
        return
    for match in _INVISIBLE.finditer(text):
        if match[0] == _JOINER and _joins_emoji(text, match.start()):
            continue
        name = unicodedata.name(match[0], "") or f"U+{ord(match[0]):04X}"
        tags = "".join(chr(ord(c) - 0xE0000) for c in text if 0xE0020 <= ord(c) <= 0xE007E)
        why = f"a character that cannot be seen ({name})"
        if tags:
            why += f"; its tag characters say {tags[:80]!a}"
        yield Suspicion("hidden-characters", where, why, _excerpt(text, match.start()))
        return


def _joins_emoji(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return bool(before and after) and min(ord(before), ord(after)) >= _EMOJI_FROM


def _plain(text: str) -> str:
    """As a model might take it: compatibility forms, invisible characters and accents gone."""
    if text.isascii():
        return " ".join(text.casefold().split())
    folded = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text)).casefold()
    return " ".join("".join(c for c in folded if not unicodedata.combining(c)).split())


_BLOB = re.compile(r"(?:[A-Za-z0-9+/_-]{96,}={0,2})|(?:(?:[0-9a-fA-F]{2}[ :]?){64,})")
_BLANKS = re.compile(r"\s+")


def _is_picture(where: str, text: str) -> bool:
    """An icon may hold its own picture."""
    return where.startswith("/icons/") and text.startswith("data:image/")


# --- names --------------------------------------------------------------------------------------


def _of_name(descriptor: Descriptor, others: Sequence[str]) -> Iterator[Suspicion]:
    name = descriptor.name
    if descriptor.kind not in ("tool", "prompt"):
        return
    scripts = {unicodedata.name(c, "?").split()[0] for c in name if c.isalpha()}
    if len(scripts) > 1 or (scripts and scripts != {"LATIN"} and not name.isascii()):
        why = (
            f"letters of {', '.join(sorted(scripts)).lower()} script: it may pass for another name"
        )
        yield Suspicion("lookalike-name", "/name", why, _excerpt(name, 0), len(scripts) > 1)
    elif not re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", name):
        why = "a name of other characters or length than the protocol advises"
        yield Suspicion("unusual-name", "/name", why, _excerpt(name, 0), grave=False)
    skeleton = _skeleton(name)
    for other in others:
        if _skeleton(other) == skeleton:
            why = f"another server's tool is called {other[:80]!a}: a model may take one for the other"
            yield Suspicion("same-name", "/name", why, grave=False)
            break


def _skeleton(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _plain(name)) or name


def _pattern_of(names: Sequence[str]) -> re.Pattern[str] | None:
    """Names of other servers' tools that no plain text would hold by chance."""
    telling = sorted({n for n in names if len(n) >= _NAME_LEAST and _is_telling(n)}, reverse=True)
    if not telling:
        return None
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, telling))})(?![\w-])")


def _is_telling(name: str) -> bool:
    return bool(re.search(r"[_.\d-]|[a-z][A-Z]", name.strip("_.-")))


def _of_mentions(where: str, text: str, mentions: re.Pattern[str]) -> Iterator[Suspicion]:
    match = mentions.search(text)
    if match is not None and match[0] != text:
        why = f"it speaks of {match[0][:80]!a}, a tool of another server"
        yield Suspicion("mentions-other-tool", where, why, _excerpt(text, match.start()))


def _excerpt(text: str, at: int) -> str:
    """The text around ``at``, in ASCII: what cannot be seen is escaped."""
    start = max(0, at - EXCERPT_CHARACTERS_MAX // 4)
    piece = text[start : start + EXCERPT_CHARACTERS_MAX]
    return (
        piece.encode("ascii", "backslashreplace")
        .decode()
        .encode("unicode_escape")
        .decode()[: 2 * EXCERPT_CHARACTERS_MAX]
    )
