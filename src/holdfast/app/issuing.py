"""The built-in issuer's keys on disk, and what ``holdfast identity`` does with them.

``DATA/keys/issuer.json`` holds every secret of the issuer, readable by its owner only. Whoever
changes it holds a lock, so that a command and the running instance never write over one another.
"""

import os
from pathlib import Path

import msgspec

from holdfast.app import wiring
from holdfast.app.datadir import DataDir, DataDirError
from holdfast.core import HoldfastError, Instant, rfc3339
from holdfast.identity import KeyRefusedError, PublicKey, SigningKey, read_spiffe_id
from holdfast.identity.issuer import Issuer
from holdfast.identity.passports import PassportStore, PassportUnknownError
from holdfast.world.ports import Clock, Entropy
from holdfast.world.real import SystemClock, SystemEntropy

ISSUER_FILE = "issuer.json"
KEY_FILE_BYTES_MAX = 65_536


class IssuingError(HoldfastError):
    """No identity can be issued for that node and key."""

    code = "identity.not-issued"


class Issued(msgspec.Struct, frozen=True):
    """A fresh identity: ``wit`` goes into ``Workload-Identity-Token``, with a proof beside it."""

    wit: str
    principal: str
    thumbprint: str
    expires: str
    build: str | None
    tier: int | None


def open_issuer(data: DataDir, trust_domain: str, *, clock: Clock, entropy: Entropy) -> Issuer:
    """The issuer of ``trust_domain``, founded on first use, with its keys rotated if that is due.

    A crash right after leaves the old keys or the new ones whole. The new ones have signed
    nothing before they are on disk, so nothing is ever signed by a key that is lost.
    """
    with data.keys_alone():
        kept = data.kept_secret(ISSUER_FILE)
        now = clock.now()
        if kept is None:
            issuer = Issuer.found(trust_domain, now=now, entropy=entropy)
        else:
            issuer = Issuer.decode(kept).rotated(now, entropy)
        if issuer.trust_domain != trust_domain:
            raise IssuingError(
                f"the issuer's keys are of the trust domain {issuer.trust_domain}, "
                f"the blueprint's is {trust_domain}",
                fix=f"name the old trust domain in the blueprint, or move keys/{ISSUER_FILE} away: "
                "all identities must then be issued anew",
            )
        encoded = issuer.encode()
        if encoded != kept:
            data.keep_secret(ISSUER_FILE, encoded)
        return issuer


def issuer_of(data: DataDir) -> Issuer:
    """The issuer of the blueprint that was in force last."""
    names = list(data.principals().values())
    if not names:
        raise IssuingError("the blueprint declares no nodes", fix="declare one")
    domain = read_spiffe_id(names[0]).trust_domain
    return open_issuer(data, domain, clock=SystemClock(), entropy=SystemEntropy())


def issue_identity(
    data: DataDir, node: str, *, key_file: Path, lifetime_s: int, is_new: bool = False
) -> Issued:
    """A WIT for a node of the blueprint in force, for whoever holds the key in the file.

    What the node's passport says of its build and tier stands in it. A node whose passport is
    suspended or revoked gets none.
    """
    data.require()
    principal = data.principals().get(node)
    if principal is None:
        known = ", ".join(data.nodes())
        raise IssuingError(f"the blueprint has no node '{node}'", fix=f"its nodes are: {known}")
    key = _new_key(key_file) if is_new else read_key_file(key_file)
    build, tier = _passport(data, principal)
    now = SystemClock().now()
    wit = issuer_of(data).issue_wit(
        principal,
        key,
        now=now,
        entropy=SystemEntropy(),
        lifetime_s=lifetime_s,
        build=build,
        tier=tier,
    )
    ends = Instant(now // 1_000_000 * 1_000_000 + lifetime_s * 1_000_000)
    return Issued(wit, principal, key.thumbprint, rfc3339(ends), build, tier)


def _passport(data: DataDir, principal: str) -> tuple[str | None, int | None]:
    store = wiring.open_store(data)
    try:
        passport = (
            PassportStore(store, public=wiring.registry_key(data, SystemEntropy()).public)
            .find(principal)
            .passport
        )
    except PassportUnknownError:
        return None, None
    finally:
        store.close()
    if passport.status != "active":
        raise IssuingError(
            f"the passport of {principal} is {passport.status}",
            fix="'holdfast passport resume' takes back a suspension; nothing a revocation",
        )
    return passport.build, passport.risk_tier


def _new_key(path: Path) -> PublicKey:
    """A new private key in a file that its owner alone may read; never over an old one."""
    key = SigningKey.generate(SystemEntropy())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.pem())
    except OSError as error:
        raise DataDirError(
            f"{path} cannot be made: {error.strerror}", fix="name a file that does not exist yet"
        ) from error
    return key.public


def read_key_file(path: Path) -> PublicKey:
    """The public key in a PEM (public or private) or JWK file."""
    try:
        with path.open("rb") as file:
            text = file.read(KEY_FILE_BYTES_MAX)
    except OSError as error:
        raise DataDirError(
            f"{path} cannot be read: {error.strerror}", fix="make a key there with --new"
        ) from error
    if b"PRIVATE KEY" in text:
        return SigningKey.from_pem(text).public
    if b"PUBLIC KEY" in text:
        return PublicKey.from_pem(text)
    try:
        members = msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise KeyRefusedError(
            f"{path} holds no key", fix="give a P-256 key as PEM or as a JWK"
        ) from error
    return PublicKey.from_jwk(members)


class IssuedDocuments:
    """A ``faces.IssuerDocuments`` on the keys in the data directory, rotated when that is due."""

    def __init__(self, data: DataDir) -> None:
        self._data = data

    def jwks(self) -> bytes:
        return issuer_of(self._data).jwks()

    def bundle(self) -> bytes:
        return issuer_of(self._data).bundle().document()
