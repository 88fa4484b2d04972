"""What is believed of a request: where it leads afterwards, its cookies, its form."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.faces.entry import cookie, safe_next
from holdfast.faces.entry.buckets import Buckets
from holdfast.faces.entry.safety import parse_form, sign_in_path
from holdfast.faces.errors import FormError

ANYTHING = st.text(max_size=80) | st.text("/\\.:@?#%a\t\n\r ", max_size=20)


@given(ANYTHING)
def test_where_it_leads_after_signing_in_is_always_this_console(path):
    found = safe_next(path)
    assert found.isascii()
    assert found.isprintable()
    # As browsers read it: a backslash is a slash, tabs and line ends are nothing.
    seen = found.replace("\\", "/")
    assert urlsplit(urljoin("https://console.example/sign-in", seen)).netloc == "console.example"
    assert found.startswith("/")
    assert not found.startswith("//")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "\\\\evil.example",
        "/a b",
        "/a\r\nset-cookie: x=y",
        "/sign-out",
        "/sign-in?token=x",
        "/" + "a" * 600,
        "",
    ],
)
def test_what_leads_elsewhere_leads_to_the_first_page(path):
    assert safe_next(path) == "/"


@pytest.mark.parametrize("path", ["/", "/calls", "/calls?a=b&c=%2F", "/calls#x", "/log/7"])
def test_a_path_of_this_console_is_kept(path):
    assert safe_next(path) == path


@given(ANYTHING, ANYTHING)
def test_the_way_to_the_sign_in_page_carries_nothing_but_a_path(path, query):
    found = sign_in_path("/" + path, query)
    assert found == "/sign-in" or found.startswith("/sign-in?next=%2F")
    assert "&" not in found


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("a=1; b=2", "1"),
        ("b=2;a=1", "1"),
        ("a=1; a=1", None),
        ("a=1; b=2; a=3", None),
        ("b=2", None),
        ("", None),
        ("aa=1; xa=2", None),
        ("a=", ""),
        ("a=x=y", "x=y"),
    ],
)
def test_a_cookie_that_stands_twice_is_none(header, found):
    assert cookie(header, "a") == found


@pytest.mark.parametrize("body", [b"a=1&a=2", b"\xff=1", b"a=%ff", b"&".join([b"a=1"] * 40)])
def test_a_form_that_two_readers_might_read_differently_is_refused(body):
    with pytest.raises(FormError):
        parse_form(body)


class Still:
    """A clock that tests turn."""

    at = 0.0

    def now(self):
        raise AssertionError

    def monotonic(self):
        return self.at


def test_a_bucket_takes_a_burst_and_then_its_rate():
    clock = Still()
    buckets = Buckets(clock, per_s=0.5, burst=3)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 2.0]
    assert buckets.take("b") == 0
    clock.at = 2.0
    assert [buckets.take("a") == 0 for _ in range(2)] == [True, False]
    clock.at = 1_000.0
    assert [buckets.take("a") == 0 for _ in range(4)] == [True, True, True, False]


def test_the_table_of_buckets_is_bounded():
    buckets = Buckets(Still(), per_s=1, burst=1, keys_max=10)
    for number in range(50):
        assert buckets.take(str(number)) == 0
    assert len(buckets._held) == 10
