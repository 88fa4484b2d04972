"""Authorities as JSON: what stands in ``authorization_details`` (RFC 9396), read strictly.

What is not understood is refused, for a constraint that is skipped is a constraint that is gone.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from holdfast.core import Json, canonical_json
from holdfast.identity.authority.arguments import ArgumentLimit, Scalar, one_of
from holdfast.identity.authority.authority import (
    SET_MAX,
    Allowance,
    Authority,
    AuthorityType,
    Classification,
)
from holdfast.identity.authority.errors import AuthorityError
from holdfast.identity.errors import TokenMalformedError
from holdfast.identity.jose import read_object

AUTHORITIES_MAX = 16
AUTHORITIES_BYTES_MAX = 65_536

_FIX = "docs/identity/mandates.md lists the members of an authority"


class _ArgumentForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    eq: Scalar | msgspec.UnsetType = msgspec.UNSET
    one_of: list[Scalar] | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="in")
    prefix: str | msgspec.UnsetType = msgspec.UNSET
    most: int | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="max")


class _DataForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    max: Literal["public", "internal", "confidential", "restricted"]


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An authority as it is written. ``UNSET`` and not None: null is no way to drop a limit."""

    type: AuthorityType
    locations: frozenset[str]
    actions: frozenset[str]
    tools: frozenset[str] | msgspec.UnsetType = msgspec.UNSET
    models: frozenset[str] | msgspec.UnsetType = msgspec.UNSET
    args: dict[str, _ArgumentForm] | msgspec.UnsetType = msgspec.UNSET
    max: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    taint_max: int | msgspec.UnsetType = msgspec.UNSET
    data: _DataForm | msgspec.UnsetType = msgspec.UNSET
    not_after: int | msgspec.UnsetType = msgspec.UNSET


def authorities_from_json(value: object) -> tuple[Authority, ...]:
    """The authorities in a decoded ``authorization_details``; ``AuthorityError`` for all else.

    The caller has seen to it that no member stood twice, as ``jose.read_compact`` does.
    """
    try:
        forms = msgspec.convert(value, list[_Form])
        if not 0 < len(forms) <= AUTHORITIES_MAX:
            raise AuthorityError(f"{len(forms)} authorities, 1 to {AUTHORITIES_MAX} are read")
        return tuple([_read(form) for form in forms])
    except ValueError as error:
        raise AuthorityError(f"cannot read an authority: {error}", fix=_FIX) from error


def read_authorities(data: bytes) -> tuple[Authority, ...]:
    """The authorities in a JSON array; members that stand twice are refused too."""
    if len(data) > AUTHORITIES_BYTES_MAX:
        raise AuthorityError(f"authorities have at most {AUTHORITIES_BYTES_MAX} bytes")
    try:
        held = read_object(b'{"is":' + data + b"}")
    except TokenMalformedError as error:
        raise AuthorityError(f"cannot read authorities: {error.what}", fix=_FIX) from error
    if len(held) > 1:
        raise AuthorityError("cannot read authorities: not one JSON array", fix=_FIX)
    return authorities_from_json(held["is"])


def authorities_json(authorities: Iterable[Authority]) -> list[Json]:
    """The value of ``authorization_details``."""
    return [authority.json for authority in authorities]


def write_authorities(authorities: Iterable[Authority]) -> bytes:
    """The canonical (RFC 8785) bytes of ``authorization_details``."""
    return canonical_json(authorities_json(authorities))


def _read(form: _Form) -> Authority:
    args = form.args or {}
    return Authority(
        type=form.type,
        locations=form.locations,
        actions=form.actions,
        tools=form.tools or _some("tools", form.tools),
        models=form.models or _some("models", form.models),
        args=tuple([(name, _limit(limit)) for name, limit in args.items()]),
        max=Allowance() if form.max is msgspec.UNSET else msgspec.convert(form.max, Allowance),
        taint_max=None if form.taint_max is msgspec.UNSET else form.taint_max,
        data_max=None if form.data is msgspec.UNSET else Classification[form.data.max],
        not_after=None if form.not_after is msgspec.UNSET else form.not_after,
    )


def _some(member: str, values: frozenset[str] | msgspec.UnsetType) -> None:
    if values is not msgspec.UNSET:
        raise AuthorityError(f"{member} names 1 to {SET_MAX} things")


def _limit(form: _ArgumentForm) -> ArgumentLimit:
    given = (form.eq, form.one_of, form.prefix, form.most)
    if sum(value is not msgspec.UNSET for value in given) != 1:
        raise AuthorityError("an argument has exactly one of eq, in, prefix, max", fix=_FIX)
    if form.eq is not msgspec.UNSET:
        return one_of(form.eq)
    if form.one_of is not msgspec.UNSET:
        return one_of(*form.one_of)
    if form.prefix is not msgspec.UNSET:
        return ArgumentLimit(prefix=form.prefix)
    return ArgumentLimit(most=None if form.most is msgspec.UNSET else form.most)
