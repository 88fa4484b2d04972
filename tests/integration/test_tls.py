"""The gateway over TLS: with real processes, real certificates and Python's own TLS client."""

import datetime as dt
import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from live import Home, chat_body, eventually

pytestmark = pytest.mark.slow

DAY = dt.timedelta(days=1)


class Authority:
    """A certificate authority that lives as long as a test."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._signed(self._name, self._key, None)

    def root(self, path: Path) -> Path:
        path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def issue(self, folder: Path, name: str, *, uri: str) -> tuple[Path, Path]:
        """A certificate and its key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._signed(subject, key, uri)
        files = folder / f"{name}.pem", folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, uri: str | None
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=uri is None, path_length=None), critical=True)
        )
        if uri is not None:
            names = [x509.DNSName("localhost"), x509.UniformResourceIdentifier(uri)]
            uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
            builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        return builder.sign(self._key, hashes.SHA256())


class Caller:
    """Python's TLS client, with a certificate of its own or without."""

    def __init__(self, root: Path, own: tuple[Path, Path] | None = None) -> None:
        self.context = ssl.create_default_context(cafile=str(root))
        if own is not None:
            self.context.load_cert_chain(*own)

    def ask(self, url: str, key: str) -> tuple[int, int]:
        """Status of an answer, and the serial number of the server's certificate."""
        port = urlsplit(url).port
        connection = HTTPSConnection("localhost", port, timeout=30, context=self.context)
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        try:
            connection.request("POST", "/v1/chat/completions", chat_body(), headers)
            answer = connection.getresponse()
            answer.read()
            shown = connection.sock.getpeercert(binary_form=True)
            return answer.status, x509.load_der_x509_certificate(shown).serial_number
        finally:
            connection.close()


@pytest.fixture
def ours() -> Authority:
    return Authority("ours")


@pytest.fixture
def secured(home: Home, ours: Authority) -> Iterator[Home]:
    """An instance that speaks TLS and lets callers of our authority show certificates."""
    certificate, key = ours.issue(home.folder, "gateway", uri="spiffe://holdfast.local/gateway")
    root = ours.root(home.folder / "root.pem")
    options = ("--tls-certificate", certificate, "--tls-key", key, "--tls-clients", root)
    home.up(*map(str, options))
    home.make_keys("desk")
    return home


def test_calls_are_answered_over_tls_and_the_instance_says_https(secured: Home) -> None:
    assert secured.url.startswith("https://")
    caller = Caller(secured.folder / "root.pem")
    assert caller.ask(secured.url, secured.keys["desk"])[0] == 200


def test_a_caller_may_show_a_certificate_of_the_roots_and_of_no_others(
    secured: Home, ours: Authority
) -> None:
    root = secured.folder / "root.pem"
    desk = ours.issue(secured.folder, "desk", uri="spiffe://holdfast.local/t/x/service/desk")
    assert Caller(root, desk).ask(secured.url, secured.keys["desk"])[0] == 200
    foreign = Authority("foreign").issue(secured.folder, "foreign", uri="spiffe://foreign/x")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Caller(root, foreign).ask(secured.url, secured.keys["desk"])


def test_a_replaced_certificate_is_in_force_for_new_connections_without_a_restart(
    secured: Home, ours: Authority
) -> None:
    caller, key = Caller(secured.folder / "root.pem"), secured.keys["desk"]
    _, first = caller.ask(secured.url, key)
    ours.issue(secured.folder, "gateway", uri="spiffe://holdfast.local/gateway")
    eventually(lambda: caller.ask(secured.url, key)[1] != first, "the new certificate is shown")


def test_a_certificate_that_cannot_be_used_does_not_replace_the_one_in_force(
    secured: Home,
) -> None:
    (secured.folder / "gateway.pem").write_text("no certificate")
    eventually(lambda: secured.instance.has_logged("tls.not-renewed"), "it is said")
    caller = Caller(secured.folder / "root.pem")
    assert caller.ask(secured.url, secured.keys["desk"])[0] == 200


@pytest.mark.parametrize("options", [("--tls-key", "k"), ("--tls-clients", "c")])
def test_half_of_what_tls_needs_is_refused_before_anything_starts(
    home: Home, options: tuple[str, str]
) -> None:
    ran = home.run("up", str(home.blueprint), "--data", str(home.data), *options)
    assert ran.code == 1
    assert "--tls-certificate" in ran.err
    assert not home.data.exists()
