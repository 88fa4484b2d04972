"""The vendor's verdict on a TDX platform, by ``dcap-qvl`` (extra ``attestation``), made strict.

``dcap_qvl.verify`` only reports a status; its verifier with a strict policy enforces one.
"""

from dataclasses import dataclass

import msgspec

from holdfast.core import Instant, rfc3339
from holdfast.identity.attestation.claims import Freshness
from holdfast.identity.attestation.collateral import TdxCollateral, validity
from holdfast.identity.attestation.errors import (
    AttestationExtraError,
    CollateralError,
    EvidenceLevelError,
)

_MICROSECONDS = 1_000_000


class TdxStrictness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the vendor's verdict must say. The defaults accept no status but ``UpToDate``.

    Machines with several sockets are "dynamic platforms" with cached keys, and most run with
    hyperthreads, so those three are allowed unless a policy says otherwise.
    """

    statuses: tuple[str, ...] = ("UpToDate",)
    rejected_advisories: tuple[str, ...] = ()
    evaluation_number_min: int = 0
    dynamic_platform: bool = True
    cached_keys: bool = True
    hyperthreads: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The platform's status in Intel's words, the advisories on it, and how fresh the data are."""

    status: str
    advisories: tuple[str, ...] = ()
    collateral: Freshness


class _Tcb(msgspec.Struct, frozen=True):
    status: str
    advisory_ids: tuple[str, ...] = ()


class _Judged(msgspec.Struct, frozen=True):
    tcb: _Tcb


def judge(
    quote: bytes,
    collateral: TdxCollateral,
    *,
    now: Instant,
    strictness: TdxStrictness,
    accept_stale: bool,
) -> Verdict:
    """The verdict at ``now``; with ``accept_stale`` at the last moment the collateral was valid.

    Stale data can still tell that a platform was bad then. They cannot tell that it is good now:
    the verdict is marked ``stale``, and an appraisal degrades it.
    """
    begins, ends = validity(collateral)
    if now < begins:
        raise CollateralError(
            f"the collateral is valid only from {rfc3339(begins)[:19]}Z",
            fix="judge at a later time, or give the collateral of that time",
        )
    # The end itself is outside, for the library as for us.
    last = Instant(ends - _MICROSECONDS)
    if now > last and not accept_stale:
        raise CollateralError(
            f"the collateral expired at {rfc3339(ends)[:19]}Z", fix="fetch it anew"
        )
    judged = _by_library(quote, collateral, seconds=min(now, last) // _MICROSECONDS, at=strictness)
    return Verdict(
        status=judged.tcb.status,
        advisories=judged.tcb.advisory_ids,
        collateral="stale" if now > last else "fresh",
    )


def _by_library(
    quote: bytes, collateral: TdxCollateral, *, seconds: int, at: TdxStrictness
) -> _Judged:
    try:
        import dcap_qvl  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise AttestationExtraError(
            "judging TDX evidence needs the package dcap-qvl",
            fix='install it: pip install "holdfast[attestation]"',
        ) from error
    policy = (
        dcap_qvl.QuotePolicy.strict(seconds)
        .min_tcb_eval_data_number(at.evaluation_number_min)
        .reject_advisories(list(at.rejected_advisories))
        .allow_dynamic_platform(at.dynamic_platform)
        .allow_cached_keys(at.cached_keys)
        .allow_smt(at.hyperthreads)
    )
    for status in at.statuses:
        policy = policy.allow_status(status)
    try:
        given = dcap_qvl.QuoteCollateralV3.from_json(msgspec.json.encode(collateral).decode())
        found = dcap_qvl.QuoteVerifier().verify_with_policy(quote, given, seconds, policy)
    except ValueError as error:
        raise EvidenceLevelError(f"the vendor's data refuse this platform: {error}") from error
    return msgspec.json.decode(found.to_json(), type=_Judged)
