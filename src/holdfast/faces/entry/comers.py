"""Who came in, before policy says what they may do."""

from typing import Literal

import msgspec

from holdfast.faces.visitors import Way


class Comer(msgspec.Struct, frozen=True, kw_only=True):
    """A person who signed in, or a program with a token. ``issuer`` is the provider that knows the
    person, ``role`` what the token of a program is for; ``acr`` and ``amr`` are the provider's words
    on how it knows them."""

    kind: Literal["Person", "Program"]
    principal: str
    way: Way
    name: str = ""
    groups: tuple[str, ...] = ()
    issuer: str | None = None
    role: str | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
