"""What a visitor of the first page asks for: which part of the map, and when. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import urlencode

from holdfast.core import Instant, rfc3339

MINUTE_US = 60_000_000
WORDS_MAX = 200
OPENED_MAX = 200
"""Boxes that one address may unfold."""

Span: TypeAlias = Literal["1h", "6h", "24h", "7d"]
SPANS: dict[Span, tuple[int, int]] = {
    "1h": (3_600, 60),
    "6h": (21_600, 60),
    "24h": (86_400, 300),
    "7d": (604_800, 1_800),
}
"""How long each span is, and how long one step of its strip, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``at`` is the beginning of a minute, None for now. ``opened`` are boxes to be unfolded."""

    at: int | None = None
    within: str = ""
    zone: str = ""
    flow: str = ""
    troubled: bool = False
    opened: tuple[str, ...] = ()
    find: str = ""
    span: Span = "24h"

    @property
    def is_filtered(self) -> bool:
        return bool(self.within or self.zone or self.flow or self.troubled)

    @property
    def moment(self) -> str:
        """The minute as addresses have it: ``2026-11-21T15:03Z``."""
        return "" if self.at is None else f"{rfc3339(Instant(self.at))[:16]}Z"

    def opening(self, key: str) -> "Asked":
        return replace(self, opened=(*self.opened, key), find="")

    def closing(self, key: str) -> "Asked":
        """Without a box, and without those inside it that only it had shown."""
        left = (each for each in self.opened if each != key and not each.startswith(f"{key}/"))
        return replace(self, opened=tuple(left), find="")

    def finding(self, name: str) -> "Asked":
        return replace(self, find=name)

    def query(self) -> str:
        """All of it as the query of an address."""
        return urlencode(list(self._pairs()))

    def href(self, path: str = "/") -> str:
        query = self.query()
        return f"{path}?{query}" if query else path

    def _pairs(self) -> Iterator[tuple[str, str]]:
        yield from self.fields()
        if self.at is not None:
            yield "at", self.moment

    def fields(self) -> Iterator[tuple[str, str]]:
        """What a form that asks for another time carries on."""
        for name in ("within", "zone", "flow", "find"):
            value: str = getattr(self, name)
            if value:
                yield name, value
        if self.troubled:
            yield "troubled", "1"
        for key in self.opened:
            yield "open", key
        if self.span != "24h":
            yield "span", self.span


def minute_at(text: str) -> int | None:
    """The minute that an address names, None where it names none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    whole = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    try:
        seconds = int(whole.timestamp())
    except (OverflowError, ValueError):
        return None
    return seconds // 60 * MINUTE_US if seconds > 0 else None
