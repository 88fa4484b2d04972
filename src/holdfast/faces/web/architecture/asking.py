"""What a visitor asks of the architecture. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlencode

from holdfast.blueprint.blast import How


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``fails`` is the part whose failure is shown, ``about`` the one whose findings are; with
    ``is_comparing`` reality is compared with the declaration even where that takes a while."""

    fails: str = ""
    how: How = "stops"
    about: str = ""
    level: Literal["", "block", "warn", "advise"] = ""
    opened: tuple[str, ...] = ()
    is_comparing: bool = False

    def href(self, path: str = "/architecture") -> str:
        query = urlencode(list(self._pairs()))
        return f"{path}?{query}" if query else path

    def opening(self, key: str) -> "Asked":
        return replace(self, opened=(*self.opened, key))

    def closing(self, key: str) -> "Asked":
        left = (each for each in self.opened if each != key and not each.startswith(f"{key}/"))
        return replace(self, opened=tuple(left))

    def failing(self, part: str) -> "Asked":
        return replace(self, fails=part)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.fails:
            yield "fails", self.fails
            if self.how != "stops":
                yield "how", self.how
        for name, value in (("about", self.about), ("level", self.level)):
            if value:
                yield name, value
        for key in self.opened:
            yield "open", key
        if self.is_comparing:
            yield "drift", "1"
