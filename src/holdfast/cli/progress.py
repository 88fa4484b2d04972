"""A line on the terminal that says how far something long has come; nothing where nobody looks."""

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Generator

from holdfast.cli.quantities import duration
from holdfast.cli.tables import cut
from holdfast.core import Progress, untold

SHOWN_AFTER_S = 2.0
DRAWN_EVERY_S = 0.2
BAR_WIDTH = 24
_START, _ERASE = "\r", "\x1b[2K"


@contextlib.contextmanager
def progress_of(label: str, *, as_json: bool = False) -> Generator[Progress]:
    """What to call with how much is done. After two seconds it shows, on standard error, if that is
    a terminal: with a bar where it is known of how much, else with the time that passed."""
    if as_json or not sys.stderr.isatty():
        yield untold
        return
    bar = _Bar(label)
    thread = threading.Thread(target=bar.draw_until_over, daemon=True)
    thread.start()
    try:
        yield bar
    finally:
        bar.over.set()
        thread.join()


class _Bar:
    """Told by one thread, drawn by another: z3 and the like say nothing for a long time."""

    def __init__(self, label: str) -> None:
        self.over = threading.Event()
        self._label = label
        self._told = (0, 0)
        self._began = time.monotonic()

    def __call__(self, done: int, total: int, /) -> None:
        self._told = done, total

    def draw_until_over(self) -> None:
        if self.over.wait(SHOWN_AFTER_S):
            return
        while True:
            self._draw()
            if self.over.wait(DRAWN_EVERY_S):
                break
        sys.stderr.write(_START + _ERASE)
        sys.stderr.flush()

    def _draw(self) -> None:
        width = shutil.get_terminal_size().columns
        line = progress_line(self._label, *self._told, time.monotonic() - self._began)
        sys.stderr.write(_START + _ERASE + cut(line, width - 1))
        sys.stderr.flush()


def progress_line(label: str, done: int, total: int, passed_s: float) -> str:
    """``verifying the log  [######          ]  40 %  12,000 of 30,000, 3.1 s, 4.7 s left``."""
    passed = duration(passed_s * 1e6)
    if total <= 0:
        return f"{label}  {done:,}, {passed}" if done else f"{label}  {passed}"
    part = min(1.0, done / total)
    filled = round(part * BAR_WIDTH)
    bar = "#" * filled + " " * (BAR_WIDTH - filled)
    left = f", {duration(passed_s / part * (1 - part) * 1e6)} left" if 0 < part < 1 else ""
    return f"{label}  [{bar}]  {part:.0%}  {done:,} of {total:,}, {passed}{left}"
