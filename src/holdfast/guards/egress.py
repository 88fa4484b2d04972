"""Egress: where the addresses in what is sent to a tool would lead it.

A tool that fetches what its arguments name is a way into the network that it stands in (server-side
request forgery, CWE-918). Every text is searched for URLs; arguments whose name says that they hold
an address are also read as bare hosts. What two readers could take for two hosts (users before an
``@``, percent signs, numbers in other notations; WHATWG URL, RFC 3986) is refused as it stands.

Names are not looked up here: a public name that leads inside passes, unless ``hosts`` is written.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Final
from urllib.parse import unquote

import msgspec

from holdfast.blueprint import Egress
from holdfast.core import Host, HostError, JsonValue, is_public, read_host

EGRESS_DEPTH_MAX: Final = 100
_DECODED_MAX: Final = 2
_SHOWN_MAX: Final = 100
_PORT_MAX: Final = 65_535

_WEB: Final = frozenset(("http", "https"))
_FETCHED: Final = frozenset(
    (
        *("dict", "expect", "file", "ftp", "ftps", "gopher", "gophers", "imap", "imaps", "jar"),
        *("ldap", "ldaps", "netdoc", "phar", "php", "pop3", "pop3s", "rtsp", "scp", "sftp"),
        *("smb", "smbs", "smtp", "smtps", "ssh", "telnet", "tftp", "ws", "wss", "zip"),
    )
)
"""Schemes that programs which fetch are known to take, beside the web's: looked for in any text."""
_URL: Final = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{1,31}):(?P<slashes>[/\\]{1,64})"
    r"(?P<rest>[^/\s\"'<>`]{0,1024})"
)
_LED: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,31}:[/\\]{1,64}[^/]{0,1024}@")
_OPAQUE: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{1,31}):(?!\d{1,5}(?:$|[/?#]))")
_PLACEHOLDER: Final = re.compile(r"[{}$*|^\[\]()]")
_HOSTLIKE: Final = re.compile(r"[^\s\"'<>(){}$*|^,;!]{1,512}")
_DOTS: Final = dict.fromkeys(map(ord, "\u3002\uff0e\uff61"), ".")
_CONTROLS: Final = "".join(map(chr, range(0x21)))

_INSIDE: Final = (
    *("localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home"),
    *("lan", "home.arpa", "svc", "metadata"),
    # Public names under which anybody may have any address.
    *("nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me"),
)
_METADATA: Final = re.compile(
    r"\[?(?:169\.254\.\d{1,3}\.\d{1,3}|fd00:ec2::254|100\.100\.100\.200|metadata\.google\.internal)"
    r"(?![\w-])",
    re.IGNORECASE,
)

_USER: Final = "a user stands before its host, or what one reader would take for one"
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_OF_ADDRESSES: Final = frozenset(
    (
        *("addr", "callback", "callbacks", "domain", "domains", "host", "hosts", "href", "ip"),
        *("ips", "link", "links", "origin", "origins", "proxy", "redirect", "server"),
    )
)
_OF_HOSTS: Final = frozenset(("host", "hosts", "hostname", "hostnames", "ip", "ips", "proxy"))
_ENDS: Final = ("url", "urls", "uri", "uris", "hostname", "hostnames", "endpoint", "endpoints",
                "webhook", "webhooks")  # fmt: skip


class Stray(msgspec.Struct, frozen=True):
    """An address that may not be sent: a JSON pointer to the text it stands in, and why."""

    where: str
    why: str


def find_stray(value: JsonValue, rules: Sequence[Egress], *, name: str = "") -> Stray | None:
    """The first address in ``value`` that one of ``rules`` does not allow, None when there is none.

    ``name`` is the name under which ``value`` itself stands. Deeper than ``EGRESS_DEPTH_MAX`` levels
    nothing is looked at, so nothing passes.
    """
    for where, called, text in _texts("", value, name, EGRESS_DEPTH_MAX):
        if text is None:
            return Stray(where, f"nested deeper than {EGRESS_DEPTH_MAX} levels")
        if isinstance(text, str):
            why = _of_text(text, rules, *_meant(called))
        else:
            why = _of_number(text, rules, called)
        if why is not None:
            return Stray(where, why)
    return None


def _texts(
    where: str, value: JsonValue, name: str, depth: int
) -> Iterator[tuple[str, str, str | int | None]]:
    """Place, name and text (or whole number) of everything; names of members are texts too."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield where, name, value
    elif isinstance(value, dict | list) and not depth:
        yield where, name, None
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(f"{where}/{index}", item, name, depth - 1)
    elif isinstance(value, dict):
        for member, item in value.items():
            place = f"{where}/{member[:_SHOWN_MAX].replace('~', '~0').replace('/', '~1')}"
            yield place, "", member
            yield from _texts(place, item, member, depth - 1)


def _meant(name: str) -> tuple[bool, bool]:
    """Whether what stands under the name is an address, and whether a lone word there is a host."""
    words = [word.lower() for word in _WORDS.findall(name)]
    is_address = any(word in _OF_ADDRESSES or word.endswith(_ENDS) for word in words)
    return is_address, not _OF_HOSTS.isdisjoint(words)


def _of_number(number: int, rules: Sequence[Egress], name: str) -> str | None:
    """IPv4 addresses are numbers too, to those who connect to them."""
    is_address, _ = _meant(name)
    if is_address and number > _PORT_MAX:
        return _of_host(str(number), rules, is_lone=True)
    return None


def _of_text(text: str, rules: Sequence[Egress], is_address: bool, is_host: bool) -> str | None:
    for plain in _decoded(text):
        why = _searched(plain, rules, is_address)
        if why is not None:
            return why
    whole = text.strip(_CONTROLS)
    if _LED.match(whole) and (is_address or " " not in whole):
        return _USER
    if is_address:
        return _of_address(whole, rules, is_host)
    if _METADATA.match(whole):
        return _of_host(_host_in(whole), rules, is_lone=True)
    return None


def _decoded(text: str) -> Iterator[str]:
    """The text as it stands, as one URL with what readers skip taken out, and percent-decoded."""
    yield text
    joined = re.sub(r"[\t\r\n]", "", text.strip(_CONTROLS))
    if joined != text and " " not in joined:
        yield joined
    for _ in range(_DECODED_MAX):
        plain = unquote(text)
        if plain == text:
            return
        yield plain
        text = plain


def _searched(text: str, rules: Sequence[Egress], is_address: bool) -> str | None:
    """URLs anywhere in a text."""
    if ":" not in text:
        return None
    for found in _URL.finditer(text):
        scheme, is_double = found["scheme"].lower(), len(found["slashes"]) > 1
        is_known = scheme in _WEB or scheme in _FETCHED
        if not (is_known or is_double):
            continue
        if (is_known or is_address) and not _takes(scheme, rules):
            return f"its scheme is {scheme}:"
        why = _of_authority(found["rest"], rules, is_lone=scheme in _WEB)
        if why is not None:
            return why
    return None


def _of_authority(rest: str, rules: Sequence[Egress], *, is_lone: bool) -> str | None:
    """``rest`` reaches to the next slash, so that an ``@`` behind ``?``, ``#`` or a backslash, where
    readers disagree, is seen too."""
    if "@" in rest:
        return _USER
    return _of_host(_host_in(rest), rules, is_lone=is_lone)


def _of_address(whole: str, rules: Sequence[Egress], is_host: bool) -> str | None:
    """All of an argument that holds an address: without slashes, scheme, or both."""
    if "://" in whole:
        return None if _URL.search(whole) else "it is no URL that can be read"
    bare = _first(whole)
    if _is_address_6(bare):
        return _of_host(f"[{bare}]", rules, is_lone=True)
    opaque = _OPAQUE.match(whole)
    if opaque is not None and " " not in whole:
        scheme = opaque["scheme"].lower()
        if not _takes(scheme, rules):
            return f"its scheme is {scheme}:"
        if scheme not in _WEB:
            return None
        bare = _first(whole[opaque.end() :])
    if _HOSTLIKE.fullmatch(bare) is None or _is_path(whole):
        return None
    return _of_host(_host_in(bare.rpartition("@")[2]), rules, is_lone=is_host)


def _first(text: str) -> str:
    """What stands before the path."""
    return re.split(r"[/?#\\\s]", text.lstrip("/\\"), maxsplit=1)[0]


def _is_path(text: str) -> bool:
    """One slash begins a path, two begin a host."""
    return text[:1] in ("/", "\\") and text[1:2] not in ("/", "\\")


def _is_address_6(text: str) -> bool:
    try:
        return ":" in text and bool(read_host(f"[{text}]"))
    except HostError:
        return False


def _takes(scheme: str, rules: Sequence[Egress]) -> bool:
    return all(scheme in rule.schemes for rule in rules)


def _host_in(rest: str) -> str:
    """The host of ``host:port``, of what follows it nothing."""
    if rest.startswith("["):
        return rest[: rest.find("]") + 1] or rest
    return re.split(r"[\\?#/:]", rest, maxsplit=1)[0].rstrip(",;!)]}*_")


def _of_host(text: str, rules: Sequence[Egress], *, is_lone: bool) -> str | None:
    """Why no connection to this host may be asked for. ``is_lone``: a single word is a host too."""
    if "%" in text:
        return "its host is percent-encoded"
    name = unicodedata.normalize("NFKC", text).translate(_DOTS).casefold()
    if not name.isascii():
        name = "".join(each for each in name if unicodedata.category(each) != "Cf")
    name = name.strip(".")
    is_address_6 = name.startswith("[") and ":" in name
    if not name or (_PLACEHOLDER.search(name) and not is_address_6):
        return None  # nothing that anybody could connect to
    if not name.isascii():
        return _of_foreign(name, rules)
    try:
        host = read_host(name)
    except HostError as error:
        return error.what
    if isinstance(host, str) and "." not in host and host not in _INSIDE and not is_lone:
        return None
    if all(_allows(rule, host) for rule in rules):
        return None
    shown = str(host)[:_SHOWN_MAX]
    return f"it leads to {shown}" + ("" if _is_outside(host) else ", which is not public")


def _of_foreign(name: str, rules: Sequence[Egress]) -> str | None:
    """A name in other letters, which readers encode in more than one way (IDNA 2003, 2008)."""
    is_open = all(rule.hosts is None or "*" in rule.hosts for rule in rules)
    if is_open and _is_outside(name):
        return None
    return f"it leads to {name[:_SHOWN_MAX]!a}, a name that is not in ASCII"


def _allows(rule: Egress, host: Host) -> bool:
    if rule.hosts is None:
        return _is_outside(host)
    return any(_is_meant(pattern, host) for pattern in rule.hosts)


def _is_meant(pattern: str, host: Host) -> bool:
    """Whether an entry of ``hosts`` stands for the host."""
    if pattern == "*":
        return _is_outside(host)
    if isinstance(host, str):
        suffix = pattern.removeprefix("*")
        return host == pattern if suffix == pattern else host.endswith(suffix)
    return ("/" in pattern or pattern == str(host)) and host in ip_network(pattern)


def _is_outside(host: Host) -> bool:
    """A public address, or a name that can be one's on the internet."""
    if not isinstance(host, str):
        return is_public(host)
    return "." in host and not any(host == own or host.endswith(f".{own}") for own in _INSIDE)
