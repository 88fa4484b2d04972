"""Where telemetry leaves: everything in the keeper that hears what the follower reads off the log."""

from dataclasses import dataclass

from holdfast.app.call_log import CallLog
from holdfast.app.otlp import Telemetry
from holdfast.app.tally import Tally
from holdfast.history import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """``tally`` counts for Prometheus and ``holdfast top``; ``call_log`` is None where none is
    written, ``otlp`` where nobody takes it."""

    tally: Tally
    call_log: CallLog | None
    otlp: Telemetry | None = None

    @classmethod
    def open(cls, *, call_log: str | None, otlp: Telemetry | None = None) -> "Outlets":
        """``CallLogError`` when the file named cannot be written."""
        lines = CallLog(call_log) if call_log is not None else None
        drops = {"call-log": lines.dropped} if lines is not None else {}
        if otlp is not None:
            drops["otlp"] = otlp.dropped
        return cls(tally=Tally(drops), call_log=lines, otlp=otlp)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """In the order in which they hear."""
        others = (self.call_log, None if self.otlp is None else self.otlp.feed)
        return (self.tally, *(each for each in others if each is not None))

    def reopen(self) -> None:
        """Files may have been rotated away: write to new ones."""
        if self.call_log is not None:
            self.call_log.reopen()

    def close(self) -> None:
        """Blocks until what was heard is written, for a few seconds at most."""
        if self.call_log is not None:
            self.call_log.close()
