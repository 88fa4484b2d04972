"""Running it: init, check, up; reload whole or not at all; keys at once; drain; evidence; silence."""

import asyncio
import base64
import hashlib
import json
import os
import signal
import sqlite3
import stat
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from live import (
    DEADLINE_S,
    Home,
    ScriptedUpstream,
    chat,
    chat_body,
    eventually,
    is_running,
    open_stream,
    post,
)

from holdfast.audit import Proof

pytestmark = pytest.mark.slow

SECRET = "the-quick-brown-marker-of-the-prompt"
ANSWER = "a-lazy-dog-of-an-answer"
CONNECTIONS_ASKED = 32
"""Enough new connections that every worker behind one port has answered some."""


# -- init, check, up --------------------------------------------------------------------------


def test_init_then_check_then_up_works_as_written(home: Home) -> None:
    project = home.folder / "project"
    made = home.run("init", str(project), "--json", check=True).json()
    home.blueprint = project / "holdfast.yaml"
    assert made["path"] == str(home.blueprint)
    assert home.run("check", str(home.blueprint), check=True).err == ""
    home.data = project / ".holdfast"
    home.up()
    home.make_keys("app")
    answer = chat(home.url, home.keys["app"], model="no-such")
    assert (answer.status, answer.rule) == (404, "node.unknown")
    assert home.instance.stop() == 0


def test_init_never_writes_over_a_file(home: Home) -> None:
    before = home.blueprint.read_text()
    ran = home.run("init", str(home.folder))
    assert ran.code == 1
    assert "already there" in ran.err
    assert home.blueprint.read_text() == before


def test_check_tells_every_problem_at_once(home: Home) -> None:
    text = home.blueprint.read_text()
    text = text.replace("type: service", "type: servic", 1)
    text = text.replace("connects: [clerk,", "connects: [clark,")
    text = text.replace("idle_s: 0.3", "idle_s: -1")
    text = text.replace("description: Two callers", "colour: red\ndescription: Two callers")
    home.blueprint.write_text(text)
    ran = home.run("check", str(home.blueprint), "--json")
    assert ran.code == 1
    found = ran.json()
    assert found["valid"] is False
    said = json.dumps(found["problems"])
    for word in ("servic", "clark", "idle_s", "colour"):
        assert word in said
    assert all(problem["line"] > 0 and problem["fix"] for problem in found["problems"])
    plain = home.run("check", str(home.blueprint))
    assert plain.code == 1
    for problem in found["problems"]:
        assert f"holdfast.yaml:{problem['line']}:{problem['column']}: " in plain.out


def test_a_sound_blueprint_checks_with_exit_0(home: Home) -> None:
    assert home.run("check", str(home.blueprint), "--json", check=True).json() == {
        "valid": True,
        "problems": [],
    }


def test_commands_find_the_running_instance_by_themselves(home: Home) -> None:
    home.up()
    made = home.run("key", "create", "desk", "--json", check=True).json()
    assert chat(home.url, made["key"]).status == 200


def test_a_command_without_any_instance_says_what_to_do(home: Home) -> None:
    ran = home.run("key", "list")
    assert ran.code == 1
    assert "holdfast up" in ran.err
    assert "--data DIR" in ran.err


def test_the_data_directory_is_its_owners_alone(shared: Home) -> None:
    assert stat.S_IMODE(shared.data.stat().st_mode) == 0o700
    for path in (shared.data / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


# -- health -----------------------------------------------------------------------------------


def get(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_traces_are_not_taken_unless_it_was_asked_for(shared: Home) -> None:
    refused = post(shared.instance.console, b"{}", key=None, path="/v1/traces")
    assert refused.status == 404
    with closing(sqlite3.connect(f"file:{shared.data}/holdfast.db?mode=ro", uri=True)) as store:
        assert store.execute("select count(*) from drift_counts").fetchone() == (0,)


def test_healthz_and_readyz_answer_on_the_console_port(shared: Home) -> None:
    assert get(f"{shared.instance.console}/healthz") == (200, {"status": "ok"})
    status, body = get(f"{shared.instance.console}/readyz")
    assert (status, body["status"]) == (200, "ready")


# -- keys -------------------------------------------------------------------------------------


def every_answer(home: Home, key: str) -> set[int]:
    """Statuses over many new connections, which the system spreads over all workers."""
    return {chat(home.url, key).status for _ in range(CONNECTIONS_ASKED)}


def workers_seen(home: Home, key: str) -> set[int]:
    """Workers that have answered this many connections."""
    calls = [chat(home.url, key).call for _ in range(CONNECTIONS_ASKED)]
    return {home.records(call)[0]["worker"] for call in (calls[:6] + calls[-6:])}


def test_keys_are_in_force_and_out_of_force_on_every_worker_at_once(home: Home) -> None:
    instance = home.up("--workers", "2")
    assert len(instance.workers()) == 2
    made = home.tell("key", "create", "desk")
    assert set(made) == {"key", "id", "node", "in_force"}
    assert "2 workers" in made["in_force"]
    assert every_answer(home, made["key"]) == {200}
    assert workers_seen(home, made["key"]) == {0, 1}
    revoked = home.tell("key", "revoke", made["id"])
    assert revoked["revoked"] is not None
    assert every_answer(home, made["key"]) == {401}
    [row] = home.tell("key", "list")["keys"]
    assert (row["id"], row["node"]) == (made["id"], "desk")
    assert row["revoked"] == revoked["revoked"]
    assert "key" not in row


def test_a_key_revoked_while_nobody_runs_stays_revoked(home: Home) -> None:
    home.up()
    made = home.tell("key", "create", "desk")
    home.instance.stop()
    home.tell("key", "revoke", made["id"])
    home.up()
    assert chat(home.url, made["key"]).rule == "identity.unknown"


def test_a_key_made_while_the_instance_starts_is_in_force_once_it_runs(home: Home) -> None:
    home.up()
    home.instance.stop()
    instance = home.start("--workers", "2")
    made = [home.tell("key", "create", "desk")["key"] for _ in range(2)]
    instance.wait_ready()
    assert [chat(home.url, key).status for key in made] == [200, 200]


def test_a_key_for_no_node_is_refused_with_a_suggestion(shared: Home) -> None:
    ran = shared.run("key", "create", "desc", "--data", str(shared.data))
    assert ran.code == 1
    assert "did you mean 'desk'" in ran.err
    ran = shared.run("key", "revoke", "0123456789", "--data", str(shared.data))
    assert ran.code == 1
    assert "0123456789" in ran.err


# -- stopping ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_lets_a_call_under_way_end(home: Home, number: signal.Signals) -> None:
    instance = home.up()
    home.make_keys("desk")
    workers = instance.workers()
    body = chat_body(stream=True, scripted={"events": 40, "delay_s": 0.02})

    async def outlast() -> tuple[str, bytes]:
        async with await open_stream(home.url, body, home.keys["desk"]) as events:
            instance.process.send_signal(number)
            async with asyncio.timeout(DEADLINE_S):
                return events.call, await events.rest()

    call, text = asyncio.run(outlast())
    assert text.endswith(b"data: [DONE]\n\n")
    assert instance.process.wait(timeout=DEADLINE_S) == 0
    assert not any(is_running(worker) for worker in workers)
    assert [record["event"] for record in home.records(call)] == ["opened", "closed"]
    assert home.tell("audit", "verify")["pending"] == 0
    assert not (home.data / "instance.json").exists()


def test_ctrl_c_at_a_terminal_reaches_everybody_and_still_drains(home: Home) -> None:
    """A terminal sends SIGINT to the whole process group, workers too."""
    instance = home.up()
    home.make_keys("desk")
    body = chat_body(stream=True, scripted={"events": 40, "delay_s": 0.02})

    async def outlast() -> bytes:
        async with await open_stream(home.url, body, home.keys["desk"]) as events:
            os.killpg(instance.process.pid, signal.SIGINT)
            async with asyncio.timeout(DEADLINE_S):
                return await events.rest()

    assert asyncio.run(outlast()).endswith(b"data: [DONE]\n\n")
    assert instance.process.wait(timeout=DEADLINE_S) == 0


def test_stopping_does_not_cut_off_an_answer_that_is_still_being_read(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    size = 16 * 1024 * 1024
    body = chat_body(scripted={"say": "", "size": size})

    async def read_slowly() -> bytes:
        events = await open_stream(home.url, body, home.keys["desk"], buffer_bytes=65536)
        async with events, asyncio.timeout(DEADLINE_S):
            instance.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            return await events.reader.readexactly(int(events.headers["content-length"]))

    answer = asyncio.run(read_slowly())
    assert len(json.loads(answer)["choices"][0]["message"]["content"]) == size
    assert instance.process.wait(timeout=DEADLINE_S) == 0


def test_calls_cut_off_by_stopping_are_recorded_too(home: Home, upstream: ScriptedUpstream) -> None:
    """The drain waits 10 s for a call, not for ever."""
    instance = home.up()
    home.make_keys("desk")
    streamed = chat_body(stream=True, scripted={"events": 2, "delay_s": 60})
    silent = chat_body(scripted={"mark": "cut-off", "silent": True})

    async def cut_off() -> str:
        key = home.keys["desk"]
        asking = asyncio.create_task(open_stream(home.url, silent, key))
        async with await open_stream(home.url, streamed, key) as events:
            await asyncio.to_thread(
                eventually, lambda: upstream.was_reached("cut-off"), "the call arrives"
            )
            instance.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(DEADLINE_S):
                with pytest.raises(asyncio.IncompleteReadError):
                    await events.rest()
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                    await asking
            return events.call

    call = asyncio.run(cut_off())
    assert instance.process.wait(timeout=DEADLINE_S) == 0
    [stopped] = [each for each in instance.events() if each["event"] == "keeper.stopped"]
    assert stopped["calls_cut_off"] == 2
    opened, closed = home.records(call)
    assert (opened["event"], closed["event"], closed["outcome"]) == (
        "opened",
        "closed",
        "cancelled",
    )
    plain = (upstream.seen("cut-off").header(b"x-request-id") or b"").decode()
    assert [record["outcome"] for record in home.records(plain)] == ["cancelled"]


def test_a_stopped_instance_starts_again_with_its_log_and_keys(home: Home) -> None:
    home.up()
    home.make_keys("desk")
    first = chat(home.url, home.keys["desk"])
    assert home.instance.stop() == 0
    before = home.tell("audit", "verify")
    home.up()
    second = chat(home.url, home.keys["desk"])
    assert home.instance.stop() == 0
    after = home.tell("audit", "verify")
    assert (before["size"], after["size"]) == (1, 2)
    assert before["key"] == after["key"]
    for call in (first.call, second.call):
        assert home.tell("audit", "prove", call)["verified"] is True


# -- evidence ---------------------------------------------------------------------------------


def audit_path(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """The root by RFC 9162 section 2.1.3.2, written for this test alone."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        assert sn != 0
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + p + r).digest()
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return r


def check_proof(text: str, entry: bytes) -> None:
    """A c2sp.org/tlog-proof@v1 against the root its checkpoint names."""
    head, _, note = text.partition("\n\n")
    title, index, *hashes = head.split("\n")
    assert title == "c2sp.org/tlog-proof@v1"
    _, size, root = note.split("\n")[:3]
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    path = [base64.b64decode(each) for each in hashes]
    found = audit_path(int(index.removeprefix("index ")), int(size), leaf, path)
    assert found == base64.b64decode(root)


def canonical(record: dict[str, Any]) -> bytes:
    """RFC 8785 for records, which hold neither floats nor keys beyond ASCII."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_every_kind_of_call_is_shown_proven_and_verified(home: Home) -> None:
    home.up()
    home.make_keys("desk")
    key = home.keys["desk"]
    plain = chat(home.url, key)
    streamed = chat(home.url, key, stream=True)
    refused = chat(home.url, key, model="other")
    unknown = chat(home.url, None)
    outcomes = {
        plain.call: [("call", "answered", "allow")],
        streamed.call: [("opened", "open", "allow"), ("closed", "answered", "allow")],
        refused.call: [("call", "refused", "refuse")],
        unknown.call: [("call", "refused", "refuse")],
    }
    vkey = ""
    for call, expected in outcomes.items():
        proven = home.tell("audit", "prove", call)
        assert proven["verified"] is True
        vkey = proven["key"]
        records = [each["record"] for each in proven["proofs"]]
        assert [(r["event"], r["outcome"], r["decision"]) for r in records] == expected
        assert records == home.records(call)
        for each in proven["proofs"]:
            check_proof(each["proof"], canonical(each["record"]))
            checkpoint = Proof.parse(each["proof"]).verify(canonical(each["record"]), vkey)
            assert checkpoint.size == proven["size"]
    found = home.tell("audit", "verify")
    assert (found["verified"], found["size"], found["key"]) == (True, 5, vkey)
    for words in (("verify",), ("show", plain.call), ("prove", streamed.call)):
        ran = home.run("audit", *words, "--data", str(home.data), check=True)
        assert ran.err == ""
        assert "verified: true" in ran.out or words[0] == "show"


def test_a_record_tells_who_asked_whom_over_what(shared: Home) -> None:
    answer = chat(shared.url, shared.keys["desk"], "Count my tokens")
    [record] = shared.records(answer.call)
    assert record["principal"].startswith("spiffe://")
    assert record["principal"].endswith("/desk")
    assert (record["action"], record["resource"]) == ("generate", "reviewer")
    assert record["relationship"] == "desk-reviewer"
    assert (record["tokens_in"], record["tokens_out"], record["status"]) == (9, 12, 200)
    assert record["upstream"] == f"http://127.0.0.1:{shared.upstream_port}/v1"


def test_an_unknown_call_has_no_record_and_exit_1(shared: Home) -> None:
    for word in ("show", "prove"):
        ran = shared.run("audit", word, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--data", str(shared.data))
        assert ran.code == 1
        assert "no record" in ran.err


# -- silence ----------------------------------------------------------------------------------


def places_of(home: Home, needle: str) -> list[Path]:
    """Every file below the folder that holds the text, but for the blueprint."""
    files = [path for path in home.folder.rglob("*") if path.is_file()]
    return [path for path in files if needle.encode() in path.read_bytes()]


def test_no_prompt_answer_or_key_is_written_anywhere(
    home: Home, upstream: ScriptedUpstream
) -> None:
    home.up()
    made = home.tell("key", "create", "desk")
    key = made["key"]
    secret_part = key.rpartition("_")[2]
    said = [chat(home.url, key, SECRET, scripted={"say": ANSWER}).body]
    said += [chat(home.url, key, SECRET, stream=True, scripted={"say": ANSWER}).body]
    chat(home.url, key, SECRET, model="other")
    chat(home.url, key, SECRET, scripted={"say": ANSWER, "status": 500})
    chat(home.url, key, SECRET, stream=True, scripted={"say": ANSWER, "die_after": 2})
    chat(home.url, f"hf_0123456789_{SECRET}", SECRET)
    post(home.url, f'{{"model": "{SECRET}'.encode(), key=key)
    assert all(ANSWER.encode() in body for body in said)
    eventually(lambda: home.tell("audit", "verify")["pending"] == 0, "everything is in the log")
    home.instance.kill()
    home.up()
    assert home.instance.stop() == 0
    assert home.tell("audit", "verify")["size"] > 0
    for needle in (SECRET, ANSWER, key, secret_part):
        assert places_of(home, needle) == []
    assert made["id"] in (home.run("key", "list", "--data", str(home.data), check=True)).out
