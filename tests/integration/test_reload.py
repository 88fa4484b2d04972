"""Reload: the new blueprint on every worker, or the old one on all; calls under way go on."""

import asyncio
import signal
from collections.abc import Callable

import pytest
from live import Home, Instance, chat, chat_body, eventually, open_stream, post

pytestmark = pytest.mark.slow

CONNECTIONS_ASKED = 32
"""Enough new connections that every worker behind one port has answered some."""


def every_answer(home: Home, key: str) -> set[int]:
    """Statuses over many new connections, which the system spreads over all workers."""
    return {chat(home.url, key).status for _ in range(CONNECTIONS_ASKED)}


def open_other(text: str) -> str:
    more = "  - {id: desk-other, connects: [desk, other], protocol: HTTP, description: Asks.}\n"
    return text + more


def sighup(instance: Instance) -> None:
    instance.process.send_signal(signal.SIGHUP)


def nothing(instance: Instance) -> None:
    """The changed file is noticed by itself."""


@pytest.mark.parametrize("prompt", [sighup, nothing], ids=["SIGHUP", "changed file"])
def test_a_changed_blueprint_is_taken_by_every_worker(
    home: Home, prompt: Callable[[Instance], None]
) -> None:
    instance = home.up("--workers", "2")
    home.make_keys("desk")
    assert chat(home.url, home.keys["desk"], model="other").rule == "relationship.undeclared"
    home.blueprint.write_text(open_other(home.blueprint.read_text()))
    prompt(instance)
    eventually(lambda: instance.has_logged("reload.adopted"), "the new blueprint is in force")
    statuses = {
        chat(home.url, home.keys["desk"], model="other").status for _ in range(CONNECTIONS_ASKED)
    }
    assert statuses == {200}


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("holdfast: 1", "holdfast: ["),
        lambda text: open_other(text).replace("[desk, other]", "[desk, nobody]"),
        lambda text: open_other(text) + "policies: [missing.cedar]\n",
        lambda text: open_other(text).replace('/v1"}', '/v1", api_key: "env:NOT_SET_HERE"}', 1),
    ],
    ids=["not yaml", "unknown node", "missing policy", "missing secret"],
)
def test_a_bad_blueprint_changes_nothing_and_is_said(
    home: Home, damage: Callable[[str], str]
) -> None:
    instance = home.up("--workers", "2")
    home.make_keys("desk")
    sound = home.blueprint.read_text()
    home.blueprint.write_text(damage(sound))
    sighup(instance)
    eventually(lambda: instance.has_logged("reload.refused"), "the bad blueprint is refused")
    assert every_answer(home, home.keys["desk"]) == {200}
    assert chat(home.url, home.keys["desk"], model="other").rule == "relationship.undeclared"
    home.blueprint.write_text(open_other(sound))
    eventually(lambda: instance.has_logged("reload.adopted"), "the mended one is taken")
    assert chat(home.url, home.keys["desk"], model="other").status == 200


def test_a_call_under_way_ends_on_the_blueprint_it_began_with(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    body = chat_body(stream=True, scripted={"events": 100, "delay_s": 0.02})

    async def overtaken() -> bytes:
        async with await open_stream(home.url, body, home.keys["desk"]) as events:
            text = home.blueprint.read_text()
            removed = [line for line in text.splitlines() if "desk-reviewer" not in line]
            home.blueprint.write_text("\n".join(removed) + "\n")
            sighup(instance)
            await asyncio.to_thread(
                eventually, lambda: instance.has_logged("reload.adopted"), "the reload"
            )
            refused = await asyncio.to_thread(chat, home.url, home.keys["desk"])
            assert refused.rule == "relationship.undeclared"
            return await events.rest()

    assert asyncio.run(overtaken()).endswith(b"data: [DONE]\n\n")


def test_a_stream_under_way_survives_a_change_of_its_upstream(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    body = chat_body(stream=True, scripted={"events": 100, "delay_s": 0.02})

    async def overtaken() -> bytes:
        async with await open_stream(home.url, body, home.keys["desk"]) as events:
            text = home.blueprint.read_text()
            moved = text.replace(f"127.0.0.1:{home.upstream_port}/v1", "127.0.0.1:9/v1")
            home.blueprint.write_text(moved)
            sighup(instance)
            await asyncio.to_thread(
                eventually, lambda: instance.has_logged("reload.adopted"), "the reload"
            )
            failed = await asyncio.to_thread(chat, home.url, home.keys["desk"])
            assert failed.rule == "upstream.unreachable"
            return await events.rest()

    assert asyncio.run(overtaken()).endswith(b"data: [DONE]\n\n")


FORBID = 'forbid (principal, action == Holdfast::Action::"complete", resource);\n'


def test_a_changed_policy_file_is_a_changed_blueprint(home: Home) -> None:
    policy = home.folder / "quiet.cedar"
    policy.write_text("")
    home.blueprint.write_text(home.blueprint.read_text() + "policies: [quiet.cedar]\n")
    instance = home.up()
    home.make_keys("desk")
    key, path = home.keys["desk"], "/v1/completions"
    assert post(home.url, chat_body(), key=key, path=path).status == 200
    policy.write_text("this is no Cedar")
    eventually(lambda: instance.has_logged("reload.refused"), "the bad policy is refused")
    assert post(home.url, chat_body(), key=key, path=path).status == 200
    policy.write_text(FORBID)
    eventually(lambda: instance.has_logged("reload.adopted"), "the new policy is in force")
    denied = post(home.url, chat_body(), key=key, path=path)
    assert (denied.status, denied.rule) == (403, "policy.denied")
    [record] = home.records(denied.call)
    assert (record["decision"], record["rule"]) == ("refuse", "policy.denied")
    assert any("quiet" in each for each in record["policies"])
    assert chat(home.url, key).status == 200
