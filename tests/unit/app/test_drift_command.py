"""``holdfast drift``: files in, a table and findings out, and the exit code."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from holdfast.app.sightings import seen_in_traces
from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.cli import main

BLUEPRINT = """\
holdfast: 1
name: shop
nodes:
  frontend: {type: service, description: A.}
  cart: {type: service, description: A.}
  redis: {type: service, description: A.}
  pay: {type: service, description: A., facts: {effect: irreversible}}
relationships:
  - {id: frontend-cart, connects: [frontend, cart]}
  - {id: cart-redis, connects: [cart, redis]}
"""
HEAD = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration"
AT = 1_800_000_000_000_000_000


def nezha(*pairs: tuple[str, str], n: int = 30) -> str:
    rows = [HEAD]
    for i in range(n):
        for k, (source, target) in enumerate(pairs):
            at = AT + i * 1_000_000_000
            rows.append(f"t{i}-{k},a,root,{source}-6f6cfc45b-h5m2n,op,{at},{at + 9},0")
            rows.append(f"t{i}-{k},b,a,{target}-5bd9cfd5d-x1y2z,op,{at + 1},{at + 2},0")
    return "\n".join(rows) + "\n"


def otlp(source: str, target: str, *, number: int) -> dict:
    def group(service, key, parent, kind, more=()):
        attributes = [{"key": "service.name", "value": {"stringValue": service}}]
        span = {"traceId": f"{number:x}", "spanId": key, "parentSpanId": parent, "kind": kind,
                "startTimeUnixNano": AT, "endTimeUnixNano": AT + 5,
                "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in more]}  # fmt: skip
        return {"resource": {"attributes": attributes}, "scopeSpans": [{"spans": [span]}]}

    peer = (("spiffe.peer.id", f"spiffe://holdfast.local/t/default/service/{source}"),)
    return {"resourceSpans": [group(source, "1", "", 3), group(target, "2", "1", 2, peer)]}


def run(folder: Path, *words: str) -> tuple[int, dict]:
    (folder / "shop.yaml").write_text(BLUEPRINT)
    done = CliRunner().invoke(main, ["drift", str(folder / "shop.yaml"), *words, "--json"])
    return done.exit_code, json.loads(done.output)


def test_what_is_declared_gives_no_finding_and_exit_code_0(tmp_path):
    (tmp_path / "t.csv").write_text(nezha(("frontend", "cart"), ("cart", "redis")))
    code, said = run(tmp_path, "--traces", str(tmp_path / "t.csv"))
    assert code == 0
    assert said["sightings"] == 60
    assert [each for each in said["findings"] if each["level"] != "note"] == []


def test_a_shadow_at_a_privileged_node_is_an_alert_and_exit_code_1(tmp_path):
    line = json.dumps(otlp("shadow", "pay", number=1))
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(line.encode() + b"\n"))
    code, said = run(tmp_path, "--traces", str(tmp_path))
    assert code == 1
    (alert,) = (each for each in said["findings"] if each["level"] == "alert")
    assert (alert["kind"], alert["source"], alert["target"]) == ("D3", "service=/shadow", "pay")
    assert alert["remedy"]["patches"][0]["path"] == ["nodes", "shadow"]


def test_lines_and_a_whole_document_read_alike(tmp_path):
    both = [otlp("frontend", "redis", number=n) for n in range(8)]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(each) for each in both))
    merged = {"resourceSpans": [group for each in both for group in each["resourceSpans"]]}
    (tmp_path / "b.json").write_text(json.dumps(merged, indent=1))
    _, lines = run(tmp_path, "--traces", str(tmp_path / "a.jsonl"))
    _, whole = run(tmp_path, "--traces", str(tmp_path / "b.json"))
    assert lines["findings"] == whole["findings"]
    assert lines["counts"]["D1"] == 1


def test_a_binding_says_which_node_a_service_is(tmp_path):
    (tmp_path / "t.csv").write_text(nezha(("frontend", "basket")))
    (tmp_path / "b.yaml").write_text('bindings: {"k8s=//basket": cart}\n')
    traces = ("--traces", str(tmp_path / "t.csv"))
    _, before = run(tmp_path, *traces)
    _, after = run(tmp_path, *traces, "--bindings", str(tmp_path / "b.yaml"))
    assert (before["counts"]["D3"], after["counts"]["D3"]) == (1, 0)


def test_what_the_network_permits_is_a_third_column(tmp_path):
    (tmp_path / "t.csv").write_text(nezha(("frontend", "cart")))
    (tmp_path / "p.json").write_text('[["frontend", "pay"]]')
    _, said = run(
        tmp_path, "--traces", str(tmp_path / "t.csv"), "--permitted", str(tmp_path / "p.json")
    )
    readings = {(row["source"], row["target"]): row["reading"] for row in said["table"]}
    assert readings["frontend", "pay"].startswith("attack surface")
    assert readings["frontend", "cart"].startswith("enforcement hole")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--traces", "no.csv"), "file.unreadable"),
        (("--traces", "bad.json"), "drift.traces"),
        (("--traces", "cut.json"), "drift.traces"),
        (("--traces", "other.json"), "drift.traces"),
        (("--traces", "deep.json"), "drift.traces"),
        (("--traces", "other.pb"), "drift.traces"),
        (("--traces", "plain.json.gz"), "file.unreadable"),
        (("--traces", "shop.yaml"), "drift.traces"),
        (("--traces", "t.csv", "--permitted", "shop.yaml"), "kubernetes.invalid"),
        (("--traces", "t.csv", "--bindings", "bad.yaml"), "drift.bindings"),
        (("--traces", "t.csv", "--earlier", "soon=x"), "file.unreadable"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_code(tmp_path, monkeypatch, words, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(nezha(("frontend", "cart"), n=1))
    (tmp_path / "bad.json").write_text('{"resourceSpans": 5}')
    (tmp_path / "cut.json").write_text('{"resourceSpans": [')
    (tmp_path / "deep.json").write_text("[" * 5_000 + "]" * 5_000)
    (tmp_path / "other.json").write_text('{"resourceMetrics": []}')
    (tmp_path / "other.pb").write_bytes(b"\xff" * 64)
    (tmp_path / "plain.json.gz").write_text("{}")
    (tmp_path / "bad.yaml").write_text("bindings: {house=x: cart}\n")
    exit_code, said = run(tmp_path, *words)
    assert exit_code == 1
    assert said["error"]["code"] == code


def test_the_words_for_people_fit_a_screen(tmp_path):
    pairs = [(f"s{n}", "cart") for n in range(40)]
    (tmp_path / "t.csv").write_text(nezha(*pairs, n=3))
    (tmp_path / "shop.yaml").write_text(BLUEPRINT)
    words = ["drift", str(tmp_path / "shop.yaml"), "--traces", str(tmp_path / "t.csv")]
    done = CliRunner().invoke(main, words)
    assert "and 28 more: --all shows them" in done.output
    assert len(done.output.splitlines()) < 80


def words_of(folder: Path, *words: str) -> str:
    (folder / "shop.yaml").write_text(BLUEPRINT)
    return CliRunner().invoke(main, ["drift", str(folder / "shop.yaml"), *words]).output


def test_where_nothing_was_seen_nothing_is_said_to_agree(tmp_path):
    (tmp_path / "t.json").write_text('{"resourceSpans": []}')
    assert "nothing can be said" in words_of(tmp_path, "--traces", str(tmp_path / "t.json"))


def test_a_signal_that_is_not_judged_says_what_it_needs_and_whether_that_can_be_given(tmp_path):
    (tmp_path / "t.csv").write_text(nezha(("frontend", "cart"), n=3))
    traces = ("--traces", str(tmp_path / "t.csv"))
    said = words_of(tmp_path, *traces, "--all")
    for name in ("O1", "O2", "O3", "O6"):
        (line,) = (each for each in said.splitlines() if each.startswith(f"  {name} "))
        assert "not judged, for it needs" in line
        assert "no option reads" in line or "where one is read" in line
    _, reply = run(tmp_path, *traces)
    assert reply["signals_missing"].keys() >= {"O1", "O2", "O3", "O5", "O6", "O7", "O9", "O12"}
    assert "--earlier" in reply["signals_missing"]["O5"]


def test_traces_are_evidence_for_reviews(tmp_path):
    (tmp_path / "t.csv").write_text(nezha(("frontend", "cart"), ("frontend", "shadow")))
    system = System(load(BLUEPRINT, source="shop.yaml", read=str))
    seen = seen_in_traces([tmp_path / "t.csv"], system)
    assert seen.edges["frontend", "cart"].calls == 30
    assert seen.edges["frontend", "cart"].authenticated is None
    assert seen.strangers == ("k8s=//shadow",)
    assert seen.instrumented >= {"frontend", "cart"}
