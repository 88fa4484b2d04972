"""HTTP message signatures (RFC 9421): the two fields read, and the bytes that are signed.

Only the canonical spelling of a member is read (one space between components, no component
parameter but ``req``), so that the bytes of ``@signature-params`` are the bytes that came.
"""

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping
from hashlib import sha256

import msgspec

from holdfast.identity.errors import ProofMismatchError, TokenMalformedError
from holdfast.identity.proofs.proof import Request

SIGNATURE_BYTES_MAX = 4_096
SIGNATURES_MAX = 4
COMPONENTS_MAX = 24

_KEY = r"[a-z*][a-z0-9_.*-]*"
_PRINTED = r'"[ !#-\[\]-~]*"'  # a string without escapes, RFC 8941 section 3.3.3
_MEMBER = re.compile(
    rf'({_KEY})=((\((?:"[!#-\[\]-~]+"(?:;req)?(?: "[!#-\[\]-~]+"(?:;req)?)*)?\))'
    rf"((?:;{_KEY}(?:=(?:{_PRINTED}|-?[0-9]{{1,15}}|\?[01]))?)*))"
)
_COMPONENT = re.compile(r'"([^"]+)"(;req)?')
_PARAMETER = re.compile(rf";({_KEY})(?:=({_PRINTED}|-?[0-9]+|\?[01]))?")
_SIGNATURE = re.compile(rf"({_KEY})=:([A-Za-z0-9+/]+={{0,2}}):")
_SEPARATOR = re.compile(r"[ \t]*,[ \t]*")
_DIGEST = re.compile(rb"sha-256=:([A-Za-z0-9+/]{43}=):")


class Signed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One signature of a message: what it covers, its parameters, and its own bytes."""

    label: str
    components: tuple[str, ...]
    parameters: Mapping[str, str | int | bool]
    raw: str
    signature: bytes

    def text(self, name: str) -> str | None:
        value = self.parameters.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> int | None:
        value = self.parameters.get(name)
        return value if type(value) is int else None


def read_signatures(headers: Mapping[bytes, bytes]) -> list[Signed]:
    """Every signature of a message; ``TokenMalformedError`` where the two fields disagree."""
    sent, inputs = headers.get(b"signature", b""), headers.get(b"signature-input", b"")
    if max(len(sent), len(inputs)) > SIGNATURE_BYTES_MAX:
        raise TokenMalformedError(f"a signature has more than {SIGNATURE_BYTES_MAX} bytes")
    try:
        signatures = dict(_members(sent.decode("ascii"), _SIGNATURE))
        members = dict(_members(inputs.decode("ascii"), _MEMBER))
    except UnicodeDecodeError as error:
        raise TokenMalformedError("a signature is not ASCII") from error
    if signatures.keys() != members.keys():
        raise TokenMalformedError("Signature and Signature-Input name different signatures")
    return [_signed(label, found, signatures[label]) for label, found in members.items()]


def _members(text: str, form: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    found: list[tuple[str, re.Match[str]]] = []
    at = 0
    while at < len(text):
        member = form.match(text, at)
        if member is None or len(found) == SIGNATURES_MAX:
            raise TokenMalformedError("a signature field is not of the canonical form of RFC 9421")
        found.append((member[1], member))
        at = member.end()
        if at == len(text):
            break
        comma = _SEPARATOR.match(text, at)
        if comma is None or comma.end() == len(text):
            raise TokenMalformedError("a signature field is not of the canonical form of RFC 9421")
        at = comma.end()
    if len({label for label, _ in found}) != len(found):
        raise TokenMalformedError("two signatures of a message have one label")
    return found


def _signed(label: str, member: re.Match[str], signature: re.Match[str]) -> Signed:
    components = tuple(f"{part[1]}{part[2] or ''}" for part in _COMPONENT.finditer(member[3]))
    parameters = [(part[1], _value(part[2])) for part in _PARAMETER.finditer(member[4])]
    if len(components) > COMPONENTS_MAX or len(set(components)) != len(components):
        raise TokenMalformedError("a signature covers too many components, or one twice")
    if len({name for name, _ in parameters}) != len(parameters):
        raise TokenMalformedError("a signature has a parameter twice")
    return Signed(
        label=label,
        components=components,
        parameters=dict(parameters),
        raw=member[2],
        signature=_decoded(signature[2]),
    )


def _value(text: str | None) -> str | int | bool:
    if text is None or text == "?1":
        return True
    if text == "?0":
        return False
    return text[1:-1] if text.startswith('"') else int(text)


def _decoded(text: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except BinasciiError as error:
        raise TokenMalformedError("a signature is not base64") from error


def signature_base(signed_raw: str, lines: list[tuple[str, str]]) -> bytes:
    """The bytes that are signed (section 2.5): a line a component, the parameters last."""
    text = "".join(f"{_identifier(name)}: {value}\n" for name, value in lines)
    return f'{text}"@signature-params": {signed_raw}'.encode("latin-1")


def _identifier(component: str) -> str:
    name, semicolon, parameter = component.partition(";")
    return f'"{name}"{semicolon}{parameter}'


_DERIVED: dict[str, Callable[[Request], str]] = {
    "@method": lambda request: request.method,
    "@path": lambda request: request.path or "/",
    "@query": lambda request: request.query,
    "@request-target": lambda request: request.target,
}


def check_ascii(request: Request) -> None:
    """A signature is over ASCII (section 2.5), so a target that is not cannot have been signed."""
    if not request.target.isascii() or not request.method.isascii():
        raise ProofMismatchError("a signed request has a target that is not ASCII")


def request_value(component: str, request: Request) -> str:
    """The value of one component of a request; ``ProofMismatchError`` where it has none."""
    derive = _DERIVED.get(component)
    if derive is not None:
        check_ascii(request)
        return derive(request)
    value = request.headers.get(component.encode())
    if value is None or component.startswith("@") or component != component.lower():
        raise ProofMismatchError("a signature covers what the request does not have")
    return value.strip(b" \t").decode("latin-1")


def content_digest(body: bytes) -> bytes:
    """The value of Content-Digest (RFC 9530)."""
    return b"sha-256=:%b:" % b2a_base64(sha256(body).digest(), newline=False)


def check_content_digest(sent: bytes, body: bytes) -> None:
    """That a Content-Digest with exactly one SHA-256 is the body's."""
    if sent == content_digest(body):
        return
    if _DIGEST.fullmatch(sent) is None:
        raise TokenMalformedError("a Content-Digest has not exactly one member, sha-256")
    raise ProofMismatchError("a Content-Digest is not of the body that came")
