"""Traces that are sent to a running instance, and its own records, against what is declared."""

import gzip
import json
import os
import signal
import sqlite3
import struct
import time
import urllib.request
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from live import DEADLINE_S, Home, chat, eventually

CALLS = 12
PAIRS = 5_000
"""Calls of one trace: so many spans count at once, the wait for a rest of their trace is over."""
SERVER, CLIENT = 2, 3
ANY, DENIED = "desk-limited", "desk->limited"


@dataclass(frozen=True, slots=True)
class Said:
    """One span: of which service, in which trace, below which other."""

    service: str
    trace: str
    id: str
    parent: str
    kind: int
    at: int


def calls(source: str, target: str, *, trace: int, count: int) -> list[Said]:
    """Spans of both sides of ``count`` calls."""
    at, found, name = time.time_ns(), list[Said](), f"{trace:032x}"
    for n in range(1, count + 1):
        asked, heard = f"{2 * n:016x}", f"{2 * n + 1:016x}"
        found += (
            Said(source, name, asked, "", CLIENT, at),
            Said(target, name, heard, asked, SERVER, at + 1_000),
        )
    return found


def by_service(spans: Iterable[Said]) -> dict[str, list[Said]]:
    groups: dict[str, list[Said]] = {}
    for span in spans:
        groups.setdefault(span.service, []).append(span)
    return groups


def as_json(spans: Iterable[Said]) -> bytes:
    def group(service: str, inner: list[Said]) -> dict[str, Any]:
        name = {"key": "service.name", "value": {"stringValue": service}}
        said = [
            {"traceId": s.trace, "spanId": s.id, "parentSpanId": s.parent, "kind": s.kind,
             "name": "call", "startTimeUnixNano": str(s.at), "endTimeUnixNano": str(s.at + 900)}
            for s in inner
        ]  # fmt: skip
        return {"resource": {"attributes": [name]}, "scopeSpans": [{"spans": said}]}

    groups = by_service(spans).items()
    return json.dumps({"resourceSpans": [group(*each) for each in groups]}).encode()


def sized(number: int, data: bytes) -> bytes:
    """A field of protocol buffers that says its length."""
    size, left = bytearray(), len(data)
    while left > 0x7F:
        size.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes((number << 3 | 2, *size, left)) + data


def as_wire(spans: Iterable[Said]) -> bytes:
    def one(s: Said) -> bytes:
        ids = sized(1, bytes.fromhex(s.trace)) + sized(2, bytes.fromhex(s.id))
        parent = sized(4, bytes.fromhex(s.parent)) if s.parent else b""
        times = b"\x39" + struct.pack("<Q", s.at) + b"\x41" + struct.pack("<Q", s.at + 900)
        return ids + parent + sized(5, b"call") + bytes((0x30, s.kind)) + times

    def group(service: str, inner: list[Said]) -> bytes:
        name = sized(1, b"service.name") + sized(2, sized(1, service.encode()))
        return sized(1, sized(1, name)) + sized(2, b"".join(sized(2, one(s)) for s in inner))

    return b"".join(sized(1, group(*each)) for each in by_service(spans).items())


def send(home: Home, body: bytes, *, media: str = "application/json") -> int:
    headers = {"content-type": media, "content-encoding": "gzip"}
    url = f"{home.instance.console}/v1/traces"
    request = urllib.request.Request(url, gzip.compress(body), headers, method="POST")
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        return answer.status


def kept(home: Home) -> dict[str, int]:
    """What lies in the database: how often each kind of contact was seen, by how it is written."""
    with closing(sqlite3.connect(f"file:{home.data}/holdfast.db?mode=ro", uri=True)) as store:
        assert store.execute("pragma integrity_check").fetchone() == ("ok",)
        rows = store.execute("select entry, n from drift_counts where sort = 'contact'")
        return dict(rows)


def drift(home: Home, *words: str) -> tuple[int, dict[str, Any]]:
    ran = home.run("drift", *words, "--data", str(home.data), "--json")
    assert ran.out, ran
    assert ran.code in (0, 1), ran
    return ran.code, ran.json()


def finding(told: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    (found,) = (
        each for each in told["findings"] if (each["source"], each["target"]) == (source, target)
    )
    return found


@pytest.mark.slow
def test_what_traces_and_records_show_is_held_against_the_declaration(home: Home) -> None:
    """One test, since an instance is started for it."""
    home.up("--accept-traces")
    home.make_keys("desk", "clerk")
    for key, model in (("desk", "reviewer"), ("desk", "limited"), ("clerk", "other")):
        for _ in range(CALLS):
            assert chat(home.url, home.keys[key], model=model, max_tokens=5).status == 200
    assert send(home, as_json(calls("desk", "clerk", trace=1, count=PAIRS))) == 200
    wire = as_wire(calls("clerk", "shadow", trace=2, count=PAIRS))
    assert send(home, wire, media="application/x-protobuf") == 200
    eventually(lambda: sum(kept(home).values()) == 2 * PAIRS, "what was sent is in the database")
    the_console_tells_both(home)
    the_command_offers_three_remedies(home)
    a_deny_rule_was_replayed_over_real_calls(home)
    a_killed_keeper_leaves_what_was_kept(home)


def the_console_tells_both(home: Home) -> None:
    with urllib.request.urlopen(f"{home.instance.console}/api/drift", timeout=DEADLINE_S) as reply:
        told = json.load(reply)
    rows = {(row["source"], row["target"]): row for row in told["rows"]}
    for pair in (("desk", "reviewer"), ("desk", "limited"), ("clerk", "other")):
        assert (rows[pair]["reading"], rows[pair]["seen"]) == ("agrees", CALLS)
    assert (rows["desk", "clerk"]["declared"], rows["desk", "clerk"]["seen"]) == (False, PAIRS)
    by_ends = {(each["source"], each["target"]): each for each in told["findings"]}
    assert by_ends["desk", "clerk"]["rule"] == "DRIFT-D1"
    assert by_ends["clerk", "service=/shadow"]["rule"] == "DRIFT-D3"


def the_command_offers_three_remedies(home: Home) -> None:
    _, told = drift(home, str(home.blueprint))
    undeclared = finding(told, "desk", "clerk")
    assert undeclared["kind"] == "D1"
    (patch,) = undeclared["remedy"]["patches"]
    assert patch["value"]["connects"] == ["desk", "clerk"]
    assert undeclared["remedy"]["would_refuse"] == PAIRS
    assert undeclared["remedy"]["cedar"].count("forbid") == 1
    assert undeclared["remedy"]["waiver"]["rule"] == "DRIFT-D1"
    stranger = finding(told, "clerk", "service=/shadow")
    assert (stranger["kind"], len(stranger["remedy"]["patches"])) == ("D3", 2)
    assert "clerk" in stranger["remedy"]["network"]
    assert stranger["remedy"]["waiver"]["at"] == "clerk->service=/shadow"


def a_deny_rule_was_replayed_over_real_calls(home: Home) -> None:
    """The declaration says otherwise by now: what the gateway carried is not declared any more."""
    text = home.blueprint.read_text()
    begin = text.index(f"  - id: {ANY}")
    other = home.folder / "other.yaml"
    other.write_text(text[:begin] + text[text.index("  - {id: desk-impatient") :])
    code, told = drift(home, str(other))
    found = finding(told, "desk", "limited")
    assert (code, found["kind"], found["at"]) == (1, "D1", DENIED)
    assert found["remedy"]["would_refuse"] == CALLS
    assert found["remedy"]["would_refuse_covered"] == 0
    assert 'resource == Holdfast::Model::"limited"' in found["remedy"]["cedar"]
    pairs = {(each["source"], each["target"]) for each in told["findings"]}
    assert ("desk", "reviewer") not in pairs


def a_killed_keeper_leaves_what_was_kept(home: Home) -> None:
    before = kept(home)
    assert send(home, as_json(calls("desk", "other", trace=3, count=3))) == 200
    os.kill(home.instance.process.pid, signal.SIGKILL)
    home.instance.kill()
    after = kept(home)
    assert {entry: after[entry] for entry in before} == before
    assert sum(after.values()) - sum(before.values()) in {0, 3}
    _, told = drift(home, str(home.blueprint))
    assert finding(told, "desk", "clerk")["sightings"] == PAIRS
    assert home.tell("audit", "verify")["verified"] is True
