"""Platforms known to be broken: dated rules, each with its source, applied whatever evidence says.

A rule says from when it holds, up to which risk tier of an agent the platform is still good, and
what its status is above that. A rule goes only when its source is refuted or the fix can be read
from evidence.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBroken:
    """One rule. ``platforms`` are prefixes of ``Claims.platform``; ``since`` is a UTC date."""

    code: str
    platforms: tuple[str, ...]
    since: str
    tier_max: int
    status: Literal["warning", "contraindicated"]
    cured_by_custody: bool
    what: str
    sources: tuple[str, ...]


KNOWN_BROKEN = (
    KnownBroken(
        code="attestation.milan-root-seed",
        platforms=("snp/Milan",),
        since="2026-05-01",
        tier_max=1,
        status="contraindicated",
        cured_by_custody=False,
        what="the seed of Milan's chip keys can be extracted in software, so any report of this "
        "product can be forged",
        sources=("https://arxiv.org/abs/2605.12990",),
    ),
    KnownBroken(
        code="attestation.memory-interposer",
        platforms=("tdx", "snp/Genoa", "snp/Turin"),
        since="2025-10-28",
        tier_max=2,
        status="warning",
        cured_by_custody=True,
        what="who holds the machine can take attestation keys with an interposer on its DDR5 bus; "
        "the operator's word on custody is needed above this tier",
        sources=("https://tee.fail",),
    ),
)


def rules_for(platform: str, *, day: str, tier: int, has_custody: bool) -> list[KnownBroken]:
    """The rules that hold for ``platform`` on ``day`` (``2026-11-21``) at risk ``tier``."""
    return [
        rule
        for rule in KNOWN_BROKEN
        if platform.startswith(rule.platforms)
        and day >= rule.since
        and tier > rule.tier_max
        and not (rule.cured_by_custody and has_custody)
    ]
