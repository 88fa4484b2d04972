"""Where a command draws: how wide it is, and whether it takes colours."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO

import click

from holdfast.cli import tables
from holdfast.cli.colours import Paint, are_wanted
from holdfast.cli.tables import Cell, Column

WIDTH_MIN = 40
"""Nothing is drawn narrower: it would say nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """``width`` is None where nothing is cut: what goes to a file or to another program."""

    paint: Paint
    width: int | None

    @classmethod
    def on(cls, stream: IO[str]) -> "Drawing":
        """As it fits a stream at this moment."""
        width = None
        if stream.isatty():
            width = max(WIDTH_MIN, shutil.get_terminal_size().columns)
        return cls(paint=Paint(are_wanted(stream)), width=width)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> list[str]:
        """Its lines."""
        return tables.table(columns, rows, width=self.width, paint=self.paint)

    def plain(self, text: str) -> str:
        """What others have written, harmless for a terminal."""
        return tables.plain(text)

    def line(self, text: str) -> str:
        """The same, and no longer than a line."""
        return (
            tables.plain(text) if self.width is None else tables.cut(tables.plain(text), self.width)
        )

    def print(self, lines: Iterable[str]) -> None:
        """To standard output, colours as they were decided."""
        click.echo("\n".join(lines), color=self.paint.is_on)
        sys.stdout.flush()
