"""Egress: what leads a tool inside is refused in whatever form it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.blueprint import Egress
from holdfast.core import JsonValue, is_public, read_address
from holdfast.guards import EGRESS_DEPTH_MAX, find_stray

PUBLIC = (Egress(),)
INSIDE = (
    *("127.0.0.1", "localhost", "LOCALHOST.", "app.localhost", "10.0.0.1", "192.168.1.1"),
    *("172.16.0.1", "169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "metadata"),
    *("100.64.0.1", "100.100.100.200", "168.63.129.16", "0.0.0.0", "[::1]", "[::]", "[fe80::1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]"),
    *("127.1", "0x7f000001", "0x7f.1", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.1."),
    *("\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "\u24db\u24de\u24d2alhost"),
    *("169.254.169\u00ad.254", "%31%32%37.0.0.1", "127.0.0.1%00.example.com", "printer"),
    *("10.0.0.1.nip.io", "app.localtest.me", "db.corp", "kubernetes.default.svc"),
)


def why(value: JsonValue, *rules: Egress, name: str = "text") -> str | None:
    stray = find_stray({name: value}, rules or PUBLIC)
    return None if stray is None else stray.why


@pytest.mark.parametrize("host", INSIDE)
@pytest.mark.parametrize(
    "form",
    [
        *("http://{}/", "https://{}:8443/x", "HTTP://{}", "http:\\\\{}\\x", "http:/{}/x"),
        *("see http://{}/x, and so on", '{{"url": "http:\\/\\/{}\\/x"}}', " \x00http://{}/"),
        *("ht\ntp://{}/", "https://example.com/?u=http://{}/", "(http://{})", "jar:http://{}/a!/"),
        "https://example.com/?u=http%3A%2F%2F{}%2F",
    ],
)
def test_no_text_holds_a_url_that_leads_inside(form: str, host: str) -> None:
    assert why(form.format(host)) is not None


@pytest.mark.parametrize("host", INSIDE)
@pytest.mark.parametrize(
    "name", ["url", "targetUrl", "image_uri", "endpoint", "host", "webhook", "callback", "baseurl"]
)
def test_an_argument_that_names_an_address_is_read_as_a_bare_host_too(name: str, host: str) -> None:
    is_lone = host == "printer"
    if is_lone and name != "host":
        return  # a lone word is a host only where hosts are asked for
    for form in ("{}", "{}:8080", "{}/latest/meta-data", "//{}/x", "http:{}", "user@{}"):
        assert why(form.format(host), name=name) is not None, form


@pytest.mark.parametrize(
    "url",
    [
        "http://good.example.com@169.254.169.254/",
        "http://169.254.169.254@good.example.com/",
        "http://good.example.com\\@169.254.169.254/",
        "http://good.example.com#@169.254.169.254/",
        "http://good.example.com?@169.254.169.254/",
        "http://good.example.com:80\t@169.254.169.254/",
        'http://a"b@169.254.169.254/',
        f"http://{'a' * 3000}@169.254.169.254/",
        f"http://{'a.' * 600}@169.254.169.254/",
    ],
)
def test_what_two_readers_take_for_two_hosts_is_refused(url: str) -> None:
    assert why(url) is not None
    assert why(url, name="url") is not None
    assert why(f"{url} ".replace("\t", " "), name="url") is not None


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://example.com:70/_x", "ftp://example.com/x",
            "dict://example.com:11211/", "ldap://example.com/", "php://filter/x", "FILE:/etc/passwd",
            "url:file:///etc/passwd"],
)  # fmt: skip
def test_schemes_that_are_not_the_webs_are_refused_in_any_text(url: str) -> None:
    assert why(url) is not None
    assert why(f"read {url} please") is not None


@pytest.mark.parametrize(
    "url",
    ["data:text/html,hi", "javascript:alert(1)", "file:etc/passwd", "s3://bucket/x", "urn:x:y"],
)
def test_an_address_has_a_scheme_that_is_named(url: str) -> None:
    assert why(url, name="url") is not None
    scheme = url.partition(":")[0]
    assert why(url, Egress(schemes=(scheme,)), name="url") is None or scheme == "s3"
    assert why("http://example.com/", Egress(schemes=("https",)), name="url") is not None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("text", "See https://example.com/a?b=c#d, http://1.1.1.1/ and (https://b\u00fccher.de)."),
        ("url", "https://example.com:8443/"),
        ("url", "example.com/path"),
        ("url", "/relative/path"),
        ("url", "page.html"),
        ("host", "[2606:4700::1111]"),
        ("host", "2606:4700::1111"),
        ("callback", "onDone"),
        ("link", "see the attached letter: it is long"),
        ("uri", "mailto"),
        ("text", "C:/Work/me and note: //comment, 10.0.0.1 is an address, time 12:30"),
        ("text", "https://{host}/x and https://... and http://$HOST:$PORT/ and http://<host>/"),
        ("text", "doc://one and s3://bucket/key"),
        ("text", "git@github.com:org/repo.git, a@b.example"),
        ("version", "10.0.0.1"),
        ("image", "data:image/png;base64,AAAA"),
        ("location", "https://medium.com/@someone"),
    ],
)
def test_what_leads_nowhere_or_to_the_internet_passes(name: str, text: str) -> None:
    assert why(text, name=name) is None


def test_an_address_as_a_number_is_an_address() -> None:
    assert why(2130706433, name="host") is not None
    assert why(8080, name="host_port") is None
    assert why(2130706433, name="count") is None


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "169.254.169.254/latest", "fd00:ec2::254", "Metadata.google.internal"],
)
def test_clouds_metadata_is_refused_under_any_name(text: str) -> None:
    assert why(text, name="q") is not None


def test_what_is_written_is_all_that_may_be_reached() -> None:
    named = Egress(hosts=("api.example.com", "*.docs.example.com", "10.1.0.0/16", "fd00::5"))
    for url in ("https://api.example.com/", "https://a.docs.example.com", "http://10.1.2.3/",
                "http://[fd00:0::5]/"):  # fmt: skip
        assert why(url, named) is None, url
    for url in ("https://example.com/", "https://docs.example.com/", "http://10.2.0.1/",
                "https://api.example.com.evil.com/", "https://evilapi.example.com/",
                "http://169.254.169.254/", "http://10.1.516/", "https://b\u00fccher.de/"):  # fmt: skip
        assert why(url, named) is not None, url


def test_a_star_stands_for_what_is_public_and_a_name_for_itself() -> None:
    rule = Egress(hosts=("*", "localhost", "127.0.0.1"))
    assert why("http://localhost:3000/ http://127.0.0.1/ https://example.com/", rule) is None
    assert why("http://10.0.0.1/", rule) is not None
    assert why("http://127.1/", rule) is not None


def test_every_rule_must_allow() -> None:
    wide, narrow = Egress(hosts=("*",)), Egress(hosts=("example.com",))
    assert why("https://example.com/", wide, narrow) is None
    assert why("https://example.org/", wide, narrow) is not None


def test_the_place_is_told_as_a_pointer_and_names_of_members_are_texts_too() -> None:
    stray = find_stray({"a/b": [{"urls": ["https://example.com", "127.0.0.1"]}]}, PUBLIC)
    assert stray is not None
    assert stray.where == "/a~1b/0/urls/1"
    assert find_stray({"http://127.0.0.1/": 1}, PUBLIC) is not None


def test_what_is_too_deep_to_be_looked_at_does_not_pass() -> None:
    value: JsonValue = "x"
    for _ in range(EGRESS_DEPTH_MAX):
        value = [value]
    assert find_stray(value, PUBLIC) is None
    assert find_stray([value], PUBLIC) is not None


@given(st.ip_addresses())
def test_an_address_passes_when_it_is_public_and_never_else(address: object) -> None:
    text = str(address)
    url = f"http://[{text}]/" if ":" in text else f"http://{text}/"
    is_open = is_public(read_address(text))
    assert (why(url) is None) == is_open
    assert (why(text, name="host") is None) == is_open


@given(st.text(), st.sampled_from(["text", "url", "host"]))
def test_any_text_is_judged(text: str, name: str) -> None:
    find_stray({name: text, text: [text]}, PUBLIC)
