"""What the sign-in page says. Pure."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from holdfast.core import HoldfastError


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLink:
    """One way in."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """``ticket`` is the secret of a one-time link, to be sent by a button; ``is_plain`` tells that
    the browser will keep no session here, ``is_open`` that one can look without."""

    ticket: str
    next: str
    providers: tuple[ProviderLink, ...]
    version: str
    visitor: str | None
    csrf: str
    is_plain: bool
    is_open: bool
    error: HoldfastError | None = None


def provider_links(issuers: tuple[str, ...], after: str) -> tuple[ProviderLink, ...]:
    return tuple(
        ProviderLink(
            name=urlsplit(issuer).netloc or issuer,
            path=f"/sign-in/begin?issuer={quote(issuer, safe='')}&next={quote(after, safe='')}",
        )
        for issuer in issuers
    )
