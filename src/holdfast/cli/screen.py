"""A whole terminal that is drawn anew again and again, and given back as it was."""

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Generator, Sequence

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
QUIT = frozenset("qQ\x03\x04\x1b")


class Screen:
    """The alternate screen, with keys read as they are pressed."""

    def __init__(self, wakeup: int) -> None:
        self._wakeup = wakeup

    def draw(self, lines: Sequence[str]) -> None:
        """As many lines as there is room for, without flicker: each is written over the old one."""
        height = shutil.get_terminal_size().lines
        body = (_END_OF_LINE + "\n").join(lines[:height])
        sys.stdout.write(_HOME + body + _END_OF_LINE + _BELOW)
        sys.stdout.flush()

    def wait(self, seconds: float) -> bool:
        """Until then, or until the terminal has another size; False when somebody wants to leave."""
        ready, _, _ = select.select([sys.stdin, self._wakeup], [], [], seconds)
        if self._wakeup in ready:
            os.read(self._wakeup, 512)
        if sys.stdin in ready:
            return not QUIT.intersection(os.read(sys.stdin.fileno(), 64).decode("latin-1"))
        return True


def _on_resize(_number: int, _frame: object) -> None:
    """That it came wakes whoever waits; the next drawing looks how large the terminal is."""


@contextlib.contextmanager
def whole_screen() -> Generator[Screen]:
    """The terminal, until the block ends, however it ends."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    old_descriptor = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    old_handler = signal.signal(signal.SIGWINCH, _on_resize)
    tty.setcbreak(keyboard)
    sys.stdout.write(_ENTER)
    try:
        yield Screen(reading)
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, old_handler)
        signal.set_wakeup_fd(old_descriptor)
        os.close(reading)
        os.close(writing)
