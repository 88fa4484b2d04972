"""Header fields, read strictly and cheaply: names in lower case, one value each."""

from typing import TypeAlias

Header: TypeAlias = tuple[bytes, bytes]
Headers: TypeAlias = dict[bytes, bytes]

SINGLETONS = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"content-type", b"authorization", b"expect")
)
"""Fields that two parsers could read differently when they repeat: then none is believed."""


class RepeatedFieldError(ValueError):
    """A field that may stand once stands more than once; its name is the argument."""


def lowered(fields: dict[bytes, bytes], count: int, head: bytes) -> Headers:
    """``fields`` as llhttp gave them, by lower-case name; ``count`` is how many lines there were.

    Where a name repeats, its values are joined by commas (RFC 9110 section 5.3), except for
    ``SINGLETONS``: ``RepeatedFieldError``.
    """
    headers = {name.lower(): value for name, value in fields.items()}
    return headers if len(headers) == count else _joined(head)


def _joined(head: bytes) -> Headers:
    headers: Headers = {}
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if not colon:
            continue
        name, value = name.lower(), value.strip(b" \t")
        if name not in headers:
            headers[name] = value
        elif name in SINGLETONS:
            raise RepeatedFieldError(name.decode("ascii", "replace"))
        else:
            headers[name] += b", " + value
    return headers
