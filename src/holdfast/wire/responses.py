"""The bytes of answers."""

import msgspec

from holdfast.wire.headers import Header

REASONS = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    422: b"Unprocessable Content",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
_STATUS_LINES = {s: b"HTTP/1.1 %d %s\r\n" % (s, r) for s, r in REASONS.items()}


def response_head(
    status: int, headers: tuple[Header, ...], *, length: int | None, keep_alive: bool
) -> bytes:
    """Status line and header fields; chunked when ``length`` is None (RFC 9112 section 6.1)."""
    head = _STATUS_LINES.get(status) or b"HTTP/1.1 %d Status\r\n" % status
    for header in headers:  # adding up costs half of what a list and a join do
        head += b"%b: %b\r\n" % header
    end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
    if length is None:
        return b"%btransfer-encoding: chunked\r\n%b" % (head, end)
    return b"%bcontent-length: %d\r\n%b" % (head, length, end)


def chunk(data: bytes) -> bytes:
    """One chunk (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def refusal(status: int, code: str, message: str) -> bytes:
    """A whole answer for a request that is not HTTP, or not within limits; closes the connection.

    The error has OpenAI's shape, since OpenAI clients are who will read it.
    """
    error = {"message": message, "type": "invalid_request_error", "param": None}
    body = msgspec.json.encode({"error": {**error, "code": f"http.{code}"}})
    content_type = (b"content-type", b"application/json")
    return response_head(status, (content_type,), length=len(body), keep_alive=False) + body
