"""What workers have told of upstreams and what still holds of it, for a worker that starts late."""

import msgspec

from holdfast.gateway import News, NewsKind

STANDING_MAX = 4096
"""News kept; the oldest goes first, and whoever starts then learns it alone."""

_ENDS: dict[NewsKind, NewsKind] = {"closed": "open", "up": "down"}
_NEVER = float("inf")


class Bulletin:
    """The newest of each kind for each upstream, until its time is over or the contrary is told."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str, NewsKind], tuple[News, float]] = {}

    def note(self, news: News, now: float) -> None:
        """``now`` is the keeper's monotonic time."""
        kind = _ENDS.get(news.kind, news.kind)
        key = (news.node, news.upstream, kind)
        self._held.pop(key, None)
        if kind != news.kind:
            return
        self._held[key] = (news, now + news.for_s if news.for_s else _NEVER)
        if len(self._held) > STANDING_MAX:
            del self._held[next(iter(self._held))]

    def standing(self, now: float) -> list[News]:
        """What holds now, with the time that is left of it."""
        self._held = {key: held for key, held in self._held.items() if held[1] > now}
        return [
            news if until == _NEVER else msgspec.structs.replace(news, for_s=until - now)
            for news, until in self._held.values()
        ]

    def clear(self) -> None:
        """Another blueprint is in force: its upstreams are judged anew."""
        self._held.clear()
