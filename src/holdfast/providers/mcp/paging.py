"""Pages of a list that we hold ourselves: opaque cursors that fit one list and no other."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import TypeVar

from holdfast.providers.mcp.errors import INVALID_PARAMS, McpParamsError

PAGE_ITEMS_MAX = 200
_TAG_LENGTH = 16
_T = TypeVar("_T")


def page_of(
    items: Sequence[_T], cursor: str | None, *, tag: bytes, size: int = PAGE_ITEMS_MAX
) -> tuple[Sequence[_T], str | None]:
    """The items from ``cursor`` on, and the next cursor (None at the end).

    ``tag`` names the list as it is now and for whom (its method, the principal, the digests of
    what it holds): a cursor of another list is refused with ``McpParamsError`` (-32602).
    """
    start = 0 if cursor is None else _position(cursor, tag)
    if start > len(items):
        raise _invalid()
    end = start + size
    return items[start:end], _cursor(end, tag) if end < len(items) else None


def _cursor(position: int, tag: bytes) -> str:
    text = f"{position}.{_mark(position, tag)}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str, tag: bytes) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _invalid() from error
    number, _, mark = text.partition(".")
    if not number.isdecimal() or len(number) > 9 or mark != _mark(int(number), tag):
        raise _invalid()
    return int(number)


def _mark(position: int, tag: bytes) -> str:
    return hashlib.sha256(b"%d\0" % position + tag).hexdigest()[:_TAG_LENGTH]


def _invalid() -> McpParamsError:
    return McpParamsError(
        "Invalid cursor",
        number=INVALID_PARAMS,
        where="/params/cursor",
        fix="list anew from the beginning: the list has changed, or the cursor is of another",
    )
