"""Server-sent events (WHATWG HTML section 9.2): where one event ends and the next begins."""

from holdfast.wire.errors import ProtocolError

EVENT_BYTES_MAX = 4 * 1024 * 1024
"""One event: larger than any answer delta, small enough that a mad upstream cannot fill memory."""


def _end_of_last_event(data: bytes) -> int:
    bare, full = data.rfind(b"\n\n"), data.rfind(b"\r\n\r\n")
    if bare < 0 and full < 0:
        return 0
    return max(bare + 2 if bare >= 0 else 0, full + 4 if full >= 0 else 0)


class EventSplitter:
    """Cuts a byte stream at event boundaries, so that only whole events are passed on.

    An upstream that dies inside an event must not leave half of it in front of the error event
    that tells the client so.
    """

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """All whole events so far that were not returned yet; the rest is kept.

        Raises ``ProtocolError`` when a single event outgrows ``EVENT_BYTES_MAX``.
        """
        if self._rest:
            data = self._rest + data
        if data.endswith((b"\n\n", b"\r\n\r\n")):
            self._rest = b""
            return data
        end = _end_of_last_event(data)
        self._rest = data[end:]
        if len(self._rest) > EVENT_BYTES_MAX:
            raise ProtocolError(
                f"an event of the upstream's stream exceeds {EVENT_BYTES_MAX} bytes"
            )
        return data[:end]

    @property
    def rest(self) -> bytes:
        """The event that has begun and not ended."""
        return self._rest
