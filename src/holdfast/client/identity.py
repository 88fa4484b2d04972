"""An identity that an agent keeps: its key, its WIT, the mandate it works under."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from holdfast.client.certificates import context
from holdfast.client.errors import MandateMissingError, OriginError
from holdfast.client.extras import wanted
from holdfast.client.flows import Signer
from holdfast.client.held import Authorized, Held, authorized, held, read_wit
from holdfast.client.keyfiles import make_key, read_key, read_wit_file, write_wit_file
from holdfast.client.origins import origin_of
from holdfast.client.renewing import Renewing
from holdfast.client.sources import Renew, Renewed
from holdfast.client.talking import Asked, Proofs, Talking
from holdfast.core import Instant, rfc3339
from holdfast.identity import PublicKey, SigningKey
from holdfast.identity.authority import Authority, authorities_from_json
from holdfast.identity.mandates import delegate
from holdfast.world.ports import Clock, Entropy
from holdfast.world.real import SystemClock, SystemEntropy

if TYPE_CHECKING:
    import httpx
    import httpx2

DELEGATION_S = 300
"""The life of a delegated mandate where the developer says nothing."""


class _Entropy(SystemEntropy):
    """Never twice the same, also in processes that were forked from one that had an identity."""

    def noise(self, size: int) -> bytes:
        return self.secret(size)


class Identity:
    """Who an agent is, for any number of threads and tasks.

    The key never leaves it. The WIT is replaced before it ends. Credentials go to the ``gateway``
    and nowhere else.
    """

    __slots__ = ("_clock", "_entropy", "_gateway", "_mandate", "_wits")

    def __init__(
        self,
        wits: Renewing[Held],
        *,
        clock: Clock,
        entropy: Entropy,
        gateway: str | None = None,
        mandate: Renewing[Authorized] | None = None,
    ) -> None:
        self._wits = wits
        self._clock = clock
        self._entropy = entropy
        self._gateway = None if gateway is None else origin_of(gateway)
        self._mandate = mandate

    # -- where it comes from ------------------------------------------------------------------

    @classmethod
    def load(
        cls, path: str | Path, *, gateway: str | None = None, renew: Renew | None = None
    ) -> "Identity":
        """The identity whose key is in the file ``path``, readable by its owner alone.

        The WIT stands in the file beside it that ends in ``.wit``. ``renew`` gives a newer one,
        which is written there; without it somebody else does, and the file is read again.
        """
        key_file = Path(path)
        return cls._of_file(key_file, read_key(key_file), gateway, renew)

    @classmethod
    def create(
        cls, path: str | Path, *, gateway: str | None = None, renew: Renew | None = None
    ) -> "Identity":
        """An identity with a new key in the file ``path``, which must not exist yet."""
        key_file = Path(path)
        return cls._of_file(key_file, make_key(key_file, _Entropy()), gateway, renew)

    @classmethod
    def renewed_by(cls, renew: Callable[[], Renewed], *, gateway: str | None = None) -> "Identity":
        """An identity whose keys come with it, such as SPIRE's; nothing is written to disk."""
        clock = SystemClock()
        wits = Renewing(lambda: _with_key(renew()), clock, what="the identity")
        return cls(wits, clock=clock, entropy=_Entropy(), gateway=gateway)

    @classmethod
    def _of_file(
        cls, path: Path, key: SigningKey, gateway: str | None, renew: Renew | None
    ) -> "Identity":
        wit_file = path.with_suffix(".wit")

        def read() -> Held:
            return held(read_wit_file(wit_file, key=path), key)

        def ask() -> Held:
            assert renew is not None
            said = renew()
            if isinstance(said, Renewed):
                return _with_key(said)
            fresh = held(read_wit(said), key)
            write_wit_file(wit_file, fresh.wit)
            return fresh

        source = read if renew is None else ask
        first = read() if wit_file.exists() else None
        clock = SystemClock()
        wits = Renewing(source, clock, what="the identity", first=first)
        return cls(wits, clock=clock, entropy=_Entropy(), gateway=gateway)

    # -- who it is ----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Its SPIFFE ID."""
        return self._wits.take().name

    @property
    def public_key(self) -> dict[str, str]:
        """The public half of its key as JWK: what others need to delegate to it."""
        return self._wits.take().key.public.jwk()

    @property
    def expires(self) -> Instant:
        """The end of the WIT that is held now, in microseconds since 1970."""
        return self._wits.take().expires

    # -- what it may do -----------------------------------------------------------------------

    def with_mandate(self, chain: bytes | str | Callable[[], bytes | str]) -> "Identity":
        """The same identity, working under a mandate. A callable is asked for a newer chain before
        the one in use ends."""
        source = chain if callable(chain) else None
        first = None if callable(chain) else self._own(chain)

        def renew() -> Authorized:
            if source is None:
                assert first is not None
                return first
            return self._own(source())

        mandate = Renewing(renew, self._clock, what="the mandate", first=first)
        return Identity(
            self._wits,
            clock=self._clock,
            entropy=self._entropy,
            gateway=self._gateway,
            mandate=mandate,
        )

    def _own(self, chain: bytes | str) -> Authorized:
        found = authorized(chain.encode() if isinstance(chain, str) else chain)
        if found.thumbprint != self._wits.take().key.public.thumbprint:
            raise MandateMissingError(
                "the mandate was given to another key than this identity's",
                fix="let it be delegated to this identity's public_key",
            )
        return found

    def delegate(
        self,
        *,
        to: str,
        key: Mapping[str, str] | bytes,
        authority: Sequence[Authority | Mapping[str, object]],
        ttl: float = DELEGATION_S,
        build: str | None = None,
        why: str | None = None,
    ) -> bytes:
        """A chain that gives ``to``, whose public key (JWK or PEM) is ``key``, a part of what this
        identity's mandate allows: never more, and never for longer. Made here; nobody is asked.

        ``why`` stands in the log for people to read.
        """
        if self._mandate is None:
            raise MandateMissingError(
                "an identity without a mandate has nothing to delegate",
                fix="use with_mandate(chain) first",
            )
        return delegate(
            self._mandate.take().chain,
            self._wits.take().key,
            to=to,
            key=PublicKey.from_pem(key) if isinstance(key, bytes) else PublicKey.from_jwk(key),
            authority=_authorities(authority),
            ttl_s=int(ttl),
            now=self._clock.now(),
            entropy=self._entropy,
            build=build,
            why=why,
        )

    # -- how it shows itself ------------------------------------------------------------------

    def httpx_auth(self, *, proofs: Proofs = "session") -> "httpx.Auth":
        """For ``httpx.Client(auth=...)`` of your own."""
        with wanted("httpx"):
            from holdfast.client.with_httpx import HttpxAuth  # noqa: PLC0415 - an extra
        return HttpxAuth(self._signer(self._gateway, proofs))

    def httpx_client(
        self,
        *,
        base_url: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_s: float | None = None,
        proofs: Proofs = "session",
    ) -> "httpx.Client":
        """A client of ``httpx`` for the gateway, which ``base_url`` names where ``load`` did not."""
        with wanted("httpx"):
            from holdfast.client.with_httpx import make_client  # noqa: PLC0415 - an extra
        url, signer = self._for(base_url, proofs)
        return make_client(signer, base_url=url, tls=tls, timeout_s=timeout_s)

    def httpx_async_client(
        self,
        *,
        base_url: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_s: float | None = None,
        proofs: Proofs = "session",
    ) -> "httpx.AsyncClient":
        """The same for tasks."""
        with wanted("httpx"):
            from holdfast.client.with_httpx import make_async_client  # noqa: PLC0415 - an extra
        url, signer = self._for(base_url, proofs)
        return make_async_client(signer, base_url=url, tls=tls, timeout_s=timeout_s)

    def httpx2_auth(self, *, proofs: Proofs = "session") -> "httpx2.Auth":
        """For ``httpx2.Client(auth=...)`` of your own."""
        with wanted("httpx2"):
            from holdfast.client.with_httpx2 import Httpx2Auth  # noqa: PLC0415 - an extra
        return Httpx2Auth(self._signer(self._gateway, proofs))

    def httpx2_client(
        self,
        *,
        base_url: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_s: float | None = None,
        proofs: Proofs = "session",
    ) -> "httpx2.Client":
        """A client of ``httpx2``, as the OpenAI SDK uses it from version 3 on."""
        with wanted("httpx2"):
            from holdfast.client.with_httpx2 import make_client  # noqa: PLC0415 - an extra
        url, signer = self._for(base_url, proofs)
        return make_client(signer, base_url=url, tls=tls, timeout_s=timeout_s)

    def httpx2_async_client(
        self,
        *,
        base_url: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_s: float | None = None,
        proofs: Proofs = "session",
    ) -> "httpx2.AsyncClient":
        """The same for tasks, as the MCP SDK uses it from version 2 on."""
        with wanted("httpx2"):
            from holdfast.client.with_httpx2 import make_async_client  # noqa: PLC0415 - an extra
        url, signer = self._for(base_url, proofs)
        return make_async_client(signer, base_url=url, tls=tls, timeout_s=timeout_s)

    def headers(
        self, method: str, url: str, *, body: bytes = b"", content_type: str | None = None
    ) -> dict[str, str]:
        """The fields to add to one request of any other client, with a proof that is good once and
        for a minute. ``body`` is what is sent, to the byte."""
        if self._gateway not in {None, origin_of(url)}:
            raise OriginError(
                f"{origin_of(url)} is not the gateway of this identity",
                fix=f"send credentials to {self._gateway} only",
            )
        parts = urlsplit(url)
        asked = Asked(
            method=method.upper(),
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers={} if content_type is None else {"content-type": content_type},
            body=body,
        )
        return dict(next(self._talking(origin_of(url), "wpt").talk(asked)).headers)

    def mtls_context(
        self, certificate: str | Path | bytes, *, roots: str | Path | None = None
    ) -> ssl.SSLContext:
        """For mutual TLS with an X.509-SVID (PEM, a file or its text) of this identity's key.

        ``roots`` are the authorities that the gateway's own certificate is verified by; without it
        the machine's. Give the context as ``tls``, with ``proofs="mtls"``.
        """
        return context(certificate, self._wits.take().key, roots=roots)

    def _for(self, base_url: str | None, proofs: Proofs) -> tuple[str, Signer]:
        if base_url is None:
            return self._gateway or "", self._signer(self._gateway, proofs)
        origin = origin_of(base_url)
        if self._gateway not in {None, origin}:
            raise OriginError(
                f"{origin} is not the gateway that this identity was loaded for",
                fix=f"load it without a gateway, or use {self._gateway}",
            )
        return base_url, self._signer(origin, proofs)

    def _signer(self, origin: str | None, proofs: Proofs) -> Signer:
        if origin is None:
            raise OriginError(
                "where the credentials may go is not known",
                fix="load the identity with gateway='https://...', or give a base_url",
            )
        return Signer(self._talking(origin, proofs), is_due=self._is_due, renew=self._take)

    def _talking(self, origin: str, proofs: Proofs) -> Talking:
        return Talking(
            origin, take=self._take, clock=self._clock, entropy=self._entropy, proofs=proofs
        )

    def _take(self) -> tuple[Held, Authorized | None]:
        return self._wits.take(), None if self._mandate is None else self._mandate.take()

    def _is_due(self) -> bool:
        return self._wits.is_due() or (self._mandate is not None and self._mandate.is_due())

    def __repr__(self) -> str:
        newest = self._wits.newest
        who = "not issued yet" if newest is None else newest.name
        until = "" if newest is None else f", until {rfc3339(newest.expires)}"
        under = "" if self._mandate is None else ", under a mandate"
        return f"Identity({who}{until}{under})"


def _with_key(said: Renewed) -> Held:
    return held(read_wit(said.wit), SigningKey.from_pem(said.key))


def _authorities(given: Sequence[Authority | Mapping[str, object]]) -> list[Authority]:
    found: list[Authority] = []
    for each in given:
        found += [each] if isinstance(each, Authority) else authorities_from_json([each])
    return found
