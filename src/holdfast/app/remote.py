"""A log that is read from afar: C2SP tlog-tiles over HTTP, or a folder that has the same files.

Nothing that comes this way is believed: whoever reads it checks it against the log's keys.
"""

import contextlib
import http.client
import zlib
from collections.abc import Generator, Iterable
from pathlib import Path

from holdfast.app.asking import Site, UrlError
from holdfast.world.ports import Blobs, WorldError
from holdfast.world.real import FileBlobs

ANSWER_S = 20.0
OBJECT_BYTES_MAX = 17 * 1024 * 1024
"""A full bundle of the largest entries."""


class RemoteLogError(WorldError):
    """A log could not be read over HTTP."""

    code = "audit.log-unreachable"


class HttpBlobs:
    """The objects below a URL, to be read only. Calls block."""

    def __init__(self, url: str) -> None:
        self._site = Site.parse(url)
        self._connection = self._connect()

    def get(self, name: str) -> bytes | None:
        """The object, None when it is not there; ``RemoteLogError`` when that cannot be told."""
        path = f"{self._site.prefix}/{name}"
        for last in (False, True):
            try:
                return self._get(path)
            except (OSError, http.client.HTTPException, zlib.error) as error:
                # A kept connection may have been closed meanwhile: once more, over a fresh one.
                self._connection.close()
                self._connection = self._connect()
                if last:
                    raise RemoteLogError(
                        f"{path} cannot be read from {self._site.host}: {error}",
                        fix="see whether the log is served there",
                    ) from error
        raise AssertionError

    def close(self) -> None:
        """Let go of the connection. Idempotent."""
        self._connection.close()

    def _get(self, path: str) -> bytes | None:
        headers = {"accept-encoding": "gzip, identity"}
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        data = answer.read(OBJECT_BYTES_MAX + 1)
        if len(data) > OBJECT_BYTES_MAX:
            raise http.client.HTTPException(f"more than {OBJECT_BYTES_MAX} bytes")
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise http.client.HTTPException(f"status {answer.status}")
        zipped = answer.headers.get("content-encoding", "").lower() == "gzip"
        return _unzipped(data) if zipped else data

    def _connect(self) -> http.client.HTTPConnection:
        address = self._site.address
        kind = http.client.HTTPSConnection if address.tls else http.client.HTTPConnection
        return kind(address.host, address.port, timeout=ANSWER_S)

    # -- the rest of ``Blobs``, which a reader has no use for ----------------------------------

    def put(self, name: str, data: bytes) -> None:
        raise _read_only()

    def put_all(self, objects: Iterable[tuple[str, bytes]]) -> None:
        raise _read_only()

    def names(self, prefix: str) -> list[str]:
        raise _read_only()

    def remove(self, name: str) -> None:
        raise _read_only()


@contextlib.contextmanager
def open_blobs(log: str) -> Generator[Blobs]:
    """``log`` is a URL, or a folder with the log's files; one that is not there is refused."""
    if "://" in log:
        far = HttpBlobs(log)
        try:
            yield far
        finally:
            far.close()
        return
    folder = Path(log)
    if not folder.is_dir():
        raise UrlError(
            f"'{log[:100]}' is no folder and no URL", fix="name the log's folder, or its URL"
        )
    yield FileBlobs(folder)


def _unzipped(data: bytes) -> bytes:
    """At most as much as an object may have: a small answer can unfold without end."""
    decoder = zlib.decompressobj(wbits=31)
    whole = decoder.decompress(data, OBJECT_BYTES_MAX)
    if not decoder.eof:
        raise http.client.HTTPException("a gzip stream that is cut off, or unfolds too far")
    return whole


def _read_only() -> RemoteLogError:
    return RemoteLogError("a log from afar is read only")
