"""One instance as it is seen at a terminal, by Prometheus and in its call log."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from live import DEADLINE_S, Home, ScriptedUpstream, chat_body, eventually, post
from live.instance import COMMAND
from prometheus_client.openmetrics.parser import text_string_to_metric_families

pytestmark = pytest.mark.slow

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SECRET = "the-quick-brown-marker-of-the-prompt"


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A running instance, the calls that were made over it, and where their lines are."""

    home: Home
    lines: Path
    answered: str
    refused: str

    def logged(self) -> list[dict[str, Any]]:
        """Every line, in whichever file."""
        files = sorted(self.lines.parent.glob(f"{self.lines.name}*"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("terminal")
    lines = folder / "calls.jsonl"
    with Home(folder, upstream.port) as home:
        home.up("--call-log", str(lines))
        home.make_keys("desk")
        key, url = home.keys["desk"], home.url
        traced = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        answered = post(url, chat_body(SECRET), key=key, headers=traced).call
        post(url, chat_body(stream=True), key=key, headers=traced)
        refused = post(url, chat_body(model="other"), key=key).call
        post(url, chat_body(model="nowhere"), key=key)
        eventually(lambda: lines.exists() and len(lines.read_text().splitlines()) == 4, "4 lines")
        eventually(lambda: len(home.tell("calls")["calls"]) == 4, "they are in the history")
        yield Stand(home=home, lines=lines, answered=answered, refused=refused)


def test_status_says_on_one_screen_why_the_system_does_not_hold(stand: Stand) -> None:
    ran = stand.home.run("status", "--data", str(stand.home.data))
    assert ran.code in (0, 1)
    assert ("does not hold" in ran.out) == (ran.code == 1)
    assert len(ran.out.splitlines()) <= 40
    assert "\x1b" not in ran.out
    told = json.loads(stand.home.run("status", "--data", str(stand.home.data), "--json").out)
    assert told["instance"]["url"] == stand.home.url
    assert told["lately"]["calls"] >= 4
    assert told["checkpoint"]["size"] >= 4


def test_calls_are_found_by_what_is_known_of_them(stand: Stand) -> None:
    [found] = stand.home.tell("calls", "--outcome", "refused")["calls"]
    assert (found["call"], found["callee"]) == (stand.refused, "other")
    assert len(stand.home.tell("calls", "--trace", TRACE)["calls"]) == 2
    assert stand.home.tell("calls", "--since", "2100-01-01")["calls"] == []


def test_a_trace_shows_all_its_calls_each_with_its_record(stand: Stand) -> None:
    of_call = stand.home.tell("trace", stand.answered)
    assert of_call == stand.home.tell("trace", TRACE)
    assert [step["call"]["outcome"] for step in of_call["steps"]] == ["answered", "answered"]
    assert all(step["index"] is not None for step in of_call["steps"])
    shown = stand.home.run("trace", stand.refused, "--data", str(stand.home.data)).out
    assert "REFUSED" in shown
    assert "relationship.undeclared" in shown


def test_top_tells_of_relationships_once_and_at_a_terminal_until_q(stand: Stand) -> None:
    once = stand.home.tell("top", "--once")
    assert "desk-reviewer" in [row["relationship"] for row in once["rows"]]
    said, code = _at_terminal([*_top(stand), "--every", "0.2"], until=b"desk-reviewer", then=b"q")
    assert code == 0
    assert said.endswith(b"\x1b[?25h\x1b[?1049l")


def test_new_calls_are_followed_line_by_line_until_ctrl_c(stand: Stand) -> None:
    command = [str(COMMAND), "calls", "--follow", "--json", "--limit", "1", "--callee", "reviewer"]
    with subprocess.Popen(
        [*command, "--data", str(stand.home.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        json.loads(following.stdout.readline())  # of the past: from here on it follows
        call = post(stand.home.url, chat_body(), key=stand.home.keys["desk"]).call
        while json.loads(following.stdout.readline())["call"] != call:
            pass
        following.send_signal(signal.SIGINT)
        _, err = following.communicate(timeout=DEADLINE_S)
    assert (following.returncode, err) == (130, "")


def test_every_call_has_its_line_without_content(stand: Stand) -> None:
    lines = stand.logged()
    assert len({line["call"] for line in lines}) == len(lines)
    [answered] = [line for line in lines if line["call"] == stand.answered]
    assert (answered["trace_id"], answered["outcome"]) == (TRACE, "answered")
    [shown] = stand.home.tell("audit", "show", stand.answered)["records"]
    assert answered["index"] == shown["index"]
    assert SECRET not in json.dumps(lines)


def test_prometheus_reads_histograms_with_exemplars(stand: Stand) -> None:
    made = stand.home.tell("console", "token", "--role", "viewer", "--name", "prometheus")
    request = urllib.request.Request(
        f"{stand.home.instance.console}/metrics",
        headers={
            "authorization": f"Bearer {made['token']}",
            "accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
        },
    )
    with urllib.request.urlopen(request) as answer:
        families = {
            each.name: each for each in text_string_to_metric_families(answer.read().decode())
        }
    samples = families["holdfast_call_duration_seconds"].samples
    shown = {each.exemplar.labels["trace_id"] for each in samples if each.exemplar is not None}
    assert shown
    assert shown <= {line["trace_id"] for line in stand.logged()}


def test_after_a_hang_up_lines_go_to_a_new_file_and_none_is_lost(stand: Stand) -> None:
    away = stand.lines.with_name(f"{stand.lines.name}.1")
    stand.lines.rename(away)
    stand.home.instance.process.send_signal(signal.SIGHUP)
    eventually(stand.lines.exists, "a new file")
    call = post(stand.home.url, chat_body(), key=stand.home.keys["desk"]).call
    eventually(lambda: call in stand.lines.read_text(), "its line")
    assert call not in away.read_text()
    told = [line["index"] for line in stand.logged()]
    assert len(set(told)) == len(told)


def _top(stand: Stand) -> list[str]:
    return [str(COMMAND), "top", "--data", str(stand.home.data)]


def _at_terminal(command: list[str], *, until: bytes, then: bytes) -> tuple[bytes, int]:
    """What a command draws on a terminal of 80 by 24 until it shows something, and how it ends when
    a key is pressed then."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as drawing:
        os.close(theirs)
        said = b""
        while until not in said:
            said += os.read(ours, 65_536)
        os.write(ours, then)
        while piece := _rest(ours):
            said += piece
        code = drawing.wait(timeout=DEADLINE_S)
    os.close(ours)
    return said, code


def _rest(terminal: int) -> bytes:
    """More of what is drawn; nothing when whoever draws has gone."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
