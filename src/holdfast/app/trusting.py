"""Whom workers are to believe about identities: the issuer's keys, and federated trust domains.

The keeper reads the issuer's keys from the data directory, rotates them when that is due, and tells
every worker, over a channel that nobody else holds an end of.
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog

from holdfast.app.channel import Message, TrustNews
from holdfast.app.datadir import DataDir
from holdfast.app.issuing import open_issuer
from holdfast.app.sockets import StartError
from holdfast.core import HoldfastError
from holdfast.identity import IdentityError, read_bundle
from holdfast.identity.issuer import Issuer
from holdfast.world.ports import Clock, Entropy

ROTATE_S = 600.0
"""How often the issuer's keys are looked at."""
BUNDLE_BYTES_MAX = 1_048_576

log = structlog.get_logger("holdfast.trust")


class Federated(msgspec.Struct, frozen=True):
    """A foreign trust domain and its SPIFFE bundle."""

    trust_domain: str
    bundle: bytes


class TrustPlan(msgspec.Struct, frozen=True):
    """What ``holdfast up`` was told: our own addresses, and whom else to believe."""

    origins: tuple[str, ...] = ()
    federated: tuple[Federated, ...] = ()


NO_PLAN = TrustPlan()


def plan_trust(origins: tuple[str, ...], federated: tuple[str, ...]) -> TrustPlan:
    """What the command line says; ``StartError`` where it makes no sense."""
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise StartError(
                f"'{origin[:200]}' is no address of a gateway",
                fix="write --origin https://HOST[:PORT], without a path",
            )
    return TrustPlan(origins, _read_federated(federated))


def _read_federated(pairs: Iterable[str]) -> tuple[Federated, ...]:
    """From ``DOMAIN=FILE`` words."""
    found: list[Federated] = []
    for pair in pairs:
        domain, _, name = pair.partition("=")
        try:
            with Path(name).open("rb") as file:
                bundle = file.read(BUNDLE_BYTES_MAX + 1)
            read_bundle(domain, bundle)
        except (OSError, IdentityError) as error:
            raise StartError(
                f"'{pair[:200]}' names no trust bundle: {error}",
                fix="write --federate DOMAIN=FILE, with the SPIFFE bundle of that domain",
            ) from error
        found.append(Federated(domain, bundle))
    return tuple(found)


def origins_of(url: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """Under which addresses callers reach the gateway at ``url``: as told, else loopback's names."""
    if given:
        return tuple(each.rstrip("/") for each in given)
    scheme, _, address = url.partition("://")
    port = address.rpartition(":")[2]
    names = dict.fromkeys((url, *(f"{scheme}://{h}:{port}" for h in ("127.0.0.1", "localhost"))))
    return tuple(names)


class Warden:
    """Keeps the issuer's keys fresh, and tells the workers whom to believe."""

    def __init__(
        self,
        data: DataDir,
        *,
        trust_domain: str,
        tenant: str,
        plan: TrustPlan,
        url: str,
        clock: Clock,
        entropy: Entropy,
        announce: Callable[[Message], None],
    ) -> None:
        self._data = data
        self._domain = trust_domain
        self._tenant = tenant
        self._plan = plan
        self._origins = origins_of(url, plan.origins)
        self._clock = clock
        self._entropy = entropy
        self._announce = announce
        self._issuer = self._open()

    def greeting(self) -> tuple[Message, ...]:
        """What a new worker must know."""
        bundles = {each.trust_domain: each.bundle for each in self._plan.federated}
        return (TrustNews(self._issuer.encode(), self._tenant, self._origins, bundles),)

    async def serve(self) -> None:
        """Rotate keys when that is due, for ever."""
        while True:
            await asyncio.sleep(ROTATE_S)
            try:
                issuer = await asyncio.to_thread(self._open)
            except HoldfastError as error:
                log.error("issuer.stuck", reason=str(error))
                continue
            if issuer.sequence != self._issuer.sequence:
                self._issuer = issuer
                for message in self.greeting():
                    self._announce(message)
                log.info("issuer.rotated", sequence=issuer.sequence)

    def _open(self) -> Issuer:
        return open_issuer(self._data, self._domain, clock=self._clock, entropy=self._entropy)
