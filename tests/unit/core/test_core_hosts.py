"""Hosts have one spelling, and what is not the public internet is known, however it is wrapped."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import HostError, is_public, read_address, read_host

V4 = st.ip_addresses(v=4).map(lambda found: IPv4Address(str(found)))
V6 = st.ip_addresses(v=6).map(lambda found: IPv6Address(str(found)))


def spellings(address: IPv4Address) -> list[str]:
    """What C libraries and browsers also take for this address (inet_aton, WHATWG URL)."""
    number = int(address)
    a, b, c, d = address.packed
    return [
        str(number),
        hex(number),
        f"0{number:o}",
        f"0x{a:x}.{b}.{c}.{d}",
        f"0{a:o}.{b}.{c}.{d}",
        f"{a}.{(b << 16) + (c << 8) + d}",
        f"{a}.{b}.{(c << 8) + d}",
        f"{a}.{b}.{c}.0{d:o}",
        f"{a}.{b}.{c}.{d}.",
        f"{a:03}.{b}.{c}.{d}x"[:-1] if a < 100 else f"0{a}.{b}.{c}.{d}",
    ]


@given(V4)
def test_an_address_is_read_in_its_canonical_form_only(address: IPv4Address) -> None:
    assert read_host(str(address)) == address
    for other in spellings(address):
        with pytest.raises(HostError):
            read_host(other)


@given(st.text(alphabet="0123456789abcdefx.X", max_size=40))
def test_what_a_c_library_takes_for_an_address_is_never_a_name(text: str) -> None:
    try:
        packed = socket.inet_aton(text)
    except OSError:
        return
    try:
        host = read_host(text)
    except HostError:
        return
    assert host == IPv4Address(packed)


@given(V6)
def test_an_ipv6_address_stands_in_brackets_and_has_no_zone(address: IPv6Address) -> None:
    assert read_host(f"[{address}]") == address
    for other in (str(address), f"[{address}%eth0]", f"[{address}", f"{address}]"):
        with pytest.raises(HostError):
            read_host(other)


@given(st.one_of(V4, V6))
def test_what_is_public_is_global_by_the_registries_too(address: IPv4Address | IPv6Address) -> None:
    if is_public(address) and address not in ip_network("64:ff9b::/96"):
        assert ip_address(str(address)).is_global


@given(V4)
def test_no_wrapping_makes_an_address_more_public_than_it_is(address: IPv4Address) -> None:
    number = int(address)
    mapped, compatible = IPv6Address((0xFFFF << 32) + number), IPv6Address(number)
    six_to_four = IPv6Address((0x2002 << 112) + (number << 80))
    nat64 = IPv6Address((0x64FF9B << 96) + number)
    assert not is_public(mapped)
    assert not is_public(compatible)
    assert not is_public(six_to_four)
    assert is_public(nat64) == is_public(address)


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "198.18.0.1"),
        *("224.0.0.1", "255.255.255.255", "192.0.2.1", "198.51.100.7", "203.0.113.9"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "fe80::1", "fd00:ec2::254", "ff02::1"),
        *("2001:db8::1", "2001::1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1"),
    ],
)
def test_special_addresses_are_not_public(text: str) -> None:
    assert not is_public(read_address(text))


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "9.255.255.255", "2606:4700::1111", "64:ff9b::101:101"]
)
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert is_public(read_address(text))


@pytest.mark.parametrize(
    "text",
    ["", ".", "a..b", "a.", "-a", "a-", "exämple.org", "a b", "a%2e", "x" * 64, "a/b", "a:1"],
)
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(HostError):
        read_host(text)


def test_names_are_in_lower_case() -> None:
    assert read_host("WWW.Example.ORG") == "www.example.org"
