"""What ``holdfast mandate`` does: roots by consent and for services, links, and a look at both.

A root is signed and its record written before anybody sees it: no mandate is out that the log does
not know. The record names the mandate, so that it can be found and revoked.
"""

import contextlib
from collections.abc import Generator
from pathlib import Path

import msgspec

from holdfast.app import wiring
from holdfast.app.acts import new_act, principal_of
from holdfast.app.datadir import DataDir
from holdfast.app.issuing import KEY_FILE_BYTES_MAX, issuer_of, read_key_file
from holdfast.app.login import person_here
from holdfast.app.texts import FileError, read_text
from holdfast.audit import Act, Outbox, record_of
from holdfast.blueprint import read_yaml
from holdfast.core import HoldfastError, Instant, Json, rfc3339, sha256_digest
from holdfast.identity import (
    PublicKey,
    SigningKey,
    Trust,
    gateway_name,
    issuer_name,
    read_spiffe_id,
)
from holdfast.identity.authority import (
    Authority,
    AuthorityError,
    authorities_from_json,
    authorities_json,
    read_authorities,
)
from holdfast.identity.issuer import Issuer
from holdfast.identity.mandates import (
    Holder,
    Mandate,
    MandateIssuer,
    MandateRevokedError,
    MandateVerifier,
    Terms,
    delegate,
    grant_by_consent,
    grant_to_service,
)
from holdfast.identity.passports import Passport, PassportStore, Roll, subjects_of_holder
from holdfast.identity.revocation import RevocationSet, RevocationStore, subject
from holdfast.identity.wimse import verify_wit
from holdfast.world.ports import Store
from holdfast.world.real import SystemClock, SystemEntropy

GRANTED = "mandate.granted"
MANDATE_FILE_BYTES_MAX = 65_536
WIT_FILE_BYTES_MAX = 65_536


class MandateInputError(HoldfastError):
    """A mandate was asked for in a way that cannot be understood."""

    code = "mandate.input-invalid"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the options of ``mandate grant`` and ``mandate service`` say. The agent's key is in
    ``key_file``, or its WIT is in ``identity_file``."""

    agent: str
    authority: str
    ttl_s: int
    depth: int
    why: str = ""
    key_file: Path | None = None
    identity_file: Path | None = None


class HopShown(msgspec.Struct, frozen=True):
    """One holder of a chain."""

    holder: str
    jti: str
    key: str
    build: str | None
    why: str | None


class MandateShown(msgspec.Struct, frozen=True):
    """A mandate that was verified, as people see it."""

    principal: str
    holder: str
    audience: str
    expires: str
    depth_left: int
    txn: str
    hops: tuple[HopShown, ...]
    authorization_details: tuple[Json, ...]


class Granted(msgspec.Struct, frozen=True):
    """A mandate that was made; ``change`` finds its record in the log (a link has none)."""

    mandate: str
    shown: MandateShown
    change: str | None = None


def grant_for_person(data: DataDir, asked: Asked) -> Granted:
    """A root for an agent on behalf of the person who is logged in: the meet of what is written
    here and of what the agent's passport allows."""
    session = person_here(data)
    principal = session.person.principal
    act = msgspec.structs.replace(new_act(asked.why), by=principal)
    return _grant(data, asked, principal=principal, act=act)


def grant_for_service(data: DataDir, asked: Asked) -> Granted:
    """The same for an agent that acts for itself, by the operator."""
    data.require()
    return _grant(data, asked, principal=None, act=new_act(asked.why))


def _grant(data: DataDir, asked: Asked, *, principal: str | None, act: Act) -> Granted:
    agent = principal_of(data, asked.agent)
    wanted = authority_of(asked.authority)
    issuer, tenant = issuer_of(data), _tenant(data)
    with _store(data) as store:
        passport = _passport(data, store, agent)
        key = _holder_key(asked, agent, issuer, now=act.at)
        _check_free(store, passport, tenant=tenant, key=key, principal=principal)
        token = _signed(
            issuer,
            Holder(agent=agent, key=key, build=passport.build),
            asked=asked,
            wanted=wanted,
            widest=passport.max_mandate,
            principal=principal,
            tenant=tenant,
            now=act.at,
        )
        shown = _shown(_verified(issuer, token, tenant, now=act.at, revoked=RevocationSet()))
        named = f"{agent}#{shown.txn}"
        with store.transaction() as change:
            digest = sha256_digest(token)
            Outbox.add(change, record_of(act, kind=GRANTED, subject=named, digest=digest))
    return Granted(token.decode(), shown, act.id)


def _signed(
    issuer: Issuer,
    holder: Holder,
    *,
    asked: Asked,
    wanted: tuple[Authority, ...],
    widest: tuple[Authority, ...],
    principal: str | None,
    tenant: str,
    now: Instant,
) -> bytes:
    signer = MandateIssuer(iss=issuer_name(issuer.trust_domain), key=issuer.token_key(now))
    audience = gateway_name(issuer.trust_domain, tenant)
    terms = Terms(audience=audience, ttl_s=asked.ttl_s, depth=asked.depth)
    entropy = SystemEntropy()
    if principal is None:
        return grant_to_service(
            signer, holder, terms=terms, asked=wanted, widest=widest, now=now, entropy=entropy
        )
    return grant_by_consent(
        signer,
        holder,
        principal=principal,
        terms=terms,
        asked=wanted,
        consented=wanted,
        widest=widest,
        now=now,
        entropy=entropy,
    )


def show_mandate(data: DataDir, file: Path) -> MandateShown:
    """The mandate in a file, verified as the gateway does; a ``TokenError`` says why it is not."""
    data.require()
    token = read_mandate_file(file)
    with _store(data) as store:
        revoked = RevocationStore(store).state().held
    issuer, now = issuer_of(data), SystemClock().now()
    return _shown(_verified(issuer, token, _tenant(data), now=now, revoked=revoked))


def delegate_mandate(
    file: Path,
    holder_key: Path,
    *,
    to: str,
    to_key: Path,
    authority: str,
    ttl_s: int,
    why: str,
) -> bytes:
    """The chain with one more link, made offline by whoever holds the last one's key."""
    return delegate(
        read_mandate_file(file),
        read_signing_key(holder_key),
        to=to,
        key=read_key_file(to_key),
        authority=authority_of(authority),
        ttl_s=ttl_s,
        now=SystemClock().now(),
        entropy=SystemEntropy(),
        why=why or None,
    )


def authority_of(text: str) -> tuple[Authority, ...]:
    """Authorities as JSON, or in a YAML or JSON file; one alone need not stand in a list."""
    if text.lstrip().startswith(("[", "{")):
        inline = text.strip().encode()
        return read_authorities(inline if inline.startswith(b"[") else b"[" + inline + b"]")
    document = read_yaml(read_text(Path(text)), source=text)
    if document.problems:
        first = document.problems[0]
        raise AuthorityError(f"{text} cannot be read: line {first.line}: {first.what}")
    value = document.data
    return authorities_from_json([value] if isinstance(value, dict) else value)


def read_mandate_file(path: Path) -> bytes:
    """A mandate as a command printed it."""
    return _read(path, MANDATE_FILE_BYTES_MAX).strip()


def read_signing_key(path: Path) -> SigningKey:
    """A holder's private key: PEM or JWK."""
    data = _read(path, KEY_FILE_BYTES_MAX)
    if data.lstrip().startswith(b"{"):
        try:
            return SigningKey.from_jwk(msgspec.json.decode(data, type=dict[str, object]))
        except msgspec.DecodeError as error:
            raise MandateInputError(f"{path} holds no JWK") from error
    return SigningKey.from_pem(data)


def _read(path: Path, bytes_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > bytes_max:
        raise FileError(f"{path} is larger than {bytes_max} bytes")
    return data


def _passport(data: DataDir, store: Store, agent: str) -> Passport:
    public = wiring.registry_key(data, SystemEntropy()).public
    passport = PassportStore(store, public=public).find(agent).passport
    if passport.status != "active":
        raise MandateInputError(
            f"the passport of {agent} is {passport.status}",
            fix="'holdfast passport resume' takes back a suspension; nothing a revocation",
        )
    return passport


def _holder_key(asked: Asked, agent: str, issuer: Issuer, *, now: Instant) -> PublicKey:
    """Whose key the mandate confirms: as the file has it, or as the agent's identity proves it."""
    if (asked.key_file is None) == (asked.identity_file is None):
        raise MandateInputError(
            "the agent's key is not known",
            fix="give --key FILE (its public key) or --identity FILE (its WIT), one of them",
        )
    if asked.key_file is not None:
        return read_key_file(asked.key_file)
    assert asked.identity_file is not None
    token = _read(asked.identity_file, WIT_FILE_BYTES_MAX).strip()
    wit = verify_wit(token, Trust([issuer.bundle()]), now=now)
    if wit.subject != agent:
        raise MandateInputError(
            f"the identity is of {wit.subject}, not of {agent}", fix="give the agent's own WIT"
        )
    return wit.key


def _check_free(
    store: Store, passport: Passport, *, tenant: str, key: PublicKey, principal: str | None
) -> None:
    """That nobody is given what would be refused at once."""
    subjects = [
        *subjects_of_holder(passport.sub, tenant=tenant, roll=Roll.of([passport])),
        subject("key", key.thumbprint),
    ]
    if principal is not None:
        subjects.append(subject("principal", principal))
    hit = RevocationStore(store).state().held.find(subjects)
    if hit is not None:
        raise MandateRevokedError(f"the {hit.kind} {hit.name} is revoked")


def _verified(
    issuer: Issuer, token: bytes, tenant: str, *, now: Instant, revoked: RevocationSet
) -> Mandate:
    """As this instance's gateway does."""
    verifier = MandateVerifier(
        gateway_name(issuer.trust_domain, tenant),
        {issuer_name(issuer.trust_domain): issuer.keys()},
    )
    return verifier.verify(token, now=now, revoked=revoked)


def _tenant(data: DataDir) -> str:
    """The tenant of the blueprint in force."""
    for name in data.principals().values():
        tenant = read_spiffe_id(name).tenant
        if tenant is not None:
            return tenant
    raise MandateInputError("the blueprint declares no nodes", fix="declare one")


def _shown(mandate: Mandate) -> MandateShown:
    return MandateShown(
        principal=mandate.principal,
        holder=mandate.holder,
        audience=mandate.audience,
        expires=rfc3339(mandate.expires),
        depth_left=mandate.depth_left,
        txn=mandate.txn,
        hops=tuple(
            HopShown(hop.subject, hop.jti, hop.thumbprint, hop.build, hop.why)
            for hop in mandate.hops
        ),
        authorization_details=tuple(authorities_json(mandate.authorities)),
    )


@contextlib.contextmanager
def _store(data: DataDir) -> Generator[Store]:
    store = wiring.open_store(data)
    try:
        Outbox(store)
        yield store
    finally:
        store.close()
