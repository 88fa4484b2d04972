"""Points in time as people write and read them at a terminal."""

import re
import time
from datetime import UTC, datetime

import click

_SECOND_US = 1_000_000
_AGO = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class When(click.ParamType[int]):
    """``10m`` ago, or a date with or without a time; without a zone it is meant here."""

    name = "time"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        ago = _AGO.fullmatch(value.strip())
        if ago is not None:
            return round((time.time() - int(ago[1]) * _UNITS[ago[2]]) * _SECOND_US)
        try:
            return round(datetime.fromisoformat(value).astimezone(UTC).timestamp() * _SECOND_US)
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"'{value}' is no time: write 10m, 2h or 3d for so long ago, or 2026-11-21T08:30Z",
                param,
                ctx,
            )


WHEN = When()


def local_day(at: int) -> str:
    """``11-21``, here."""
    return _here(at).strftime("%m-%d")


def local_time(at: int) -> str:
    """``08:30:00.123``, here."""
    return _here(at).strftime("%H:%M:%S.") + f"{at % _SECOND_US // 1_000:03}"


def _here(at: int) -> datetime:
    return datetime.fromtimestamp(at / _SECOND_US, UTC).astimezone()
