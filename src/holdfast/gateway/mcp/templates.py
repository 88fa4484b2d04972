"""Whether a URI is one that a template stands for (RFC 6570, as far as it can be read backwards)."""

import re
from functools import lru_cache
from typing import Final

TEMPLATES_MAX: Final = 1024
_EXPRESSION: Final = re.compile(r"\{([+#./;?&]?)[A-Za-z0-9_.%,:*]*\}")
_FILLS: Final = {
    "": r"[^/?#]*",
    "+": r".*",
    "#": r"(?:#.*)?",
    ".": r"(?:\.[^/?#]*)?",
    "/": r"(?:/[^?#]*)?",
    ";": r"(?:;[^/?#]*)?",
    "?": r"(?:\?[^#]*)?",
    "&": r"(?:&[^#]*)?",
}


def matches(template: str, uri: str) -> bool:
    """Every expression may stand for what RFC 6570 lets it, and for nothing beyond: a plain one
    never for a slash, so that no approved template reaches into another's folder."""
    if ".." in uri.replace("%2e", ".").replace("%2E", ".").split("/"):
        return False
    pattern = _pattern(template)
    return pattern is not None and pattern.fullmatch(uri) is not None


@lru_cache(maxsize=TEMPLATES_MAX)
def _pattern(template: str) -> re.Pattern[str] | None:
    parts: list[str] = []
    at = 0
    for found in _EXPRESSION.finditer(template):
        parts += [re.escape(template[at : found.start()]), _FILLS[found[1]]]
        at = found.end()
    rest = template[at:]
    if "{" in rest or "}" in rest:
        return None  # an expression that cannot be read matches nothing
    return re.compile("".join([*parts, re.escape(rest)]))
