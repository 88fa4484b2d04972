"""What ``holdfast objectives`` tells: every objective of a blueprint, judged on the history."""

from pathlib import Path

import msgspec

from holdfast.app.drift import BLUEPRINT_NAME
from holdfast.app.files import load_blueprint
from holdfast.app.instances import find_data
from holdfast.app.past import open_history
from holdfast.app.texts import FileError
from holdfast.core import Instant
from holdfast.history import TrafficHistory
from holdfast.telemetry.objectives import Book, ObjectiveTold, told
from holdfast.world.real import SystemClock

_MINUTE_US = 60_000_000
_DAY_US = 86_400_000_000


class ObjectivesTold(msgspec.Struct, frozen=True, kw_only=True):
    """``at`` is the moment they were judged at."""

    at: int
    objectives: tuple[ObjectiveTold, ...]

    @property
    def is_spent(self) -> bool:
        return any(each.state == "spent" for each in self.objectives)


def tell_objectives(file: Path | None, data: Path | None) -> ObjectivesTold:
    """Counted from the beginning of the longest window; whether an instance runs is no matter."""
    path = file or Path(BLUEPRINT_NAME)
    if file is None and not path.is_file():
        raise FileError(f"there is no {BLUEPRINT_NAME} here", fix="name the blueprint: FILE")
    book = Book(load_blueprint(path).blueprint)
    now = SystemClock().now()
    if not book.is_empty:
        with open_history(find_data(data)) as history:
            count_all(book, history, now)
    return ObjectivesTold(at=now, objectives=tuple(map(told, book.judge(now))))


def count_all(book: Book, history: TrafficHistory, now: Instant) -> None:
    """Every minute that the book looks at, a day at a time."""
    end = now + _MINUTE_US
    since = now - book.days * _DAY_US
    while since < end:
        until = min(since + _DAY_US, end)
        book.take(history.minutes(since, until))
        since = until
