"""Distinguished Encoding Rules (X.690), read strictly: just what certificates and lists are made of.

Own code because AMD's chip certificates carry serial number 0, which RFC 5280 forbids and X.509
libraries are about to refuse. One spelling only: minimal definite lengths, one-byte tags, nothing
left over.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from holdfast.core import Instant
from holdfast.identity.attestation.errors import EvidenceMalformedError

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
ELEMENT_BYTES_MAX = 65_536

_MICROSECONDS = 1_000_000
_TIME = re.compile(r"[0-9]{14}Z")


class Element(NamedTuple):
    """One value: its tag, its contents, and all its bytes with the header."""

    tag: int
    body: bytes
    raw: bytes


def read_element(data: bytes, offset: int = 0) -> Element:
    """The value that begins at ``offset``."""
    if offset + 2 > len(data):
        raise EvidenceMalformedError("DER ends inside a header")
    tag, first = data[offset], data[offset + 1]
    if tag & 0x1F == 0x1F:
        raise EvidenceMalformedError("DER has a tag of several bytes, which no certificate has")
    start, length = offset + 2, first
    if first & 0x80:
        count = first & 0x7F
        coded = data[start : start + count]
        length = int.from_bytes(coded, "big")
        if not 1 <= count <= 3 or length < 0x80 or coded[:1] == b"\0":
            raise EvidenceMalformedError("DER has a length that is not in its shortest form")
        start += count
    if length > ELEMENT_BYTES_MAX or start + length > len(data):
        raise EvidenceMalformedError("DER ends inside a value")
    return Element(tag, data[start : start + length], data[offset : start + length])


def whole(data: bytes, tag: int) -> Element:
    """The one value that ``data`` is."""
    element = read_element(data)
    if len(element.raw) != len(data):
        raise EvidenceMalformedError("DER has bytes after its end")
    return expect(element, tag)


def expect(element: Element, tag: int) -> Element:
    """The same element, which must have ``tag``."""
    if element.tag != tag:
        raise EvidenceMalformedError(f"DER has tag {element.tag:#04x} where {tag:#04x} must stand")
    return element


def children(element: Element) -> list[Element]:
    """The values inside a constructed one."""
    found: list[Element] = []
    offset = 0
    while offset < len(element.body):
        found.append(read_element(element.body, offset))
        offset += len(found[-1].raw)
    return found


def integer(element: Element) -> int:
    """A whole number in its shortest form."""
    body = expect(element, INTEGER).body
    padded = len(body) > 1 and (
        (body[0] == 0 and body[1] < 0x80) or (body[0] == 0xFF and body[1] >= 0x80)
    )
    if not body or padded:
        raise EvidenceMalformedError("DER has a number that is not in its shortest form")
    return int.from_bytes(body, "big", signed=True)


def bits(element: Element) -> bytes:
    """A bit string of whole bytes."""
    body = expect(element, BIT_STRING).body
    if body[:1] != b"\0":
        raise EvidenceMalformedError("DER has a bit string that is not whole bytes")
    return body[1:]


def oid(element: Element) -> str:
    """An object identifier in dots."""
    arcs: list[int] = []
    value = 0
    for byte in expect(element, OID).body:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    if not arcs or element.body[-1] & 0x80:
        raise EvidenceMalformedError("DER has an object identifier without an end")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def time(element: Element) -> Instant:
    """UTCTime or GeneralizedTime in the one form of RFC 5280 section 4.1.2.5: to the second, Z."""
    text = element.body.decode("ascii", "replace")
    if element.tag == UTC_TIME and len(text) == 13:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif element.tag != GENERALIZED_TIME:
        text = ""
    if _TIME.fullmatch(text) is None:
        raise EvidenceMalformedError("DER has a time of another form")
    try:
        moment = datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise EvidenceMalformedError("DER has a time that does not exist") from error
    return Instant(int(moment.timestamp()) * _MICROSECONDS)
