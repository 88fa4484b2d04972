"""What a worker knows of identities: who is believed, who is revoked, under which names we are."""

from collections.abc import Iterable

from holdfast.core import Instant
from holdfast.identity import Trust, TrustBundle, gateway_name, issuer_name
from holdfast.identity.callers import Caller, Callers, Shown
from holdfast.identity.issuer import Issuer
from holdfast.identity.mandates import MandateVerifier
from holdfast.identity.passports import Passports
from holdfast.identity.proofs import ReplayCache, Sessions
from holdfast.identity.proofs import Request as Proven
from holdfast.identity.revocation import Revocations
from holdfast.identity.x509 import verify_x509_svid
from holdfast.wire import Request
from holdfast.world.ports import Clock, Marks

IDENTITY_FIELDS = frozenset(
    (
        *(b"workload-identity-token", b"workload-proof-token", b"holdfast-mandate"),
        *(b"dpop", b"signature", b"signature-input"),
    )
)
"""Header fields of identities other than API keys."""


class Identities:
    """Held by the gateway and read at every call.

    Until ``believe`` was called there is no issuer, and API keys are all there is. ``origins`` are
    our own addresses, as callers name them. ``session_root`` is the secret of all workers, and
    ``marks`` are theirs together too: so a proof is good once.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        session_root: bytes,
        revocations: Revocations | None = None,
        passports: Passports | None = None,
        marks: Marks | None = None,
    ) -> None:
        self.revocations = revocations or Revocations.unfed()
        self.passports = passports or Passports()
        self.sessions = Sessions(session_root)
        self.issuer: Issuer | None = None
        self.mandates: MandateVerifier | None = None
        self._clock = clock
        self._replays = ReplayCache(marks)
        self._origins: tuple[str, ...] = ()
        self._callers: Callers | None = None

    def believe(
        self,
        issuer: Issuer,
        *,
        tenant: str,
        origins: tuple[str, ...],
        federated: Iterable[TrustBundle] = (),
    ) -> None:
        """From the next call on these keys count, and no others: what was verified by older ones is
        verified anew."""
        domain = issuer.trust_domain
        trust = Trust([issuer.bundle(), *federated])
        mandates = MandateVerifier(
            gateway_name(domain, tenant), {issuer_name(domain): issuer.keys()}
        )

        def shown(certificate: bytes, *, now: Instant) -> Shown:
            svid = verify_x509_svid((certificate,), trust, now=now)
            return Shown(
                subject=svid.subject,
                thumbprint=svid.key.thumbprint,
                expires=svid.expires,
                serial=svid.x5t[:16],
            )

        self.issuer, self.mandates, self._origins = issuer, mandates, origins
        self._callers = Callers(
            trust,
            mandates=mandates,
            sessions=self.sessions,
            replays=self._replays,
            revocations=self.revocations,
            passports=self.passports,
            certificates=shown,
        )

    def identify(self, request: Request) -> Caller | None:
        """The caller that the request proves to be from; None where it shows no more than a key.
        A ``TokenError`` says why a caller is not believed.
        """
        if self._callers is None:
            return None
        proven = Proven(
            method=request.method.decode("ascii", "replace"),
            target=request.target.decode("ascii", "replace"),
            origins=self._origins,
            headers=request.headers,
            body=request.body,
        )
        return self._callers.identify(proven, request.certificate, now=self._clock.now())

    def is_revoked(self, caller: Caller) -> bool:
        """Whether the caller, or anybody it holds its authority from, was revoked since."""
        return self.revocations.current.find(caller.subjects) is not None

    def has_ended(self, caller: Caller) -> bool:
        """Whether the first of its credentials has ended."""
        return caller.expires <= self._clock.now()

    def is_stale(self) -> bool:
        """Whether what is revoked may have changed without our hearing of it: nothing that changes
        the world goes out then."""
        return self.revocations.freshness(self._clock.now()) != "fresh"
