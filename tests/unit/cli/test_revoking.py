"""What is revoked is named as it is, whatever it begins with."""

import pytest
from click.testing import CliRunner

from holdfast.cli import main


@pytest.mark.parametrize("start", ["-y", "-h", "--", "y-"])
def test_a_thumbprint_that_begins_with_a_dash_is_no_option(start, tmp_path):
    thumbprint = start.ljust(43, "a")
    words = ["revoke", "key", thumbprint, "--reason", "lost", "--data", str(tmp_path / "none")]
    ran = CliRunner().invoke(main, words)
    assert ran.exit_code == 1  # there is no data directory: so far it came
    assert "No such option" not in ran.output
