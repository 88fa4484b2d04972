"""Mutual TLS: the connection itself proves the key, and no request needs a proof of its own."""

import os
import ssl
import tempfile
from pathlib import Path

from holdfast.client.errors import KeyFileError
from holdfast.identity import SigningKey


def context(
    certificate: str | Path | bytes, key: SigningKey, *, roots: str | Path | None
) -> ssl.SSLContext:
    """A context that shows the certificate, whose key must be ``key``."""
    made = ssl.create_default_context(cafile=None if roots is None else str(roots))
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        chain = certificate if isinstance(certificate, bytes) else Path(certificate).read_bytes()
        # OpenSSL reads them from a file only. A crash right after leaves a folder in the system's
        # temporary one that its owner alone may read.
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            both = Path(folder) / "both.pem"
            descriptor = os.open(both, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(chain + b"\n" + key.pem())
            made.load_cert_chain(both)
    except (OSError, ssl.SSLError) as error:
        raise KeyFileError(
            f"a certificate cannot be used: {error}",
            fix="give the X.509-SVID of this identity's key as PEM, leaf first",
        ) from error
    return made
