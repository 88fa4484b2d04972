"""Revocation reaches every worker of a running instance, and a keeper's silence shows."""

import os
import signal
import time

import pytest
from live import Home, chat, eventually

pytestmark = pytest.mark.slow

BOUND_S = 5.0
"""What is promised; what is seen here is some hundredths of it."""


def states(home: Home) -> list[dict[str, object]]:
    return home.revocations()["workers"]


def known_everywhere(home: Home, revoked: int) -> bool:
    return all(worker["revoked"] == revoked for worker in states(home))


def test_what_is_revoked_is_known_to_every_worker_when_the_command_returns(home: Home) -> None:
    home.up("--workers", "2")
    done = home.tell("revoke", "agent", "desk", "--reason", "seen elsewhere")
    assert done["in_force"] == "It is in force on 2 workers."
    name = done["revocation"]["id"]
    eventually(lambda: known_everywhere(home, 1), "both workers report it", deadline_s=BOUND_S)
    listed = home.tell("revoke", "list")["revocations"]
    assert [(row["id"], row["kind"]) for row in listed] == [(name, "agent")]
    assert listed[0]["subject"].endswith("/service/desk")
    home.tell("revoke", "undo", name)
    eventually(lambda: known_everywhere(home, 0), "both workers let go", deadline_s=BOUND_S)
    home.tell("restart")
    # What a fresh worker knows is told with its first report, a quarter of a second after its start.
    eventually(
        lambda: all(worker["revocations"] == 2 for worker in states(home)),
        "fresh workers know both changes",
        deadline_s=BOUND_S,
    )
    shown = home.tell("audit", "show", name)["records"][0]["record"]
    assert (shown["kind"], shown["reason"]) == ("revocation.made", "seen elsewhere")
    assert home.tell("audit", "prove", name)["verified"]


def test_a_suspended_passport_revokes_its_agent_while_it_lasts(home: Home) -> None:
    home.up("--workers", "2")
    made = home.tell(
        "passport", "create", "desk", "--org", "Org", "--contact", "a@b.example", "--tier", "1"
    )
    assert (made["status"], made["seq"]) == ("active", 1)
    assert home.tell("passport", "suspend", "desk")["in_force"] == "It is in force on 2 workers."
    eventually(lambda: known_everywhere(home, 1), "it is revoked", deadline_s=BOUND_S)
    home.tell("passport", "resume", "desk")
    eventually(lambda: known_everywhere(home, 0), "it is not", deadline_s=BOUND_S)
    home.tell("passport", "revoke", "desk", "--reason", "for good")
    shown = home.tell("passport", "show", "desk")
    assert [row["status"] for row in shown["versions"]] == [
        "active",
        "suspended",
        "active",
        "revoked",
    ]
    ended = home.run("passport", "resume", "desk", "--data", str(home.data), "--json")
    assert ended.code == 1
    assert ended.json()["error"]["code"] == "passport.state"


def test_what_is_revoked_while_nothing_runs_is_known_from_the_first_call(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    instance.stop()
    done = home.tell("revoke", "tenant", "default")
    assert done["in_force"] == "It is in force when the instance starts."
    home.up("--workers", "2")
    assert known_everywhere(home, 1)
    refused = chat(home.url, home.keys["desk"])
    assert (refused.status, refused.rule) == (401, "identity.revoked")
    [record] = home.records(refused.call)
    assert (record["decision"], record["principal"][-12:]) == ("refuse", "service/desk")
    eventually(lambda: home.tell("audit", "prove", done["revocation"]["id"]), "it is in the log")


def test_workers_whose_keeper_is_frozen_know_that_they_know_nothing_new(home: Home) -> None:
    instance = home.up("--workers", "2")
    eventually(
        lambda: all(worker["freshness"] == "fresh" for worker in states(home)), "all is well"
    )
    os.kill(instance.process.pid, signal.SIGSTOP)
    try:
        # Longer than what makes them stale; their reports wait in the channel meanwhile.
        time.sleep(BOUND_S + 3)
    finally:
        os.kill(instance.process.pid, signal.SIGCONT)

    def stale() -> set[object]:
        return {
            each["worker"] for each in instance.events() if each["event"] == "revocations.stale"
        }

    eventually(lambda: stale() == {0, 1}, "both workers had said so")
    eventually(
        lambda: all(worker["freshness"] == "fresh" for worker in states(home)), "they know again"
    )
