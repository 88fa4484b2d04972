"""``holdfast attest``: what cannot be read says so, and how to mend it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from holdfast.app.attestation import AttestInputError, verify
from holdfast.cli import main
from holdfast.identity.attestation import AttestationError


def test_a_missing_file_and_a_wrong_time_are_told(tmp_path: Path) -> None:
    with pytest.raises(AttestInputError, match="cannot read"):
        verify(tmp_path / "none", "snp")
    with pytest.raises(AttestInputError, match="is not a time"):
        verify(tmp_path / "none", "snp", at="yesterday")


def test_bytes_that_are_no_evidence_exit_1_with_the_code(tmp_path: Path) -> None:
    file = tmp_path / "report"
    file.write_bytes(b"\0" * 1184)
    for kind in ("tdx", "snp", "nitro", "nvidia"):
        with pytest.raises(AttestationError):
            verify(file, kind)
    run = CliRunner().invoke(main, ["attest", "verify", str(file), "--kind", "snp", "--json"])
    assert run.exit_code == 1
    assert '"code":"identity.evidence-malformed"' in run.output


def test_a_policy_with_unknown_settings_is_refused(tmp_path: Path) -> None:
    file, policy = tmp_path / "report", tmp_path / "policy.json"
    file.write_bytes(b"\0" * 1184)
    policy.write_text('{"refernces": {}}')
    with pytest.raises(AttestationError, match="another form"):
        verify(file, "snp", policy=policy)
