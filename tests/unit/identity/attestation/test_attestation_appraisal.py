"""A policy of ours judges the facts; what it does not name is not affirmed."""

import evidence_maker as maker
import msgspec
import pytest
from evidence_maker import BINDING, NOW
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.identity import TokenClaimsError, TokenError, TokenExpiredError, TokenSignatureError
from holdfast.identity.attestation import (
    KNOWN_BROKEN,
    AppraisalPolicy,
    Binding,
    Claims,
    EvidenceMalformedError,
    TrustVector,
    appraise,
    appraise_one,
    issue_ear,
    judge_claims,
    read_appraisal_policy,
    read_ear,
    short_claim,
)
from holdfast.identity.attestation.ear import STATUSES, worst
from holdfast.identity.attestation.known_broken import rules_for
from holdfast.identity.jose import SigningKey

POLICY = AppraisalPolicy(
    name="test",
    references={
        "snp": {"measurement": ((b"m" * 48).hex(),)},
        "nitro": {"pcr0": ((b"p" * 48).hex(),)},
        "tdx": {"mr_td": ((b"t" * 48).hex(),)},
        "nvidia": {"1": ((b"\x01" * 48).hex(),)},
    },
    needs_collateral=(),
)
KEY, OTHER = SigningKey.from_seed(b"a" * 32), SigningKey.from_seed(b"b" * 32)


def judged(evidence, policy=POLICY, *, tier=1, binding=BINDING):
    return appraise_one(evidence, policy, now=NOW, tier=tier, binding=binding, roots=maker.roots())


def codes(submodule) -> set[str]:
    return {reason.code for reason in submodule.reasons}


@pytest.mark.parametrize("make", [maker.tdx, maker.snp, maker.nitro, maker.nvidia])
def test_evidence_that_the_policy_names_is_affirmed(make) -> None:
    found = judged(make())
    assert (found.status, found.reasons) == ("affirming", ())


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (maker.snp(policy=0x30000 | 1 << 19), "attestation.debug"),
        (maker.nitro(pcr0=b"\0" * 48), "attestation.debug"),
        (maker.tdx(attributes=1), "attestation.debug"),
        (maker.snp(vmpl=1), "attestation.privilege-level"),
        (maker.snp(policy=0x30000 | 1 << 18), "attestation.may-migrate"),
        (maker.snp(measurement=b"x" * 48), "attestation.measurement"),
        (maker.snp(binding=Binding(key=b"k" * 32, nonce=b"o" * 32)), "attestation.foreign"),
        (maker.snp(binding=Binding(key=b"o" * 32, nonce=b"n" * 32)), "attestation.foreign"),
        (maker.snp(chip=b"c" * 64), "identity.evidence-binding"),
    ],
)
def test_what_a_policy_refuses_is_contraindicated_and_says_why(evidence, code: str) -> None:
    found = judged(evidence)
    assert found.status == "contraindicated"
    assert code in codes(found)


def test_a_measurement_without_reference_values_is_at_most_a_warning() -> None:
    found = judged(maker.snp(), AppraisalPolicy())
    assert (found.status, codes(found)) == ("warning", {"attestation.no-references"})


def test_evidence_without_key_and_nonce_is_at_most_a_warning() -> None:
    found = judged(maker.snp(), binding=None)
    assert (found.status, codes(found)) == ("warning", {"attestation.unbound"})


def test_a_level_below_the_floor_is_contraindicated() -> None:
    for floor, status in ((8, "affirming"), (9, "contraindicated")):
        policy = msgspec.structs.replace(POLICY, floors={"snp/Genoa": {"snp": floor}})
        assert judged(maker.snp(), policy).status == status


def test_a_floor_on_a_component_that_evidence_does_not_tell_is_not_met() -> None:
    policy = msgspec.structs.replace(POLICY, floors={"snp/Genoa": {"fmc": 0}})
    assert judged(maker.snp(), policy).status == "contraindicated"


def claims(**changed: object) -> Claims:
    facts = {
        "kind": "tdx",
        "platform": "tdx",
        "evidence": "sha256:0",
        "verified_at": NOW,
        "report_data": (BINDING.expected(),),
        "measurements": {"mr_td": b"t" * 48},
        "is_debug": False,
        "levels": {},
        "level_status": "UpToDate",
        "collateral": "fresh",
        "details": {},
    }
    return Claims(**{**facts, **changed})


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"collateral": "stale"}, "attestation.collateral-stale"),
        ({"collateral": "missing", "level_status": "unknown"}, "attestation.collateral-missing"),
        ({"level_status": "SWHardeningNeeded"}, "attestation.level-status"),
    ],
)
def test_stale_or_missing_vendor_data_degrade_and_are_never_skipped(changed, code: str) -> None:
    policy = msgspec.structs.replace(POLICY, needs_collateral=("tdx",))
    fresh = judge_claims(claims(), policy, binding=BINDING, tier=1)
    marks = judge_claims(claims(**changed), policy, binding=BINDING, tier=1)
    assert fresh == []
    assert [(mark.value, mark.reason.code) for mark in marks] == [(32, code)]


def test_milan_is_contraindicated_above_tier_1() -> None:
    for tier, status in ((0, 0), (1, 0), (2, 96), (4, 96)):
        marks = judge_claims(
            claims(platform="snp/Milan", kind="snp", collateral="none", level_status=""),
            msgspec.structs.replace(POLICY, references={"snp": {"mr_td": ((b"t" * 48).hex(),)}}),
            binding=BINDING,
            tier=tier,
        )
        assert max((mark.value for mark in marks), default=0) == status


def test_custody_cures_only_what_needs_the_machine_in_hand() -> None:
    def found(platform: str, *, has_custody: bool) -> set[str]:
        rules = rules_for(platform, day="2026-11-21", tier=4, has_custody=has_custody)
        return {rule.code for rule in rules}

    assert found("tdx", has_custody=False) == {"attestation.memory-interposer"}
    assert found("tdx", has_custody=True) == set()
    assert found("snp/Milan", has_custody=True) == {"attestation.milan-root-seed"}


def test_every_rule_about_broken_platforms_is_dated_and_names_its_source() -> None:
    for rule in KNOWN_BROKEN:
        assert rule.since <= "2026-11-21"
        assert rule.sources
        assert all(source.startswith("https://") for source in rule.sources)
        before = rules_for(rule.platforms[0], day="2020-01-01", tier=4, has_custody=False)
        assert rule not in before


@given(st.lists(st.sampled_from(STATUSES), min_size=1))
def test_the_whole_is_never_better_than_its_worst_part(statuses) -> None:
    whole = worst(statuses)
    assert whole in statuses
    assert whole != "affirming" or set(statuses) == {"affirming"}


@given(st.builds(TrustVector, hardware=st.integers(-1, 127), executables=st.integers(-1, 127)))
def test_a_vector_is_as_bad_as_its_worst_claim(vector: TrustVector) -> None:
    highest = max(vector.hardware, vector.executables)
    expected = (
        "contraindicated"
        if highest >= 96
        else "warning"
        if highest >= 32
        else "affirming"
        if highest >= 2
        else "none"
    )
    assert vector.status() == expected


def result(**pieces):
    return appraise(
        pieces or {"vm": maker.snp(), "gpu0": maker.nvidia()},
        POLICY,
        now=NOW,
        tier=1,
        binding=BINDING,
        build="0.0",
        roots=maker.roots(),
    )


def test_a_machine_and_its_gpus_make_one_result() -> None:
    good, bad = result(), result(vm=maker.snp(), gpu0=maker.nvidia(firmware=b"x" * 48))
    assert good.status == "affirming"
    assert {name: each.status for name, each in bad.submods.items()} == {
        "vm": "affirming",
        "gpu0": "contraindicated",
    }
    assert bad.status == "contraindicated"


def test_a_workload_without_evidence_gets_no_result() -> None:
    with pytest.raises(EvidenceMalformedError):
        appraise({}, POLICY, now=NOW, tier=1, binding=BINDING, build="0")


def test_an_issued_result_reads_back_and_its_short_claim_names_it() -> None:
    ear = result()
    token = issue_ear(ear, KEY)
    again = read_ear(token.encode(), KEY.public, now=NOW)
    claim = short_claim(ear, token)
    assert again == ear
    assert again.digest() == ear.digest()
    assert (claim.status, claim.profile, claim.exp) == ("affirming", ear.profile, ear.exp)
    assert claim.ear_sha256.startswith("sha256:")
    assert ear.exp - ear.iat == 900


def test_a_result_is_refused_when_old_early_or_anothers() -> None:
    token = issue_ear(result(), KEY).encode()
    with pytest.raises(TokenExpiredError):
        read_ear(token, KEY.public, now=Instant(NOW + 900_000_000))
    with pytest.raises(TokenError):
        read_ear(token, KEY.public, now=Instant(NOW - 1_000_000))
    with pytest.raises(TokenSignatureError):
        read_ear(token, OTHER.public, now=NOW)


def test_a_result_that_says_better_than_its_vector_is_refused() -> None:
    ear = result(vm=maker.snp(vmpl=1))
    vm = msgspec.structs.replace(ear.submods["vm"], status="affirming")
    for lie in (
        msgspec.structs.replace(ear, status="affirming"),
        msgspec.structs.replace(ear, status="affirming", submods={"vm": vm}),
        msgspec.structs.replace(ear, exp=ear.exp + 1),
        msgspec.structs.replace(ear, submods={}),
        msgspec.structs.replace(ear, profile="another"),
    ):
        with pytest.raises(TokenClaimsError):
            read_ear(issue_ear(lie, KEY).encode(), KEY.public, now=NOW)


def test_a_policy_is_read_strictly_and_named_by_its_digest() -> None:
    data = msgspec.json.encode(POLICY)
    assert read_appraisal_policy(data) == POLICY
    assert POLICY.policy_id() != AppraisalPolicy(name="test").policy_id()
    for wrong in (b"{", b"[]", b'{"refernces": {}}', b'{"vmpl_max": "0"}'):
        with pytest.raises(EvidenceMalformedError):
            read_appraisal_policy(wrong)


def test_a_binding_has_a_key_of_one_length_and_a_nonce_of_some() -> None:
    for key, nonce in ((b"k" * 31, b"n" * 32), (b"k" * 32, b"n" * 15), (b"k" * 32, b"n" * 65)):
        with pytest.raises(EvidenceMalformedError):
            Binding(key=key, nonce=nonce).expected()
