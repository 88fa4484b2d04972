"""A prefix holds: no spelling of a path gets out of it."""

import posixpath
from urllib.parse import unquote, urljoin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.identity.authority import ArgumentLimit, canonical_location, one_of, read_path

DOCS = ArgumentLimit(prefix="/docs/a")
SITE = ArgumentLimit(prefix="https://a.example/docs")


@pytest.mark.parametrize(
    "inside",
    ["/docs/a", "/docs/a/", "/docs/a/b.txt", "/docs//a///b", "/docs/a/b c", "/docs/a/ü%20x"],
)
def test_the_prefix_itself_and_what_is_below_it_are_inside(inside):
    assert DOCS.permits(inside)


@pytest.mark.parametrize(
    "outside",
    [
        "/docs",
        "/docs/ab",
        "/docs/A",
        "docs/a",
        "//docs/a",
        "/docs/a/../b",
        "/docs/a/./b",
        "/docs/a/..",
        "/docs/a/.. /b",
        "/docs/a/...",
        "/docs/a/..;x=1/b",
        "/docs/a/%2e%2e/b",
        "/docs/a/%2E./b",
        "/docs/a/..%2fb",
        "/docs/a%2fb",
        "/docs/a%2f../b",
        "/docs/a/%252e%252e/b",
        "/docs/a/%c0%ae%c0%ae/b",
        "/docs/a/%ef%bc%8e%ef%bc%8e/b",
        "/docs/a/\uff0e\uff0e/b",
        "/docs/a/x\uff0f..\uff0fb",
        "/docs/a\\..\\b",
        "/docs/a/%5c..",
        "/docs/a/b\x00",
        "/docs/a/%00",
        "/docs/a/b\n",
        "/docs/a/%0a",
        "/docs/%61/b",
        "/docs/a/100%",
        "/docs/a/%zz",
        "/docs/a/" + "b" * 3000,
        "",
        "file:///docs/a/b",
        1,
        True,
        None,
        ["/docs/a"],
    ],
)
def test_what_is_elsewhere_or_reads_two_ways_is_outside(outside):
    assert not DOCS.permits(outside)


@pytest.mark.parametrize(
    ("address", "is_inside"),
    [
        ("https://a.example/docs", True),
        ("https://a.example//docs/x?y=1", True),
        ("https://a.example/docs?y=1", False),
        ("https://a.example/docsx", False),
        ("https://a.example@evil.example/docs", False),
        ("https://a.example.evil.example/docs", False),
        ("https://a.example:444/docs", False),
        ("http://a.example/docs", False),
        ("https:///a.example/docs", False),
        ("https:/a.example/docs", False),
        ("https://a.example/docs/x?u=/../y", False),
        ("https://../docs", False),
        ("/docs", False),
    ],
)
def test_an_address_is_inside_only_on_its_own_host(address, is_inside):
    assert SITE.permits(address) is is_inside


_pieces = st.sampled_from(
    ["docs", "a", "b", "..", ".", "/", "//", "%2e", "%2f", "%25", "%", ";", " ", "\\", "x", ".%2e"]
)


@given(st.lists(_pieces, max_size=9).map("".join))
@example("docs/a/..")
def test_a_path_inside_stays_inside_however_a_tool_reads_it(tail):
    value = "/docs/a" + tail
    if not DOCS.permits(value):
        return
    twice = unquote(unquote(value))
    for reading in (value, unquote(value), twice, twice.replace("\\", "/")):
        settled = posixpath.normpath(reading)
        assert settled == "/docs/a" or settled.startswith("/docs/a/")
        assert urljoin("https://h/", reading).startswith("https://h/docs/a") or "//" in reading


@given(st.text(max_size=30))
def test_a_path_that_is_read_is_read_the_same_from_its_one_spelling(text):
    path = read_path(text)
    if path is not None and path.text:
        assert read_path(path.text) == path


def test_values_are_told_apart_by_their_json():
    limit = one_of(1, "x")
    assert [limit.permits(value) for value in (1, True, 1.0, "1", "x", "\ud800", 2**60)] == [
        True,
        False,
        False,
        False,
        True,
        False,
        False,
    ]


def test_a_maximum_refuses_negative_numbers_and_what_is_no_number():
    limit = ArgumentLimit(most=10)
    values = (0, 10, 2.5, 11, -1, 10.01, float("nan"), float("inf"), True, "5", None)
    assert [limit.permits(value) for value in values] == [True] * 3 + [False] * 8


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("HTTPS://A.Example/", "https://a.example"),
        ("https://a.example:443/Mcp/", "https://a.example/Mcp"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:80", "http://[::1]"),
        ("spiffe://hf/t/x/tool/docs", "spiffe://hf/t/x/tool/docs"),
    ],
)
def test_a_location_has_one_spelling(text, canonical):
    assert canonical_location(text) == canonical
    assert canonical_location(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.example",
        "https://",
        "https://a/b?c",
        "https://a/b#c",
        "https://u@a",
        "https://a/../b",
    ],
)
def test_what_is_no_location_is_refused(text):
    with pytest.raises(ValueError, match="is no URI"):
        canonical_location(text)
