"""The canonical call log: one line of JSON for every call that ended, whatever came of it.

Promises: a call has one line, written of its last record; a line's fields have stable names and
never hold content; the log that proves anything is the audit log, to which ``index`` points.
"""

from holdfast.telemetry.call_lines.lines import CallLine, line_of

__all__ = ["CallLine", "line_of"]
