"""``hfc_<id>_<secret>``: the id is public, the secret (32 bytes) is what makes it a token. A digest
without salt or stretching is enough, for 256 random bits cannot be guessed."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256

import msgspec

from holdfast.core import Instant
from holdfast.identity.programs.errors import ProgramTokenError
from holdfast.world.ports import Entropy

PREFIX = "hfc"
ID_LENGTH = 10
SECRET_BYTES = 32
TOKEN_LENGTH = len(PREFIX) + 1 + ID_LENGTH + 1 + 43
DAYS_MAX = 366
"""The longest that a token lives."""

_DAY_US = 86_400 * 1_000_000
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class ProgramToken(msgspec.Struct, frozen=True, kw_only=True):
    """That whoever holds a token is the program ``name`` and has ``role``, until ``ends``."""

    id: str
    name: str
    role: str
    created: Instant
    by: str
    ends: Instant
    revoked: Instant | None = None

    def is_good(self, now: Instant) -> bool:
        return self.revoked is None and now < self.ends


def digest_of(token: str) -> bytes:
    """What is kept of a token."""
    return sha256(token.encode()).digest()


def program_principal(name: str) -> str:
    """How records name a program."""
    return f"program:{name}"


def new_program_token(
    name: str, role: str, *, by: str, days: int, now: Instant, entropy: Entropy
) -> tuple[ProgramToken, str]:
    """A token and its text, which nobody can show again."""
    if not _NAME.fullmatch(name):
        raise ProgramTokenError(
            f"'{name[:80]}' is no name of a program",
            fix="use up to 63 lower-case letters, digits and dashes",
        )
    if not 1 <= days <= DAYS_MAX:
        raise ProgramTokenError(
            f"a token cannot live {days} days", fix=f"choose 1 to {DAYS_MAX} days"
        )
    drawn = int.from_bytes(entropy.secret(ID_LENGTH), "big")
    ident = "".join(_CROCKFORD[drawn >> 5 * place & 31] for place in range(ID_LENGTH))
    secret = urlsafe_b64encode(entropy.secret(SECRET_BYTES)).rstrip(b"=").decode()
    made = ProgramToken(
        id=ident, name=name, role=role, created=now, by=by, ends=Instant(now + days * _DAY_US)
    )
    return made, f"{PREFIX}_{ident}_{secret}"
