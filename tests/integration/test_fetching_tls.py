"""Over real TLS: the connection goes to the address that was looked at, the certificate is the name's."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from holdfast.app.fetching import Fetcher, FetchError
from holdfast.world.real import SocketNetwork, SystemNames
from holdfast.world.sim import SimNames

DAY = dt.timedelta(days=1)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def certificate(folder: Path, name: str) -> Path:
    """A certificate for ``name`` by itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@asynccontextmanager
async def serving(file: Path) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def fetched(file: Path, name: str) -> bytes:
    async with serving(file) as port:
        origin = f"https://{name}:{port}"
        names = SimNames({name: [("127.0.0.1",)]})
        fetcher = Fetcher(network=SocketNetwork(), names=names, named=(origin,))
        return await fetcher.get(f"{origin}/x")


def test_the_certificate_is_of_the_name_though_the_connection_is_to_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, "issuer.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert asyncio.run(fetched(file, "issuer.test")) == b"{}"


def test_a_certificate_of_another_name_or_of_nobody_known_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, "other.test")
    with pytest.raises(FetchError):
        asyncio.run(fetched(file, "other.test"))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(FetchError):
        asyncio.run(fetched(file, "issuer.test"))


def test_the_machines_resolver_gives_addresses() -> None:
    assert "127.0.0.1" in asyncio.run(SystemNames().addresses("localhost"))
