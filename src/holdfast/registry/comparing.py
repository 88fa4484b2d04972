"""What changed between two descriptions of one thing, for the person who decides."""

from collections.abc import Iterator

import msgspec

from holdfast.core import JsonValue, jcs
from holdfast.registry.descriptors import Descriptor

SHOWN_CHARACTERS_MAX = 2000
DIFFERENCES_MAX = 200


class Difference(msgspec.Struct, frozen=True):
    """One place that changed: a JSON pointer, and its text before and after (None: not there).

    Texts are JSON in ASCII: a character that cannot be seen is seen here.
    """

    where: str
    old: str | None
    new: str | None


def differences(old: Descriptor, new: Descriptor) -> tuple[Difference, ...]:
    """Every place where ``new`` says something else than ``old``, in order of the pointer; of more
    than a reasonable number, the first and a last one that says so."""
    found: list[Difference] = []
    for each in _compare("", old.fields(), new.fields()):
        if len(found) == DIFFERENCES_MAX:
            found.append(Difference("", None, f"and more than {DIFFERENCES_MAX} in all"))
            break
        found.append(each)
    return tuple(found)


def _compare(where: str, old: JsonValue, new: JsonValue) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            place = f"{where}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in new:
                yield Difference(place, shown(old[name]), None)
            elif name not in old:
                yield Difference(place, None, shown(new[name]))
            else:
                yield from _compare(place, old[name], new[name])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _compare(f"{where}/{index}", before, after)
    elif jcs(old) != jcs(new):
        yield Difference(where, shown(old), shown(new))


def shown(value: JsonValue) -> str:
    """A value as ASCII JSON, so that nothing in it can hide, cut where it gets long."""
    text = jcs(value).decode()
    seen = "".join(each if " " <= each <= "~" else _escaped(each) for each in text)
    if len(seen) <= SHOWN_CHARACTERS_MAX:
        return seen
    rest = len(seen) - SHOWN_CHARACTERS_MAX
    return f"{seen[:SHOWN_CHARACTERS_MAX]}... ({rest} characters more)"


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
