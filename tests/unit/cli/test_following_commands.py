"""What commands share: how they end, how far they say they have come, what a shell is offered."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from holdfast.cli import main
from holdfast.cli.command import INTERRUPTED, command
from holdfast.cli.instants import WHEN
from holdfast.cli.progress import progress_line, progress_of
from holdfast.core import untold

COMMAND = str(Path(sys.executable).with_name("holdfast"))


def test_a_reader_that_has_read_enough_is_no_fault():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        ended = subprocess.run(
            [COMMAND, "completion", "bash"], stdout=gone, stderr=subprocess.PIPE, check=False
        )
    assert ended.stderr == b""


def test_an_interrupt_ends_a_command_without_a_word():
    @click.command()
    @command
    def waits() -> None:
        signal.raise_signal(signal.SIGINT)

    ended = CliRunner().invoke(waits)
    assert (ended.exit_code, ended.output) == (INTERRUPTED, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_that_asks_the_command(shell):
    ended = CliRunner().invoke(main, ["completion", shell])
    assert ended.exit_code == 0
    assert "_HOLDFAST_COMPLETE" in ended.output


def offered(*words: str, cwd: Path) -> list[str]:
    """What bash offers for the last word."""
    environment = {
        **os.environ,
        "_HOLDFAST_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["holdfast", *words]),
        "COMP_CWORD": str(len(words)),
        "XDG_STATE_HOME": str(cwd),
    }
    ended = subprocess.run(
        [COMMAND], env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert ended.stderr == ""
    return [line.partition(",")[2] for line in ended.stdout.split()]


def test_a_shell_is_offered_commands_options_and_nodes(tmp_path):
    data = tmp_path / ".holdfast"
    data.mkdir()
    (data / "holdfast.db").touch()
    (data / "nodes.json").write_text('{"desk":"spiffe://a/desk","reviewer":"spiffe://a/r"}')
    assert {"status", "start"} & set(offered("sta", cwd=tmp_path)) == {"status"}
    assert offered("calls", "--caller", "de", cwd=tmp_path) == ["desk"]
    assert offered("calls", "--outcome", "re", cwd=tmp_path) == ["refused"]


def test_where_nothing_is_known_a_shell_is_offered_nothing_and_no_error(tmp_path):
    assert offered("trace", "", cwd=tmp_path) == []
    assert offered("calls", "--caller", "", cwd=tmp_path) == []


def test_progress_is_for_terminals(capsys):
    with progress_of("reading") as progress:
        assert progress is untold
    with progress_of("reading", as_json=True) as progress:
        assert progress is untold
    assert capsys.readouterr().err == ""


def test_progress_says_how_much_and_how_long_still():
    assert progress_line("verifying", 12_000, 30_000, 3.1) == (
        "verifying  [##########              ]  40%  12,000 of 30,000, 3.10 s, 4.65 s left"
    )
    assert progress_line("reading", 1_234, 0, 5) == "reading  1,234, 5.00 s"
    assert progress_line("proving", 0, 0, 65) == "proving  1 min 05 s"
    assert progress_line("done", 9, 9, 1).endswith("9 of 9, 1.00 s")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T08:30Z", 1_795_249_800_000_000),
        ("2026-11-21T08:30:00.5+00:00", 1_795_249_800_500_000),
    ],
)
def test_a_time_is_read_in_the_forms_that_are_offered(text, instant):
    assert WHEN.convert(text, None, None) == instant


@pytest.mark.parametrize("text", ["", "yesterday", "10 parsecs", "9" * 30 + "d", "99999-01-01"])
def test_what_is_no_time_is_told_with_examples(text):
    with pytest.raises(click.BadParameter, match="write 10m, 2h or 3d"):
        WHEN.convert(text, None, None)


def test_ago_is_counted_from_now():
    ago = WHEN.convert("0s", None, None) - WHEN.convert("2h", None, None)
    assert 7_199_000_000 < ago <= 7_200_000_000
