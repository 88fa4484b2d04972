"""Whom a worker believes about identities: what the keeper tells it of keys and trust domains.

A module of its own, so that a worker does not load what the keeper makes it with.
"""

from urllib.parse import urlsplit

from holdfast.app.channel import TrustNews
from holdfast.gateway import Identities
from holdfast.identity import read_bundle
from holdfast.identity.issuer import Issuer


def adopt_trust(identities: Identities, news: TrustNews) -> None:
    """From now on the worker believes what the news says, and nothing else."""
    identities.believe(
        Issuer.decode(news.issuer),
        tenant=news.tenant,
        origins=news.origins,
        federated=[read_bundle(domain, bundle) for domain, bundle in news.federated.items()],
    )


def hosts_of(origins: tuple[str, ...]) -> frozenset[str]:
    """The names of the machine in our own addresses."""
    return frozenset(host for each in origins if (host := urlsplit(each).hostname))
