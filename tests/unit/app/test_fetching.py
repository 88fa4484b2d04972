"""Nothing private is fetched that the operator did not name, whatever a name server or a URL says."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.app.fetching import (
    OVERHEAD_BYTES_MAX,
    Fetcher,
    FetchError,
    FetchRefusedError,
    Target,
)
from holdfast.core import is_public, read_address
from holdfast.world.ports import Address
from holdfast.world.sim import SimLoop, SimNames, SimNetwork, simulate

PUBLIC = "93.184.216.34"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Site:
    """Answers everything in one way, and remembers what it was asked."""

    def __init__(self, answer: bytes = OK, *, closes: bool = False) -> None:
        self.answer = answer
        self.closes = closes
        self.asked: list[bytes] = []

    def protocol(self) -> asyncio.Protocol:
        return _Answering(self)


class _Answering(asyncio.Protocol):
    def __init__(self, site: Site) -> None:
        self._site = site

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._site.asked.append(data)
        self._transport.write(self._site.answer)
        if self._site.closes:
            self._transport.close()


def fetch(
    url: str,
    *,
    sites: dict[tuple[str, int], Site],
    names: dict[str, Sequence[tuple[str, ...]]] | None = None,
    named: Sequence[str] = (),
    bytes_max: int = 1_000,
) -> tuple[bytes, SimNames]:
    resolver = SimNames(names or {})

    async def main(loop: SimLoop) -> bytes:
        network = SimNetwork(loop)
        for (host, port), site in sites.items():
            await network.listen(site.protocol, sock=Address(host=host, port=port))
        fetcher = Fetcher(network=network, names=resolver, named=named)
        return await fetcher.get(url, bytes_max=bytes_max)

    return simulate(1, main), resolver


def test_a_document_is_fetched_from_the_address_that_was_looked_at() -> None:
    site = Site()
    body, names = fetch(
        "https://issuer.example/a?b=c",
        sites={(PUBLIC, 443): site},
        names={"issuer.example": [(PUBLIC,)]},
    )
    assert (body, names.asked) == (b"{}", ["issuer.example"])
    (asked,) = site.asked
    assert asked.startswith(b"GET /a?b=c HTTP/1.1\r\nhost: issuer.example\r\n")
    assert b"cookie" not in asked.lower()
    assert b"authorization" not in asked.lower()


def test_a_name_server_cannot_answer_check_and_use_differently() -> None:
    """DNS rebinding (CVE-2026-44694): the name is looked up once, and that address is used."""
    inside, outside = Site(), Site()
    _, names = fetch(
        "https://rebind.example/",
        sites={(PUBLIC, 443): outside, ("127.0.0.1", 443): inside},
        names={"rebind.example": [(PUBLIC,), ("127.0.0.1",)]},
    )
    assert names.asked == ["rebind.example"]
    assert (len(outside.asked), len(inside.asked)) == (1, 0)


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://0/",
        "https://100.64.0.1/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00:ec2::254]/",
        "https://168.63.129.16/",
        "http://93.184.216.34/",
        "http://127.0.0.1/",
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "https:/etc/passwd",
        "//93.184.216.34/",
        "https://user@93.184.216.34/",
        "https://93.184.216.34#@127.0.0.1/",
        "https://93.184.216.34\\@127.0.0.1/",
        "https://127.0.0.1:443@93.184.216.34/",
        "https://93.184.216.34:0/",
        "https://93.184.216.34:99999/",
        "https://93.184.216.34/\r\nhost: x",
        "https://exämple.org/",
        "https:// 93.184.216.34/",
        "https://" + "a" * 3_000,
        "",
    ],
)
def test_urls_that_point_inside_or_can_be_read_in_two_ways_are_refused(url: str) -> None:
    inside = Site()
    sites = {(host, port): inside for host in ("127.0.0.1", "::1", PUBLIC) for port in (80, 443)}
    with pytest.raises(FetchRefusedError):
        fetch(url, sites=sites)
    assert not inside.asked


PRIVATE = st.ip_addresses().map(str).filter(lambda found: not is_public(read_address(found)))
ANY = st.ip_addresses().map(str)


@given(st.lists(ANY, max_size=3), PRIVATE, st.lists(ANY, max_size=3))
def test_one_private_address_of_a_name_refuses_them_all(
    before: list[str], private: str, after: list[str]
) -> None:
    answer = (*before, private, *after)
    with pytest.raises(FetchRefusedError):
        fetch("https://mixed.example/", sites={}, names={"mixed.example": [answer]})


def test_a_name_with_no_or_too_many_addresses_is_refused() -> None:
    with pytest.raises(FetchRefusedError):
        fetch("https://x.example/", sites={}, names={"x.example": [(PUBLIC,) * 17]})
    with pytest.raises(FetchRefusedError):
        fetch("https://x.example/", sites={}, names={"x.example": [()]})
    with pytest.raises(FetchError):
        fetch("https://unknown.example/", sites={})


def test_an_origin_that_the_operator_names_may_be_private_and_no_other() -> None:
    site = Site()
    known = {"idp.internal": [("10.0.0.7",)]}
    sites = {("10.0.0.7", 8443): site, ("10.0.0.7", 443): site}
    named = ("https://idp.internal:8443/realms/x",)
    body, _ = fetch("https://idp.internal:8443/y", sites=sites, names=known, named=named)
    assert body == b"{}"
    for other in ("https://idp.internal/y", "http://idp.internal:8443/y", "https://10.0.0.7:8443/"):
        with pytest.raises(FetchRefusedError):
            fetch(other, sites=sites, names=known, named=named)


def test_plain_http_is_for_loopback_origins_that_are_named() -> None:
    named = ("http://localhost:9/",)
    site = Site()
    body, _ = fetch(
        "http://localhost:9/x",
        sites={("127.0.0.1", 9): site},
        names={"localhost": [("127.0.0.1",)]},
        named=named,
    )
    assert body == b"{}"
    with pytest.raises(FetchRefusedError):  # a name server that sends loopback's name elsewhere
        fetch("http://localhost:9/x", sites={}, names={"localhost": [("10.0.0.1",)]}, named=named)
    with pytest.raises(FetchRefusedError):
        fetch("http://10.0.0.1/x", sites={}, named=("http://10.0.0.1/",))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    outside = Site(
        b"HTTP/1.1 %d X\r\nlocation: https://127.0.0.1/\r\ncontent-length: 0\r\n\r\n" % status
    )
    inside = Site()
    with pytest.raises(FetchRefusedError):
        fetch(
            "https://hop.example/",
            sites={(PUBLIC, 443): outside, ("127.0.0.1", 443): inside},
            names={"hop.example": [(PUBLIC,)]},
        )
    assert not inside.asked


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize(
    ("answer", "closes"),
    [
        (HEAD + b"content-length: 1001\r\n\r\n" + b"x" * 1001, False),
        (
            HEAD + b"transfer-encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n",
            False,
        ),
        (HEAD + b"\r\n" + b"x" * 1001, True),
        (HEAD + b"x: " + b"y" * (OVERHEAD_BYTES_MAX + 2_000), False),
        (HEAD + b"\r\n" + b"x" * (OVERHEAD_BYTES_MAX + 2_000), True),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n{}", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", False),
        (b"HTTP/1.1 404 X\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}", False),
        (HEAD + b"content-length: 5\r\n\r\n{}", True),
        (b"hello", True),
        (b"", False),
    ],
)
def test_answers_beyond_their_bounds_are_refused(answer: bytes, closes: bool) -> None:
    with pytest.raises(FetchError):
        fetch(
            "https://big.example/",
            sites={(PUBLIC, 443): Site(answer, closes=closes)},
            names={"big.example": [(PUBLIC,)]},
        )


def test_the_next_address_is_tried_where_nobody_answers_at_the_first() -> None:
    other = "93.184.216.35"
    site, never = Site(), Site()
    names = {"two.example": [(PUBLIC, other, "93.184.216.36")]}
    sites = {(other, 443): site, ("93.184.216.36", 443): never}
    assert fetch("https://two.example/", sites=sites, names=names)[0] == b"{}"
    with pytest.raises(FetchError):  # one that answers badly is not one that cannot be reached
        fetch("https://two.example/", sites={**sites, (PUBLIC, 443): Site(b"x")}, names=names)
    assert (len(site.asked), len(never.asked)) == (1, 0)
    with pytest.raises(FetchError):
        fetch("https://two.example/", sites={}, names=names)


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    site = Site()
    fetch("https://a.example/", sites={(PUBLIC, 443): site}, names={"a.example": [(PUBLIC,)]})
    assert site.asked


@given(st.text(max_size=60))
def test_every_text_is_a_target_or_refused(text: str) -> None:
    read: Callable[[str], Target] = Target.parse
    for url in (text, f"https://{text}", f"https://{text}/x"):
        try:
            target = read(url)
        except FetchRefusedError:
            continue
        assert target.scheme in {"http", "https"}
        assert read(target.origin + target.path).origin == target.origin
