"""What of a request may be believed: where it leads afterwards, its cookies, its form. Pure."""

import re
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request

from holdfast.faces.errors import FormError

NEXT_LENGTH_MAX = 500
FORM_BYTES_MAX = 65_536
FORM_FIELDS_MAX = 30
FORM_TYPE = "application/x-www-form-urlencoded"

_NEXT = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of this server: printable ASCII, one slash first, no backslash anywhere (browsers read one
as a slash)."""


def safe_next(path: str) -> str:
    """Where to go after signing in: ``path`` where it is one of this console, else the first page."""
    if len(path) > NEXT_LENGTH_MAX or not _NEXT.fullmatch(path):
        return "/"
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or parts.path.startswith("/sign-"):
        return "/"
    return path


def sign_in_path(path: str, query: str) -> str:
    """The sign-in page that comes back to where somebody wanted to go."""
    wanted = safe_next(f"{quote(path)}?{query}" if query else quote(path))
    return "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='')}"


def cookie(header: str, name: str) -> str | None:
    """The cookie of that name. Two of one name are none: a page elsewhere may have put one there."""
    found: list[str] = []
    for part in header.split(";"):
        key, _, value = part.partition("=")
        if key.strip() == name:
            found.append(value.strip())
    return found[0] if len(found) == 1 else None


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of a form, each once."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=FORM_FIELDS_MAX,
            errors="strict",
        )
    except ValueError as error:
        raise FormError("the form cannot be read", fix="send it from its page") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FormError("the form has a field twice", fix="send it from its page")
    return fields


async def read_form(request: Request) -> dict[str, str]:
    """The form of a request, at most ``FORM_BYTES_MAX`` bytes. The gatekeeper's deadline holds."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise FormError("this takes a form", fix=f"send content-type: {FORM_TYPE}")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES_MAX:
            raise FormError(f"the form has more than {FORM_BYTES_MAX} bytes", fix="send less")
    return parse_form(bytes(body))
