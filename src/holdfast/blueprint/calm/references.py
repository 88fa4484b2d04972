"""URLs and JSON pointers: how one schema reaches another."""

from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from holdfast.core import JsonValue

_STAND_IN = "https"
"""A scheme whose relative references are understood, for those that are not (``calm:``)."""


def joined(base: str, reference: str) -> str:
    """``reference`` as seen from ``base``, absolute where ``base`` is; RFC 3986, section 5."""
    scheme = urlsplit(base).scheme
    if urlsplit(reference).scheme or not scheme or scheme in ("http", "https", "file"):
        return urljoin(base, reference)
    known = urljoin(_STAND_IN + base.removeprefix(scheme), reference)
    return scheme + known.removeprefix(_STAND_IN)


def parted(url: str) -> tuple[str, str]:
    """The document's URL and the fragment, percent-decoded."""
    document, fragment = urldefrag(url)
    return document, unquote(fragment)


def steps_of(fragment: str) -> list[str] | None:
    """The steps of a JSON pointer (RFC 6901), or ``None`` where ``fragment`` is none."""
    if fragment == "":
        return []
    if not fragment.startswith("/"):
        return None
    return [step.replace("~1", "/").replace("~0", "~") for step in fragment[1:].split("/")]


def at(document: JsonValue, fragment: str) -> JsonValue:
    """The value at a JSON pointer; ``LookupError`` where there is none."""
    steps = steps_of(fragment)
    if steps is None:
        raise LookupError(fragment)
    value = document
    for step in steps:
        match value:
            case dict():
                value = value[step]
            case list() if step.isdecimal():
                value = value[int(step)]
            case _:
                raise LookupError(fragment)
    return value
