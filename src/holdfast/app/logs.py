"""Diagnosis for people and programs: dotted event names with fields; evidence is not written here."""

import sys

import structlog


def configure_logs(*, as_json: bool) -> None:
    """Readable lines on a terminal, JSON lines for programs; always on standard error."""
    plain = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer() if as_json else plain,
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
