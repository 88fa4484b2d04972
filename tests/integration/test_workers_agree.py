"""What one worker learns of an upstream, all know: breakers, rests, and workers that start later."""

import time

import pytest
from live import Home, KeptConnection, ScriptedUpstream, chat, eventually

pytestmark = pytest.mark.slow

# Enough failures that the other worker could not open its own breaker with the few calls it gets.
BREAKER = "breaker: {failures: 10, share: 1.0, calls_min: 1000, open_s: 600}"
ONCE = "retries: {attempts: 1}"
ASKED_OF_THE_OTHER = 3


def connections_to_both(home: Home) -> list[KeptConnection]:
    """A kept connection to each of two workers."""
    found: dict[int, KeptConnection] = {}

    def both() -> bool:
        kept = KeptConnection(home.url, home.keys["desk"])
        worker = home.records(kept.ask().call)[0]["worker"]
        if found.setdefault(worker, kept) is not kept:
            kept.close()
        return len(found) == 2

    eventually(both, "connections to both workers")
    return [found[worker] for worker in sorted(found)]


def add_control(home: Home, upstream: str, control: str) -> None:
    """Beside the first upstream that is written so."""
    text = home.blueprint.read_text()
    assert upstream in text
    home.blueprint.write_text(text.replace(upstream, f"{upstream}\n      {control}", 1))


def test_a_breaker_that_one_worker_opens_is_open_on_the_other(home: Home) -> None:
    add_control(home, 'upstream: {url: "http://127.0.0.1:9/v1"}', BREAKER)
    home.up("--workers", "2")
    home.make_keys("desk")
    one, other = connections_to_both(home)
    eventually(lambda: one.ask(model="nowhere").rule == "upstream.open", "the breaker opens")
    rules: list[str] = []
    while "upstream.open" not in rules and len(rules) < ASKED_OF_THE_OTHER:
        rules.append(other.ask(model="nowhere").rule)
        time.sleep(0.5)
    assert rules[-1] == "upstream.open"
    one.close()
    other.close()


def test_an_upstream_that_asked_one_worker_for_rest_rests_from_all_and_from_successors(
    home: Home, upstream: ScriptedUpstream
) -> None:
    add_control(home, f'upstream: {{url: "http://127.0.0.1:{home.upstream_port}/v1"}}', ONCE)
    home.up("--workers", "2")
    home.make_keys("desk")
    one, other = connections_to_both(home)
    rest = {"status": 429, "headers": {"retry-after": "600"}}
    assert one.ask(scripted=rest).status == 429
    eventually(lambda: other.ask().rule == "upstream.rate-limited", "the other lets it rest")
    refused = other.ask(scripted={"mark": "while-it-rests"})
    assert (refused.status, refused.rule) == (429, "upstream.rate-limited")
    assert 0 < int(refused.headers["retry-after"]) <= 600
    assert not upstream.was_reached("while-it-rests")
    home.tell("restart")
    later = chat(home.url, home.keys["desk"])
    assert home.records(later.call)[0]["worker"] > 1
    assert later.rule == "upstream.rate-limited"
    one.close()
    other.close()
