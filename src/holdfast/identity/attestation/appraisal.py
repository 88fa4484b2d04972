"""The appraisal: facts of evidence against a policy of ours, into an attestation result.

No vendor's library checks what matters most: that the report is about this key and this challenge,
that the code is one we know, that nobody can look inside, that firmware is recent enough. Promises:
what a policy does not name is not affirmed; evidence that cannot be verified is contraindicated,
never skipped; attestation raises what may be asked of an agent, it grants nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from holdfast.core import Instant, canonical_json, rfc3339, sha256_digest
from holdfast.identity.attestation import ear
from holdfast.identity.attestation.claims import Binding, Claims, Evidence
from holdfast.identity.attestation.collateral import Collateral
from holdfast.identity.attestation.ear import AttestationResult, Reason, Submodule, TrustVector
from holdfast.identity.attestation.errors import AttestationError, EvidenceMalformedError
from holdfast.identity.attestation.known_broken import rules_for
from holdfast.identity.attestation.roots import Roots
from holdfast.identity.attestation.tdx_verdict import TdxStrictness
from holdfast.identity.attestation.verifying import verify_evidence

POLICY_BYTES_MAX = 262_144
EVIDENCE_COUNT_MAX = 9  # one machine and up to eight GPUs

_CLEAN = TrustVector(
    instance_identity=ear.AFFIRMED,
    configuration=ear.AFFIRMED,
    executables=ear.AFFIRMED,
    hardware=ear.AFFIRMED,
    runtime_opaque=ear.AFFIRMED,
)


class AppraisalPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What evidence must say.

    ``references``: by platform (or kind), by measurement, the values that are known, in
    hexadecimal; every measurement named must have one of its values. ``floors``: by platform, by
    component, the lowest firmware level. ``has_custody``: the operator vouches that nobody else can
    touch the machines. ``needs_collateral``: kinds that are at most a warning without vendor data.
    """

    name: str = "default"
    references: dict[str, dict[str, tuple[str, ...]]] = {}
    floors: dict[str, dict[str, int]] = {}
    tdx: TdxStrictness = TdxStrictness()
    vmpl_max: int = 0
    may_migrate: bool = False
    has_custody: bool = False
    needs_collateral: tuple[str, ...] = ("tdx",)

    def policy_id(self) -> str:
        """What the result names: the policy's name and the digest of all its settings."""
        return f"{self.name}@{sha256_digest(canonical_json(msgspec.to_builtins(self)))}"


def read_appraisal_policy(data: bytes) -> AppraisalPolicy:
    """A policy from JSON; unknown settings are refused."""
    if len(data) > POLICY_BYTES_MAX:
        raise EvidenceMalformedError(f"an appraisal policy has more than {POLICY_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(data, type=AppraisalPolicy)
    except msgspec.DecodeError as error:
        raise EvidenceMalformedError(
            f"an appraisal policy has another form: {error}", fix="see docs/identity/attestation.md"
        ) from error


class Mark(msgspec.Struct, frozen=True):
    """One thing found: which claim of the vector, how bad, and why."""

    claim: str
    value: int
    reason: Reason


def _mark(claim: str, value: int, code: str, what: str) -> Mark:
    return Mark(claim, value, Reason(f"attestation.{code}", what))


def judge_claims(
    claims: Claims, policy: AppraisalPolicy, *, binding: Binding | None, tier: int
) -> list[Mark]:
    """Everything in verified facts that is not affirming, for an agent of risk ``tier``."""
    return [
        *_identity(claims, binding),
        *_configuration(claims, policy),
        *_executables(claims, policy),
        *_hardware(claims, policy),
        *_known_broken(claims, policy, tier),
    ]


def _identity(claims: Claims, binding: Binding | None) -> Iterable[Mark]:
    if binding is None:
        yield _mark(
            "instance_identity", ear.UNSAFE_CONFIGURATION, "unbound", "no key and nonce were given"
        )
    elif not claims.is_bound_to(binding):
        yield _mark(
            "instance_identity",
            ear.CONTRAINDICATED,
            "foreign",
            "the report data are not SHA-256 of this key and nonce: replayed, or another's",
        )


def _configuration(claims: Claims, policy: AppraisalPolicy) -> Iterable[Mark]:
    if claims.is_debug:
        what = "debug mode is on: the host can read and change the workload"
        yield _mark("configuration", ear.CONTRAINDICATED, "debug", what)
        yield _mark("runtime_opaque", ear.CONTRAINDICATED, "debug", what)
    if claims.vmpl is not None and claims.vmpl > policy.vmpl_max:
        what = f"the report was asked for at VMPL {claims.vmpl}, not {policy.vmpl_max} or lower"
        yield _mark("configuration", ear.CONTRAINDICATED, "privilege-level", what)
    if claims.details.get("may_migrate") == "yes" and not policy.may_migrate:
        what = "a migration agent may move the workload to another machine"
        yield _mark("configuration", ear.CONTRAINDICATED, "may-migrate", what)


def _executables(claims: Claims, policy: AppraisalPolicy) -> Iterable[Mark]:
    known = policy.references.get(claims.platform) or policy.references.get(claims.kind)
    if not known:
        what = f"no reference values for {claims.platform} are in the policy"
        yield _mark("executables", ear.UNRECOGNIZED_EXECUTABLES, "no-references", what)
        return
    for name, values in known.items():
        found = claims.measurements.get(name, b"").hex()
        if not found or found not in {value.lower() for value in values}:
            what = f"the measurement {name} is none of the values in the policy"
            yield _mark("executables", ear.CONTRAINDICATED, "measurement", what)


def _hardware(claims: Claims, policy: AppraisalPolicy) -> Iterable[Mark]:
    for component, floor in policy.floors.get(claims.platform, {}).items():
        level = claims.levels.get(component)
        if level is None or level < floor:
            what = f"{component} is at level {level}, and the floor is {floor}"
            yield _mark("hardware", ear.CONTRAINDICATED, "level-floor", what)
    if claims.level_status not in {"", "unknown", "UpToDate"}:
        what = f"the vendor calls the platform {claims.level_status}"
        yield _mark("hardware", ear.UNSAFE_HARDWARE, "level-status", what)
    if claims.collateral == "stale":
        what = "the vendor's data have expired; they cannot say that the platform is good now"
        yield _mark("hardware", ear.UNSAFE_HARDWARE, "collateral-stale", what)
    missing = claims.collateral in {"missing", "none"} and claims.kind in policy.needs_collateral
    if missing:
        what = "there are no vendor's data about the firmware level"
        yield _mark("hardware", ear.UNSAFE_HARDWARE, "collateral-missing", what)


def _known_broken(claims: Claims, policy: AppraisalPolicy, tier: int) -> Iterable[Mark]:
    day = rfc3339(claims.verified_at)[:10]
    for rule in rules_for(claims.platform, day=day, tier=tier, has_custody=policy.has_custody):
        value = ear.CONTRAINDICATED if rule.status == "contraindicated" else ear.UNSAFE_HARDWARE
        what = f"{rule.what} (since {rule.since}: {', '.join(rule.sources)})"
        yield Mark("hardware", value, Reason(rule.code, what))


def appraise_one(
    evidence: Evidence,
    policy: AppraisalPolicy,
    *,
    now: Instant,
    tier: int,
    binding: Binding | None,
    collateral: Collateral | None = None,
    roots: Roots | None = None,
) -> Submodule:
    """One piece of evidence, verified and appraised. What cannot be verified is contraindicated."""
    platform = ""
    try:
        claims = verify_evidence(
            evidence,
            now=now,
            collateral=collateral,
            roots=roots,
            strictness=policy.tdx,
            accept_stale=True,
        )
        platform = claims.platform
        marks = judge_claims(claims, policy, binding=binding, tier=tier)
    except AttestationError as error:
        failed = Reason(error.code, error.what)
        marks = [Mark(claim, ear.VALIDATION_FAILED, failed) for claim in _FAILED]
    vector = _vector(marks)
    return Submodule(
        status=vector.status(),
        vector=vector,
        policies=(policy.policy_id(),),
        kind=evidence.kind,
        platform=platform,
        evidence=evidence.digest(),
        reasons=tuple(dict.fromkeys(mark.reason for mark in marks)),
    )


_FAILED = ("instance_identity", "configuration", "executables", "hardware", "runtime_opaque")


def _vector(marks: Sequence[Mark]) -> TrustVector:
    """Affirming, but for what was found; the worst value of each claim."""
    found: dict[str, int] = {}
    for mark in marks:
        found[mark.claim] = max(mark.value, found.get(mark.claim, 0))
    return msgspec.structs.replace(_CLEAN, **found)


def appraise(
    pieces: Mapping[str, Evidence],
    policy: AppraisalPolicy,
    *,
    now: Instant,
    tier: int,
    binding: Binding,
    build: str,
    collateral: Collateral | None = None,
    roots: Roots | None = None,
) -> AttestationResult:
    """All of a workload's evidence (a machine, its GPUs) in one result, bound to one key."""
    if not 0 < len(pieces) <= EVIDENCE_COUNT_MAX:
        raise EvidenceMalformedError(
            f"a workload sends 1 to {EVIDENCE_COUNT_MAX} pieces of evidence, not {len(pieces)}"
        )
    submods = {
        name: appraise_one(
            evidence,
            policy,
            now=now,
            tier=tier,
            binding=binding,
            collateral=collateral,
            roots=roots,
        )
        for name, evidence in sorted(pieces.items())
    }
    return ear.make_ear(
        submods, key=binding.key, nonce=binding.nonce, tier=tier, now=now, build=build
    )
