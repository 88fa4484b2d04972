"""Signed JSON: keys (RFC 7517, 7638) and compact signatures (RFC 7515), read strictly.

Promises: what is read is canonical (one spelling of the same token), bounded, free of repeated
members, and of an algorithm that the key, not the token, decides. ``none``, symmetric algorithms,
``crit``, ``b64`` and unencoded payloads are not known here. Keys and signatures are joserfc's and
OpenSSL's; only the reading is ours, because a parser that is lenient lets two readers see two
tokens (CVE-2026-27896 and its kin).
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256, sha512
from typing import TypeAlias, TypeVar, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from holdfast.core import Instant
from holdfast.identity.errors import (
    KeyRefusedError,
    TokenClaimsError,
    TokenMalformedError,
    TokenSignatureError,
    TokenTypeError,
)
from holdfast.world.ports import Entropy

ALGORITHMS = ("ES256", "Ed25519", "RS256", "PS256")
"""The signatures that are verified. Our own keys sign by ES256 alone."""

TOKEN_BYTES_MAX = 16_384
"""The longest single token that is read, unless a caller of ``read_compact`` says less."""

RSA_BITS_MIN = 2_048
RSA_BITS_MAX = 8_192
SEED_BYTES = 32
KID_LENGTH_MAX = 256

_SECOND = 1_000_000
_LETTERS = re.compile(rb"[A-Za-z0-9_-]*")
_MEMBERS = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("e", "n")}
_SIZES = {"x": 43, "y": 43}
_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SEED_LABEL = b"holdfast es256 key v1\0"

_SORTED = msgspec.json.Encoder(order="deterministic")
_PLAIN = msgspec.json.Encoder()
_OBJECT = msgspec.json.Decoder(dict[str, object])
_SIGNERS = JWSRegistry.algorithms
_RENAMED = {"EdDSA": "Ed25519"}  # RFC 9864: one of the two that EdDSA could mean is meant here

_Key: TypeAlias = ECKey | OKPKey | RSAKey
_T = TypeVar("_T")


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: bytes | str) -> bytes:
    """What ``b64url`` made; ``TokenMalformedError`` for every other spelling of the same bytes."""
    coded = text.encode() if isinstance(text, str) else text
    if _LETTERS.fullmatch(coded) is None or len(coded) % 4 == 1:
        raise TokenMalformedError("a part is not base64url without padding")
    data = urlsafe_b64decode(coded + b"=" * (-len(coded) % 4))
    if b64url(data).encode() != coded:  # spare bits: else one token has several spellings
        raise TokenMalformedError("a part is not canonical base64url: spare bits are set")
    return data


def read_object(data: bytes) -> dict[str, object]:
    """One JSON object in which no member, at any depth, stands twice."""
    try:
        value = _OBJECT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TokenMalformedError(f"a part is not a JSON object: {error}") from error
    # An object that is written back byte for byte had no member twice: 2 us against 15.
    if _PLAIN.encode(value) != data:
        try:
            json.loads(data, object_pairs_hook=_unrepeated)
        except (ValueError, RecursionError) as error:
            raise TokenMalformedError(f"a part is not a JSON object: {error}") from error
    return value


def _unrepeated(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a member stands twice")


class PublicKey:
    """A key that signatures are verified with, and its one algorithm. Equal by thumbprint."""

    __slots__ = ("_key", "_members", "alg", "kid", "thumbprint")

    def __init__(self, key: _Key, *, alg: str, kid: str | None = None) -> None:
        self._key = key
        members = cast("dict[str, str]", key.as_dict(private=False))
        self._members = {name: members[name] for name in ("kty", *_MEMBERS[key.key_type])}
        self.alg = alg
        self.kid = kid
        # RFC 7638 section 3: required members only, sorted, no white space.
        self.thumbprint = b64url(sha256(_SORTED.encode(self._members)).digest())

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> "PublicKey":
        """The key that a JWK is; ``KeyRefusedError`` for private, weak or unknown ones."""
        kind = jwk.get("kty")
        if not isinstance(kind, str) or kind not in _MEMBERS:
            raise KeyRefusedError("a JWK has a kty other than EC, OKP and RSA")
        if _PRIVATE & jwk.keys():
            raise KeyRefusedError(
                "a JWK carries its private part", fix="send the public members only"
            )
        members = {"kty": kind, **{name: _member(jwk, name) for name in _MEMBERS[kind]}}
        kid = jwk.get("kid")
        if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= KID_LENGTH_MAX):
            raise KeyRefusedError("a JWK has a kid that is no text of 1 to 256 characters")
        return cls(_import(kind, members), alg=_algorithm(jwk, members), kid=kid)

    @classmethod
    def from_cryptography(cls, key: object, *, kid: str | None = None) -> "PublicKey":
        """The key that a certificate carries."""
        match key:
            case ec.EllipticCurvePublicKey() if isinstance(key.curve, ec.SECP256R1):
                return cls(ECKey(key, key), alg="ES256", kid=kid)
            case ed25519.Ed25519PublicKey():
                return cls(OKPKey(key, key), alg="Ed25519", kid=kid)
            case rsa.RSAPublicKey() if RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
                return cls(RSAKey(key, key), alg="RS256", kid=kid)
            case _:
                raise KeyRefusedError(
                    "a key is none of P-256, Ed25519 and RSA of 2048 bits or more"
                )

    @classmethod
    def from_pem(cls, pem: bytes) -> "PublicKey":
        """The key in a SubjectPublicKeyInfo PEM."""
        try:
            return cls.from_cryptography(load_pem_public_key(pem))
        except ValueError as error:
            raise KeyRefusedError("cannot read a public key", fix="give it as PEM") from error

    def jwk(self) -> dict[str, str]:
        """The public members with ``alg`` and, where the key has one, ``kid``."""
        named = {} if self.kid is None else {"kid": self.kid}
        return {**self._members, "alg": self.alg, **named}

    def cryptography(
        self,
    ) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey:
        """The same key, for a certificate."""
        key = self._key.public_key
        assert isinstance(
            key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
        )
        return key

    def agreement(self) -> ec.EllipticCurvePublicKey:
        """The same key, for agreeing on a secret; P-256 only."""
        if not isinstance(self._key, ECKey):
            raise KeyRefusedError("a key for a session is not of the curve P-256")
        return self._key.public_key

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Whether this key made ``signature`` over ``signed``."""
        return _SIGNERS[self.alg].verify(signed, signature, self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and (self.thumbprint, self.alg) == (
            other.thumbprint,
            other.alg,
        )

    def __hash__(self) -> int:
        return hash(self.thumbprint)

    def __repr__(self) -> str:
        return f"PublicKey({self.alg} {self.thumbprint})"


def _member(jwk: Mapping[str, object], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise KeyRefusedError(f"a JWK has no text {name!r}")
    if name == "crv":
        return value
    if len(value) != _SIZES.get(name, len(value)):
        raise KeyRefusedError(f"the {name!r} of a JWK has not the length that its curve wants")
    try:
        data = unb64url(value)
    except (TokenMalformedError, UnicodeEncodeError) as error:
        raise KeyRefusedError(f"the {name!r} of a JWK is not canonical base64url") from error
    if name in {"e", "n"} and data[:1] in {b"", b"\0"}:  # RFC 7518 section 6.3.1: minimal octets
        raise KeyRefusedError(f"the {name!r} of a JWK is empty or begins with a zero byte")
    if name == "n" and not RSA_BITS_MIN <= int.from_bytes(data, "big").bit_length() <= RSA_BITS_MAX:
        raise KeyRefusedError("an RSA key has fewer than 2048 or more than 8192 bits")
    return value


def _algorithm(jwk: Mapping[str, object], members: Mapping[str, str]) -> str:
    kind, said = members["kty"], jwk.get("alg")
    said = None if said is None else _fully(said)
    if jwk.get("use") == "enc":
        raise KeyRefusedError("a JWK is for encryption, not for signatures")
    fitting = {"EC": ("ES256",), "OKP": ("Ed25519",), "RSA": ("RS256", "PS256")}[kind]
    if said is None:
        return fitting[0]
    if said not in fitting:
        raise KeyRefusedError("a JWK has an alg that is not used here or does not fit its kty")
    return said


def _import(kind: str, members: dict[str, str]) -> _Key:
    jwk: dict[str, str | list[str]] = {**members}
    try:
        if kind == "EC" and members["crv"] == "P-256":
            return ECKey.import_key(jwk)
        if kind == "OKP" and members["crv"] == "Ed25519":
            return OKPKey.import_key(jwk)
        if kind == "RSA":
            return RSAKey.import_key(jwk)
    except (JoseError, ValueError) as error:  # such as a point that is not on the curve
        raise KeyRefusedError("a JWK is not a valid key") from error
    raise KeyRefusedError("a JWK is of a curve other than P-256 and Ed25519")


class SigningKey:
    """An ES256 key pair. Its secret comes from the Entropy port, so that a simulation replays."""

    __slots__ = ("_key", "_raw", "public")

    def __init__(self, raw: ec.EllipticCurvePrivateKey, *, kid: str | None = None) -> None:
        if not isinstance(raw.curve, ec.SECP256R1):
            raise KeyRefusedError("a signing key is not of the curve P-256")
        self._raw = raw
        self._key = ECKey(raw, raw)
        public = PublicKey.from_cryptography(raw.public_key(), kid=kid)
        if kid is None:
            public.kid = public.thumbprint
        self.public = public

    @classmethod
    def generate(cls, entropy: Entropy, *, kid: str | None = None) -> "SigningKey":
        """A new key; its ``kid`` is its thumbprint unless one is given."""
        return cls.from_seed(entropy.secret(SEED_BYTES), kid=kid)

    @classmethod
    def from_seed(cls, seed: bytes, *, kid: str | None = None) -> "SigningKey":
        """The key that 32 secret bytes stand for: FIPS 186-5 A.2.1 over SHA-512 of the seed."""
        if len(seed) != SEED_BYTES:
            raise KeyRefusedError(f"a seed has {SEED_BYTES} bytes, this has {len(seed)}")
        drawn = int.from_bytes(sha512(_SEED_LABEL + seed).digest(), "big")
        return cls(ec.derive_private_key(drawn % (_P256_ORDER - 1) + 1, ec.SECP256R1()), kid=kid)

    @classmethod
    def from_pem(cls, pem: bytes, *, kid: str | None = None) -> "SigningKey":
        """The key in unencrypted PKCS #8 PEM."""
        try:
            raw = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise KeyRefusedError(
                "cannot read a private key", fix="give unencrypted PKCS #8 PEM of a P-256 key"
            ) from error
        return cls.from_cryptography(raw, kid=kid)

    @classmethod
    def from_cryptography(cls, key: object, *, kid: str | None = None) -> "SigningKey":
        """The key that another library has read."""
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeyRefusedError("a signing key is not of the curve P-256")
        return cls(key, kid=kid)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> "SigningKey":
        """The key in a private JWK, such as SPIRE gives with a WIT-SVID."""
        public = PublicKey.from_jwk({k: v for k, v in jwk.items() if k not in _PRIVATE})
        secret = jwk.get("d")
        if public.alg != "ES256" or not isinstance(secret, str) or len(secret) != _SIZES["x"]:
            raise KeyRefusedError("a private JWK is not of the curve P-256")
        scalar = int.from_bytes(unb64url(secret), "big")
        if not 0 < scalar < _P256_ORDER:
            raise KeyRefusedError("a private JWK is not a valid key")
        found = cls(ec.derive_private_key(scalar, ec.SECP256R1()), kid=public.kid)
        if found.public != public:
            raise KeyRefusedError("the two halves of a private JWK do not fit")
        return found

    def pem(self) -> bytes:
        """The secret, as PKCS #8 PEM."""
        return self._raw.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def cryptography(self) -> ec.EllipticCurvePrivateKey:
        """The same key, for signing certificates."""
        return self._raw

    def sign(self, header: Mapping[str, object], payload: Mapping[str, object] | bytes) -> str:
        """A compact JWS. ``alg`` is put in; members are sorted, so equal input is equal bytes
        up to the signature. ``kid`` stands in the header only where the caller puts it."""
        if header.get("alg", self.public.alg) != self.public.alg:
            raise KeyRefusedError("a header asks for an algorithm other than the key's")
        head = _SORTED.encode({**header, "alg": self.public.alg})
        body = payload if isinstance(payload, bytes) else _SORTED.encode(payload)
        signed = f"{b64url(head)}.{b64url(body)}"
        return f"{signed}.{b64url(self.sign_bytes(signed.encode()))}"

    def sign_bytes(self, data: bytes) -> bytes:
        """The bare signature, r then s, 64 bytes."""
        return _SIGNERS["ES256"].sign(data, self._key)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.thumbprint})"


def _fully(alg: object) -> str:
    return _RENAMED.get(alg, alg) if isinstance(alg, str) else ""


class Compact(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A compact JWS, taken apart and not yet verified: believe nothing in it."""

    header: dict[str, object]
    payload: dict[str, object]
    signed: bytes
    signature: bytes
    raw: bytes

    @property
    def alg(self) -> str:
        return _fully(self.header["alg"])

    @property
    def typ(self) -> str | None:
        typ = self.header.get("typ")
        return typ if isinstance(typ, str) else None

    @property
    def kid(self) -> str | None:
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None

    def digest(self) -> bytes:
        """SHA-256 over all bytes: what caches are keyed by and children commit to."""
        return sha256(self.raw).digest()

    def claims(self, kind: type[_T]) -> _T:
        """The payload as a Struct; ``TokenClaimsError`` where it has another form."""
        try:
            return msgspec.convert(self.payload, kind)
        except msgspec.ValidationError as error:
            raise TokenClaimsError(f"a token has claims of another form: {error}") from error


def read_compact(token: bytes, *, bytes_max: int = TOKEN_BYTES_MAX) -> Compact:
    """A compact JWS whose payload is one JSON object; ``TokenMalformedError`` for all else."""
    if not 0 < len(token) <= bytes_max:
        raise TokenMalformedError(f"a token has {len(token)} bytes, 1 to {bytes_max} are read")
    parts = token.split(b".", 3)
    if len(parts) != 3 or not all(parts):
        raise TokenMalformedError("a token has not three parts")
    header = read_object(unb64url(parts[0]))
    if _fully(header.get("alg")) not in ALGORITHMS:
        raise TokenMalformedError(
            "a token has no alg, or one that is not used here", fix=f"sign by {ALGORITHMS[0]}"
        )
    if "crit" in header or "b64" in header:  # RFC 7515 section 4.1.11: no extension is understood
        raise TokenMalformedError("a token has critical header members; none is understood")
    return Compact(
        header=header,
        payload=read_object(unb64url(parts[1])),
        signed=token[: len(parts[0]) + 1 + len(parts[1])],
        signature=unb64url(parts[2]),
        raw=token,
    )


def verify_compact(compact: Compact, key: PublicKey, *, typ: str | None) -> None:
    """That ``key`` signed it and that it is of type ``typ``; ``None`` is a plain JWT.

    The key's algorithm decides; a token that says another is refused before any arithmetic.
    """
    said = compact.header.get("typ")
    # A plain JWT (RFC 7519 section 5.1) says JWT or nothing, so it is never one of our own types.
    if said not in ((None, "JWT") if typ is None else (typ,)):
        raise TokenTypeError(f"a token is not of the type {typ or 'JWT'}")
    if compact.alg != key.alg:
        raise TokenSignatureError("a token is not signed by the algorithm of its key")
    if not key.verifies(compact.signature, compact.signed):
        raise TokenSignatureError("the signature of a token is not by the key that it must be by")


def seconds(now: Instant) -> int:
    """The NumericDate (RFC 7519 section 2) of an instant, rounded down."""
    return now // _SECOND
