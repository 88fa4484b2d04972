"""What the gateway's listener speaks TLS with, as the command line says."""

import ssl
from pathlib import Path

from holdfast.app.sockets import StartError
from holdfast.world.ports import ListenTls


def listen_tls(
    certificate: Path | None, key: Path | None, clients: Path | None
) -> ListenTls | None:
    """The settings; None for plain HTTP. ``StartError`` when they cannot be used: a mistake is told
    before anything is started.
    """
    if certificate is None or key is None:
        if certificate or key or clients:
            raise StartError(
                "TLS needs both a certificate and its key",
                fix="give --tls-certificate and --tls-key",
            )
        return None
    tls = ListenTls(
        certificate=str(certificate.absolute()),
        key=str(key.absolute()),
        clients=str(clients.absolute()) if clients is not None else None,
    )
    try_tls(tls)
    return tls


def try_tls(tls: ListenTls) -> None:
    """``StartError`` when the files cannot be used."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.clients is not None:
            context.load_verify_locations(tls.clients)
    except OSError as error:  # an ssl.SSLError is one
        raise StartError(
            f"TLS cannot be spoken with {tls.certificate} and {tls.key}: {error.strerror or error}",
            fix="give PEM files that can be read, and the key that belongs to the certificate",
        ) from error
