"""Bad files, bad disks, bad callers, bad upstreams: each with a clear word, none with a traceback."""

import json
import resource
import select
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from live import (
    DEADLINE_S,
    Home,
    Ran,
    ScriptedUpstream,
    chat,
    chat_body,
    eventually,
    post,
    raw_exchange,
)

pytestmark = pytest.mark.slow

BODY_BYTES = 50 * 1024 * 1024
PIECE = b"x" * 65_536
TMPFS_BYTES = 2 * 1024 * 1024


def up(home: Home, *options: str, data: Path | None = None) -> Ran:
    """A start that is expected to be refused."""
    where = ("--data", str(data or home.data), "--port", "0", "--console-port", "0")
    return home.run("up", str(home.blueprint), *where, *options)


def refusal(ran: Ran) -> str:
    """What a failed command said: an error and how to mend it, and nothing else."""
    assert ran.code == 1, ran
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert ran.err.startswith("error: ")
    return ran.err


# -- starting ---------------------------------------------------------------------------------


def test_a_blueprint_that_is_not_yaml_is_refused_with_its_line(home: Home) -> None:
    home.blueprint.write_text("holdfast: 1\nname: broken\nnodes: {a: [\n")
    said = refusal(up(home))
    assert "holdfast.yaml:" in said
    checked = home.run("check", str(home.blueprint), "--json")
    assert checked.code == 1
    [problem] = checked.json()["problems"]
    assert problem["line"] >= 3
    assert not home.data.exists()


def test_an_unknown_node_in_a_relationship_is_refused_with_a_suggestion(home: Home) -> None:
    text = home.blueprint.read_text().replace("[desk, reviewer]", "[desk, reviewr]")
    home.blueprint.write_text(text)
    said = refusal(up(home))
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "reviewr" in each)
    assert f"holdfast.yaml:{line}" in said
    assert "reviewr" in said
    assert "did you mean" in said
    assert "reviewer" in said


def test_a_missing_blueprint_is_said_to_be_missing(home: Home) -> None:
    home.blueprint.unlink()
    assert "No such file" in refusal(up(home))


@pytest.mark.parametrize("flag", ["--port", "--console-port"])
def test_a_port_in_use_is_named_with_the_flag_that_mends_it(home: Home, flag: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal(up(home, flag, str(port)))
    assert f"127.0.0.1:{port} is already in use" in said
    assert flag in said


def test_a_data_directory_that_cannot_be_written_is_named(home: Home) -> None:
    blocker = home.folder / "a-file"
    blocker.write_text("not a folder")
    said = refusal(up(home, data=blocker / "data"))
    assert str(blocker / "data") in said
    assert "cannot be written" in said
    assert "--data DIR" in said


def test_a_second_instance_on_the_same_data_directory_is_refused(home: Home) -> None:
    home.up()
    home.make_keys("desk")
    said = refusal(up(home))
    assert "another instance is running" in said
    assert str(home.data) in said
    assert chat(home.url, home.keys["desk"]).status == 200


def test_errors_are_json_for_programs(home: Home) -> None:
    home.up()
    ran = up(home, "--json")
    assert ran.code == 1
    assert set(ran.json()["error"]) == {"code", "what", "fix"}


# -- upstreams --------------------------------------------------------------------------------


def test_an_unreachable_upstream_is_a_bad_gateway(shared: Home) -> None:
    answer = chat(shared.url, shared.keys["desk"], model="nowhere")
    assert (answer.status, answer.rule) == (502, "upstream.unreachable")
    [record] = shared.records(answer.call)
    assert (record["outcome"], record["rule"]) == ("failed", "upstream.unreachable")
    assert record["decision"] == "allow"


def test_a_silent_upstream_is_a_timeout_and_is_let_go(
    shared: Home, upstream: ScriptedUpstream
) -> None:
    script = {"mark": "silent", "silent": True}
    answer = chat(shared.url, shared.keys["desk"], model="impatient", scripted=script)
    assert (answer.status, answer.rule) == (504, "upstream.timeout")
    eventually(lambda: upstream.saw_leave("silent"), "the upstream is let go")
    assert [r["rule"] for r in shared.records(answer.call)] == ["upstream.timeout"]


def test_an_upstream_that_resets_is_a_bad_gateway(shared: Home) -> None:
    answer = chat(shared.url, shared.keys["desk"], scripted={"reset": True})
    assert (answer.status, answer.rule) == (502, "upstream.reset")
    assert [r["rule"] for r in shared.records(answer.call)] == ["upstream.reset"]


def test_an_upstream_that_does_not_speak_http_is_a_bad_gateway(home: Home) -> None:
    with socket.socket() as babbler:
        babbler.bind(("127.0.0.1", 0))
        babbler.listen()
        port = babbler.getsockname()[1]
        text = home.blueprint.read_text().replace("127.0.0.1:9/", f"127.0.0.1:{port}/")
        home.blueprint.write_text(text)
        babble = (
            "import socket, sys; s = socket.socket(fileno=int(sys.argv[1]))\n"
            "while True:\n    c = s.accept()[0]; c.recv(65536); c.sendall(b'SSH-2.0-x\\r\\n\\r\\n')"
        )
        command = [sys.executable, "-c", babble, str(babbler.fileno())]
        process = subprocess.Popen(command, pass_fds=[babbler.fileno()])
        try:
            home.up()
            home.make_keys("desk")
            answer = chat(home.url, home.keys["desk"], model="nowhere")
        finally:
            process.kill()
            process.wait(timeout=DEADLINE_S)
    assert (answer.status, answer.rule) == (502, "upstream.protocol")


# -- callers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"model": 7}', b"{}", b'{"model": "reviewer"} x', b"\xff"]
)
def test_a_body_that_is_no_request_is_refused_and_recorded(shared: Home, body: bytes) -> None:
    answer = post(shared.url, body, key=shared.keys["desk"])
    assert (answer.status, answer.rule) == (400, "request.body")
    [record] = shared.records(answer.call)
    assert (record["decision"], record["rule"]) == ("refuse", "request.body")


def test_another_content_type_is_refused(shared: Home) -> None:
    answer = post(
        shared.url, chat_body(), key=shared.keys["desk"], headers={"content-type": "text/plain"}
    )
    assert (answer.status, answer.rule) == (415, "request.type")


def test_another_path_is_not_found(shared: Home) -> None:
    answer = post(shared.url, chat_body(), key=shared.keys["desk"], path="/v1/files")
    assert (answer.status, answer.rule) == (404, "request.path")


def head(shared: Home, *lines: str) -> bytes:
    fixed = [
        "POST /v1/chat/completions HTTP/1.1",
        f"host: {urlsplit(shared.url).netloc}",
        f"authorization: Bearer {shared.keys['desk']}",
        "content-type: application/json",
    ]
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def test_a_body_of_50_megabytes_is_refused_while_it_is_still_sent(shared: Home) -> None:
    at = urlsplit(shared.url)
    received, sent = b"", 0
    with socket.create_connection((at.hostname, at.port), timeout=DEADLINE_S) as sock:
        sock.sendall(head(shared, f"content-length: {BODY_BYTES}"))
        while sent < BODY_BYTES and not select.select([sock], [], [], 0)[0]:
            sent += sock.send(PIECE)
        received = sock.recv(65_536)
    assert sent < BODY_BYTES
    assert received.startswith(b"HTTP/1.1 413 ")
    error = json.loads(received.partition(b"\r\n\r\n")[2])["error"]
    assert "10485760 bytes" in error["message"]


def test_a_chunked_body_without_end_is_cut_off_at_the_limit(shared: Home) -> None:
    at = urlsplit(shared.url)
    sent = 0
    with socket.create_connection((at.hostname, at.port), timeout=DEADLINE_S) as sock:
        sock.sendall(head(shared, "transfer-encoding: chunked"))
        while sent < BODY_BYTES and not select.select([sock], [], [], 0)[0]:
            sock.sendall(b"%x\r\n%b\r\n" % (len(PIECE), PIECE))
            sent += len(PIECE)
        received = sock.recv(65_536)
    assert sent < BODY_BYTES
    assert received.startswith(b"HTTP/1.1 413 ")


def test_a_client_that_sends_a_large_body_whole_still_reads_why_not(shared: Home) -> None:
    answer = post(shared.url, chat_body("x" * 12_000_000), key=shared.keys["desk"])
    assert answer.status == 413


def test_an_oversized_header_is_refused(shared: Home) -> None:
    answer = raw_exchange(shared.url, head(shared, "x-much: " + "y" * 40_000))
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_too_many_headers_are_refused(shared: Home) -> None:
    answer = raw_exchange(shared.url, head(shared, *(f"x-{n}: y" for n in range(120))))
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_two_framings_of_one_body_are_refused(shared: Home) -> None:
    lines = ("content-length: 2", "transfer-encoding: chunked")
    answer = raw_exchange(shared.url, head(shared, *lines), b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_head_that_never_ends_is_not_waited_for(shared: Home) -> None:
    """Slow loris: the limit is 10 s, the deadline three times that."""
    starts = (b"POST /v1/chat", b"POST / HTTP/1.1\r\nhost: x\r\nx-a: ")
    with ThreadPoolExecutor(len(starts)) as callers:
        answers = list(callers.map(lambda start: raw_exchange(shared.url, start), starts))
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)


# -- limits of a relationship -----------------------------------------------------------------


def test_a_request_beyond_its_relationships_limits_is_refused(shared: Home) -> None:
    key = shared.keys["desk"]
    large = chat(shared.url, key, "x" * 5_000, model="limited")
    assert (large.status, large.rule) == (413, "limit.request-bytes")
    many = chat(shared.url, key, model="limited", max_tokens=11)
    assert (many.status, many.rule) == (400, "limit.max-tokens")
    assert chat(shared.url, key, model="limited", max_tokens=10).status == 200
    for answer in (large, many):
        assert [r["decision"] for r in shared.records(answer.call)] == ["refuse"]


def test_an_answer_beyond_its_relationships_limit_is_broken_off(
    shared: Home, upstream: ScriptedUpstream
) -> None:
    key = shared.keys["desk"]
    plain = chat(shared.url, key, model="limited", scripted={"size": 10_000})
    assert (plain.status, plain.rule) == (502, "limit.answer-bytes")
    script = {"mark": "endless", "events": 100_000, "size": 100}
    streamed = chat(shared.url, key, model="limited", stream=True, scripted=script)
    last = streamed.body.rstrip().rpartition(b"\n\n")[2]
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "limit.answer-bytes"
    assert len(streamed.body) < 10_000
    eventually(lambda: upstream.saw_leave("endless"), "the upstream is let go")
    closed = shared.records(streamed.call)[-1]
    assert (closed["outcome"], closed["rule"]) == ("failed", "limit.answer-bytes")


# -- disks ------------------------------------------------------------------------------------


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def check_refusing_then_recovering(
    home: Home, upstream: ScriptedUpstream, *, fill: Callable[[], None], free: Callable[[], None]
) -> None:
    """No record, no answer; and once there is room again, calls go on by themselves."""
    key, ready = home.keys["desk"], f"{home.instance.console}/readyz"
    before = chat(home.url, key)
    assert before.status == 200
    fill()
    # What is left of the journal's last page may still take a record or two.
    refused = eventually(
        lambda: a if (a := chat(home.url, key)).status != 200 else None, "a call is refused"
    )
    assert (refused.status, refused.rule) == (503, "audit.unavailable")
    at_once = chat(home.url, key, scripted={"mark": f"full-{home.folder.name}"})
    assert (at_once.status, at_once.rule) == (503, "audit.unavailable")
    assert not upstream.was_reached(f"full-{home.folder.name}")
    listing = post(home.url, b"not json", key=key)
    assert (listing.status, listing.rule) == (503, "audit.unavailable")
    eventually(lambda: status_of(ready) == 503, "the instance is not ready")
    free()
    after = eventually(
        lambda: a if (a := chat(home.url, key)).status == 200 else None, "calls are taken again"
    )
    eventually(lambda: status_of(ready) == 200, "the instance is ready again")
    assert home.instance.stop() == 0
    found = home.tell("audit", "verify")
    assert found["verified"] is True, found
    assert home.tell("audit", "prove", before.call)["verified"] is True
    assert home.tell("audit", "prove", after.call)["verified"] is True


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process: Linux")
def test_calls_are_refused_while_the_journal_cannot_grow(
    home: Home, upstream: ScriptedUpstream
) -> None:
    instance = home.up()
    home.make_keys("desk")
    [worker] = instance.workers()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (size, hard))

    check_refusing_then_recovering(home, upstream, fill=lambda: limit(0), free=lambda: limit(hard))


@pytest.fixture
def small_disk(home: Home) -> Iterator[Path]:
    """A file system of 2 MiB of its own under the data directory."""
    home.data.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(home.data)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE_S)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small file system is not permitted here")
    yield home.data
    for instance in home.instances:
        instance.kill()
    subprocess.run(["umount", "-l", str(home.data)], check=True, timeout=DEADLINE_S)


def test_calls_are_refused_while_the_disk_is_full(
    small_disk: Path, home: Home, upstream: ScriptedUpstream
) -> None:
    home.up()
    home.make_keys("desk")
    filler = small_disk / "filler"

    def fill() -> None:
        with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"f" * 4096)

    check_refusing_then_recovering(home, upstream, fill=fill, free=filler.unlink)


def test_starting_on_a_full_disk_is_refused_with_a_reason(small_disk: Path, home: Home) -> None:
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(b"f" * (TMPFS_BYTES + 1))
    said = refusal(up(home))
    assert "No space left on device" in said
    (small_disk / "filler").unlink()
    home.up()


def journals(home: Home) -> list[Path]:
    return sorted((home.data / "journal").glob("*.journal"))


@pytest.mark.parametrize("torn", ["half an append", "zeros", "noise"])
def test_a_torn_last_write_is_recovered_and_said(home: Home, torn: str) -> None:
    home.up()
    home.make_keys("desk")
    calls = [chat(home.url, home.keys["desk"]).call for _ in range(5)]
    home.instance.kill()
    [journal] = journals(home)
    # The 16 bytes of the header are followed by the first append: half of it is a torn one.
    tail = {"half an append": journal.read_bytes()[16:200], "zeros": bytes(500)}
    with journal.open("ab") as file:
        file.write(tail.get(torn, b"\x7f\x13" * 60))
    found = home.tell("audit", "verify")
    assert found["verified"] is True, found
    assert journal.name in " ".join(found["notes"])
    home.up()
    assert journal.name in home.instance.said()
    assert "torn" in home.instance.said() or "tore" in home.instance.said()
    assert all(home.records(call) for call in calls)
    chat(home.url, home.keys["desk"])
    assert home.instance.stop() == 0
    found = home.tell("audit", "verify")
    assert (found["verified"], found["size"]) == (True, 6), found


def stopped_with_calls(home: Home, count: int) -> list[str]:
    home.up()
    home.make_keys("desk")
    calls = [chat(home.url, home.keys["desk"]).call for _ in range(count)]
    assert home.instance.stop() == 0
    return calls


def alter(home: Home, call: str) -> int:
    """Change the principal in the record of a call; its index."""
    [shown] = home.tell("audit", "show", call)["records"]
    bundles = [
        path for path in (home.data / "log" / "tile" / "entries").rglob("*") if path.is_file()
    ]
    # Narrower bundles of the same entries may lie about; the widest is the one in force.
    data, path = max(
        ((d, p) for p in bundles if call.encode() in (d := p.read_bytes())),
        key=lambda found: len(found[0]),
    )
    at = data.index(b"spiffe://", data.index(call.encode()))
    path.write_bytes(data[:at] + b"S" + data[at + 1 :])
    index: int = shown["index"]
    return index


def test_an_altered_entry_is_named_and_the_log_is_not_written_on(home: Home) -> None:
    calls = stopped_with_calls(home, 6)
    index = alter(home, calls[3])
    ran = home.run("audit", "verify", "--data", str(home.data), "--json")
    assert ran.code == 1
    found: dict[str, Any] = ran.json()
    assert found["verified"] is False
    assert any(f"entry {index}" in problem for problem in found["problems"])
    assert f"entry {index}" in refusal(up(home))
    assert f"entry {index}" in refusal(
        home.run("audit", "prove", calls[3], "--data", str(home.data))
    )


def test_an_altered_entry_far_back_is_named_too(home: Home) -> None:
    calls = stopped_with_calls(home, 300)
    index = alter(home, calls[7])
    ran = home.run("audit", "verify", "--data", str(home.data))
    assert ran.code == 1
    assert "verified: false" in ran.out
    assert f"entry {index}" in ran.out


def test_a_lost_checkpoint_or_database_is_no_fresh_start(home: Home) -> None:
    stopped_with_calls(home, 3)
    for each in home.data.glob("holdfast.db*"):
        each.unlink()
    assert "database" in refusal(up(home))
