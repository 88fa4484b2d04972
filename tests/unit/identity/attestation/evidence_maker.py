"""Vendors, devices and evidence of our own making: whole, signed, and wrong only where asked."""

import functools
from datetime import UTC, datetime
from hashlib import sha256

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from holdfast.core import Instant
from holdfast.identity.attestation import Binding, Evidence, Roots, VendorRoot

NOW = Instant(1_780_000_000_000_000)  # 2026-05-28
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
BINDING = Binding(key=b"k" * 32, nonce=b"n" * 32)
PSS = padding.PSS(mgf=padding.MGF1(SHA384()), salt_length=48)
AMD = "1.3.6.1.4.1.3704.1."
SHA384_OID = bytes.fromhex("0609608648016503040202")
LEVELS = {"3.1": 3, "3.2": 0, "3.3": 8, "3.8": 115}
CHIP = bytes(range(64))


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def spki(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def make(subject, issuer, key, signer, *, ca=True, path=None, extra=(), digest=None, end=END):
    """A certificate for ``key``, signed by ``signer``."""
    usage = x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(1 if not ca else x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority, critical=False)
    )
    for oid, value in extra:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        builder = builder.add_extension(unknown, critical=False)
    if isinstance(signer, rsa.RSAPrivateKey):
        return builder.sign(signer, SHA384(), rsa_padding=PSS)
    return builder.sign(signer, digest or SHA384())


def tlv(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    coded = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(coded))) + coded + body


def with_serial_zero(certificate: x509.Certificate, signer: rsa.RSAPrivateKey) -> bytes:
    """The same certificate as AMD makes them: with serial number 0."""
    tbs = certificate.tbs_certificate_bytes.replace(
        b"\xa0\x03\x02\x01\x02\x02\x01\x01", b"\xa0\x03\x02\x01\x02\x02\x01\x00", 1
    )
    whole = der(certificate)
    algorithm_at = whole.index(certificate.tbs_certificate_bytes) + len(tbs)
    algorithm = whole[algorithm_at : algorithm_at + 2 + whole[algorithm_at + 1]]
    signature = signer.sign(tbs, PSS, SHA384())
    return tlv(0x30, tbs + algorithm + tlv(0x03, b"\0" + signature))


def raw_signature(key, digest, data: bytes, size: int) -> tuple[bytes, bytes]:
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(size, "big"), s.to_bytes(size, "big")


@functools.cache
def rsa_key(which: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 3072)


@functools.cache
def curve_key(which: str, *, p384: bool = True) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1() if p384 else ec.SECP256R1())


def root_of(kind: str, platform: str, key) -> VendorRoot:
    return VendorRoot(
        kind=kind,
        platform=platform,
        name="made for a test",
        key_sha256=sha256(spki(key)).hexdigest(),
        certificate_sha256="",
        not_after="",
        published="",
    )


@functools.cache
def roots() -> Roots:
    return Roots(
        roots=(
            root_of("snp", "snp/Genoa", rsa_key("ark")),
            root_of("tdx", "tdx", curve_key("intel", p384=False)),
            root_of("nitro", "nitro", curve_key("aws")),
            root_of("nvidia", "nvidia/Hopper", curve_key("nvidia")),
        )
    )


@functools.cache
def snp_chain(chip: bytes = CHIP, snp_level: int = 8, end: datetime = END) -> tuple[bytes, ...]:
    ark, ask, chip_key = rsa_key("ark"), rsa_key("ask"), curve_key("vcek")
    levels = {**LEVELS, "3.3": snp_level}
    extra = [(AMD + oid, tlv(2, bytes([level]))) for oid, level in levels.items()]
    extra.append((AMD + "4", chip))
    leaf = make("SEV-VCEK", "ASK", chip_key, ask, ca=False, extra=extra, end=end)
    return (
        with_serial_zero(leaf, ask),
        der(make("ASK", "ARK", ask, ark, path=0)),
        der(make("ARK", "ARK", ark, ark)),
    )


def snp(
    *,
    binding: Binding = BINDING,
    policy: int = 0x30000,
    vmpl: int = 0,
    measurement: bytes = b"m" * 48,
    chip: bytes = CHIP,
    model: int = 0x11,
    certificates: tuple[bytes, ...] | None = None,
) -> Evidence:
    report = bytearray(1184)
    report[0] = 3
    report[8:16] = policy.to_bytes(8, "little")
    report[48], report[52] = vmpl, 1
    report[80:112] = binding.expected()
    report[144:192] = measurement
    report[384:392] = bytes((3, 0, 0, 0, 0, 0, 8, 115))
    report[392:394] = bytes((0x19, model))
    report[416:480] = chip
    r, s = raw_signature(curve_key("vcek"), SHA384(), bytes(report[:0x2A0]), 48)
    report[0x2A0 : 0x2A0 + 48] = r[::-1]
    report[0x2A0 + 72 : 0x2A0 + 120] = s[::-1]
    given = snp_chain() if certificates is None else certificates
    return Evidence(kind="snp", report=bytes(report), certificates=given)


@functools.cache
def _intel() -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    root, ca = curve_key("intel", p384=False), curve_key("platform", p384=False)
    pck = curve_key("pck", p384=False)
    chain = (
        make("PCK", "Platform CA", pck, ca, ca=False, digest=SHA256()),
        make("Platform CA", "Intel Root", ca, root, path=0, digest=SHA256()),
        make("Intel Root", "Intel Root", root, root, path=1, digest=SHA256()),
    )
    return b"".join(each.public_bytes(Encoding.PEM) for each in chain), pck


def tdx(
    *, binding: Binding = BINDING, attributes: int = 0, vouched: bytes | None = None
) -> Evidence:
    pem, pck = _intel()
    attest = curve_key("attest", p384=False)
    key = attest.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
    report = bytearray(584)
    report[120] = attributes
    report[136:184] = b"t" * 48
    report[520:552] = binding.expected()
    header = b"\x04\0\x02\0\x81\0\0\0".ljust(48, b"\0")
    qe_data = b"auth"
    qe_report = bytearray(384)
    qe_report[320:352] = sha256(vouched or key + qe_data).digest()
    inner = bytes(qe_report) + b"".join(raw_signature(pck, SHA256(), bytes(qe_report), 32))
    inner += len(qe_data).to_bytes(2, "little") + qe_data
    inner += (5).to_bytes(2, "little") + len(pem).to_bytes(4, "little") + pem
    signed = header + bytes(report)
    proof = b"".join(raw_signature(attest, SHA256(), signed, 32)) + key
    proof += (6).to_bytes(2, "little") + len(inner).to_bytes(4, "little") + inner
    return Evidence(kind="tdx", report=signed + len(proof).to_bytes(4, "little") + proof)


@functools.cache
def _aws() -> tuple[bytes, tuple[bytes, ...]]:
    root, zone, leaf = curve_key("aws"), curve_key("zone"), curve_key("enclave")
    return der(make("enclave", "zone", leaf, zone, ca=False)), (
        der(make("aws.nitro-enclaves", "aws.nitro-enclaves", root, root)),
        der(make("zone", "aws.nitro-enclaves", zone, root, path=0)),
    )


def nitro(*, binding: Binding = BINDING, pcr0: bytes = b"p" * 48, **fields: object) -> Evidence:
    leaf, bundle = _aws()
    payload = cbor2.dumps(
        {
            "module_id": "i-1-enc2",
            "digest": "SHA384",
            "timestamp": 1_780_000_000_000,
            "pcrs": {0: pcr0, 1: pcr0, 2: pcr0},
            "certificate": leaf,
            "cabundle": list(bundle),
            "public_key": None,
            "user_data": binding.expected(),
            "nonce": None,
            **fields,
        }
    )
    protected = cbor2.dumps({1: -35})
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    signature = b"".join(raw_signature(curve_key("enclave"), SHA384(), signed, 48))
    return Evidence(kind="nitro", report=cbor2.dumps([protected, {}, payload, signature]))


FIRMWARE = b"f" * 48


@functools.cache
def gpu_chain(firmware: bytes = FIRMWARE) -> tuple[bytes, ...]:
    root, device, leaf = curve_key("nvidia"), curve_key("device"), curve_key("gpu")
    digest = tlv(0x30, SHA384_OID + tlv(4, firmware))
    identity = tlv(0x30, b"\x02\x01\x01" + spki(device) + digest)
    return (
        der(make("FMC", "BROM", leaf, device, ca=False, extra=[("2.23.133.5.4.1", identity)])),
        der(make("BROM", "Device Identity", device, root, path=0)),
        der(make("Device Identity", "Device Identity", root, root)),
    )


def nvidia(
    *,
    binding: Binding = BINDING,
    firmware: bytes = FIRMWARE,
    certificates: tuple[bytes, ...] | None = None,
) -> Evidence:
    request = b"\x11\xe0\x01\xff" + binding.expected() + b"\0"
    blocks = b"".join(
        bytes((index, 1)) + (51).to_bytes(2, "little") + b"\x01\x30\0" + bytes([index]) * 48
        for index in range(1, 4)
    )
    fields = {3: b"580.95.05\0", 6: bytes.fromhex("007400961a000000"), 20: firmware}
    opaque = b"".join(
        kind.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value
        for kind, value in fields.items()
    )
    answer = b"\x11\x60\0\0\x03" + len(blocks).to_bytes(3, "little") + blocks + b"r" * 32
    answer += len(opaque).to_bytes(2, "little") + opaque
    signature = raw_signature(curve_key("gpu"), SHA384(), request + answer, 48)
    given = gpu_chain() if certificates is None else certificates
    report = request + answer + b"".join(signature)
    return Evidence(kind="nvidia", report=report, certificates=given)
