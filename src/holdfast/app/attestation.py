"""What ``holdfast attest`` answers: evidence from files, judged without a network."""

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import msgspec

from holdfast.core import HoldfastError, Instant, rfc3339
from holdfast.identity.attestation import (
    AppraisalPolicy,
    Claims,
    EvidenceKind,
    Submodule,
    appraise_one,
    read_appraisal_policy,
    read_collateral,
    read_evidence,
    verify_evidence,
)
from holdfast.world.real import SystemClock

FILE_BYTES_MAX = 1_048_576


class AttestInputError(HoldfastError):
    """A file or time given to ``holdfast attest`` cannot be read."""

    code = "identity.attest-input"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """Verified evidence: its facts, and what a policy makes of them. Bytes are hexadecimal."""

    verified: bool
    kind: EvidenceKind
    platform: str
    at: str
    evidence: str
    device: str
    debug: bool
    vmpl: int | None
    levels: dict[str, int]
    level_status: str
    advisories: tuple[str, ...]
    collateral: str
    report_data: tuple[str, ...]
    measurements: dict[str, str]
    details: dict[str, str]
    appraisal: Submodule


def verify(
    file: Path,
    kind: str,
    *,
    at: str | None = None,
    certificates: Path | None = None,
    collateral: Path | None = None,
    policy: Path | None = None,
    tier: int = 0,
) -> Judged:
    """Verify the evidence in ``file`` and appraise it; an ``AttestationError`` says what fails.

    Key and nonce are not known here, so the appraisal is at most a warning.
    """
    now = SystemClock().now() if at is None else _instant(at)
    evidence = read_evidence(
        cast("EvidenceKind", kind),
        _read(file),
        certificates=b"" if certificates is None else _read(certificates),
    )
    given = None if collateral is None else read_collateral(_read(collateral))
    rules = AppraisalPolicy() if policy is None else read_appraisal_policy(_read(policy))
    claims = verify_evidence(evidence, now=now, collateral=given, strictness=rules.tdx)
    found = appraise_one(evidence, rules, now=now, tier=tier, binding=None, collateral=given)
    return _judged(claims, found)


def _judged(claims: Claims, found: Submodule) -> Judged:
    return Judged(
        verified=True,
        kind=claims.kind,
        platform=claims.platform,
        at=rfc3339(claims.verified_at),
        evidence=claims.evidence,
        device=claims.device,
        debug=claims.is_debug,
        vmpl=claims.vmpl,
        levels=dict(claims.levels),
        level_status=claims.level_status,
        advisories=claims.advisories,
        collateral=claims.collateral,
        report_data=tuple(data.hex() for data in claims.report_data),
        measurements={name: value.hex() for name, value in claims.measurements.items()},
        details=dict(claims.details),
        appraisal=found,
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise AttestInputError(
            f"cannot read {path}: {error.strerror}", fix="check the path"
        ) from error
    if len(data) > FILE_BYTES_MAX:
        raise AttestInputError(f"{path} has more than {FILE_BYTES_MAX} bytes")
    return data


def _instant(text: str) -> Instant:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise AttestInputError(
            f"{text!r} is not a time", fix="write it as 2026-11-21T08:30:00Z"
        ) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Instant(int(moment.timestamp()) * 1_000_000)


def judged_text(found: Judged) -> str:
    """How it reads at a terminal."""
    lines = [
        f"{found.platform}: verified at {found.at}",
        f"  evidence     {found.evidence}",
        f"  device       {found.device or '-'}",
        f"  debug        {'ON: the host can look inside' if found.debug else 'off'}",
    ]
    if found.vmpl is not None:
        lines.append(f"  vmpl         {found.vmpl}")
    if found.levels:
        levels = ", ".join(f"{name} {level}" for name, level in found.levels.items())
        lines.append(f"  levels       {levels}")
    if found.level_status:
        lines.append(f"  vendor says  {found.level_status} (collateral {found.collateral})")
    lines += [f"  {name:<12} {value}" for name, value in found.details.items()]
    lines += [f"  report data  {data}" for data in found.report_data]
    lines += [
        f"  {name:<12} {value}" for name, value in found.measurements.items() if value.strip("0")
    ]
    lines.append(f"appraisal: {found.appraisal.status}")
    lines += [f"  {reason.code}: {reason.what}" for reason in found.appraisal.reasons]
    return "\n".join(lines)
