"""``holdfast review --evidence``: each kind, in the format it really has, decides what was undecided."""

import asyncio
import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from holdfast.app import wiring
from holdfast.app.datadir import DataDir
from holdfast.audit import RECORD_VERSION, CallRecord, Recorder, encode_record
from holdfast.cli import main
from holdfast.world.real import FileJournals, SystemClock, SystemEntropy

CONFIG = "https://shop.example/controls/backups-config.json"
REQUIREMENT = "https://shop.example/controls/backups.json"
BLUEPRINT = f"""\
holdfast: 1
name: shop
adrs: [docs/adr/7.md]
nodes:
  site: {{type: service, description: Shows things.}}
  desk:
    type: service
    description: Answers.
    controls:
      backups:
        description: Backed up each day.
        requirements: [{{requirement-url: "{REQUIREMENT}", config-url: "{CONFIG}"}}]
  model:
    type: ai:llm
    description: Writes.
    controls: {{upstream: {{url: "https://models.example/v1", model: writer-2026-01-01}}}}
    facts: {{trust: owned}}
relationships:
  - {{id: asks, connects: [site, desk], protocol: HTTPS}}
  - {{id: writes, connects: [desk, model], protocol: HTTPS}}
flows:
  - id: order
    name: Order
    description: Somebody buys.
    facts: {{criticality: critical, runs_per_hour: 100}}
    steps: [{{over: asks, description: asks}}, {{over: writes, description: writes}}]
"""
AT = 1_800_000_000_000_000_000
"""The spans' and records' time, in nanoseconds."""


def review(folder: Path, *words: str) -> tuple[int, str]:
    (folder / "shop.yaml").write_text(BLUEPRINT)
    asked = ["review", str(folder / "shop.yaml"), "--on", "2026-06-01", "--json", *words]
    done = CliRunner().invoke(main, [*asked, "--all"])
    return done.exit_code, done.output


def verdicts(folder: Path, rule: str, *evidence: str) -> dict[str, str]:
    """What one rule says, by what it says it of; without evidence it cannot decide a thing."""
    words = [word for each in evidence for word in ("--evidence", each)]
    code, output = review(folder, "--rule", rule, *words)
    assert code in (0, 1), output
    found = json.loads(output)["findings"]
    return {each["subject"]: each["verdict"] for each in found if each["rule"] == rule}


def otlp(source: str, target: str) -> dict:
    def group(service, key, parent, kind, peer):
        said = {"service.name": service}
        attributes = [{"key": k, "value": {"stringValue": v}} for k, v in said.items()]
        span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": key, "name": "GET /",
                "parentSpanId": parent, "kind": kind, "startTimeUnixNano": str(AT),
                "endTimeUnixNano": str(AT + 5_000_000),
                "attributes": [{"key": "server.address", "value": {"stringValue": peer}}]}  # fmt: skip
        return {"resource": {"attributes": attributes}, "scopeSpans": [{"spans": [span]}]}

    return {"resourceSpans": [group(source, "eee19b7ec3c1b173", "", 3, target),
                              group(target, "eee19b7ec3c1b174", "eee19b7ec3c1b173", 2, target)]}  # fmt: skip


def traces(folder: Path) -> str:
    (folder / "traces.json").write_text(json.dumps(otlp("site", "desk"), indent=2))
    return f"traces={folder / 'traces.json'}"


async def _record(data: DataDir, store, *entries: bytes) -> None:
    log = wiring.open_log(data, store=store, clock=SystemClock(), entropy=SystemEntropy())
    recorder = Recorder(FileJournals(data.journals), SystemClock(), worker=0)
    done = [asyncio.get_running_loop().create_future() for _ in entries]
    for entry, future in zip(entries, done, strict=True):
        recorder.submit(entry, future.set_result)
    await asyncio.gather(*done)
    await recorder.close()
    log.integrate()


def calls(folder: Path) -> str:
    data = DataDir(folder / "data")
    data.create()
    call = CallRecord(
        action="generate", at=AT // 1_000, blueprint="b", bundle="b", call="c", decision="allow",
        duration_us=1, event="call", outcome="answered", relationship="writes", resource="model",
        principal="spiffe://holdfast.local/t/default/service/desk", status=200, tenant="default",
        v=RECORD_VERSION, worker=0,
    )  # fmt: skip
    wiring.choose_store(data, None).close()
    with closing(wiring.open_store(data)) as store:
        asyncio.run(_record(data, store, encode_record(call)))
    return f"calls={folder / 'data'}"


MANIFESTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: shop}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: NAME}}
  template:
    metadata: {labels: {app.kubernetes.io/name: NAME}}
    spec: {containers: [{name: main, image: NAME, ports: [{containerPort: 8443}]}]}
---
"""
DENIED = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
"""
ALLOWED = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ingress-of-TO, namespace: shop}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: TO}}
  ingress: [{from: [{podSelector: {matchLabels: {app.kubernetes.io/name: FROM}}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: egress-of-FROM, namespace: shop}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: FROM}}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app.kubernetes.io/name: TO}}}]}]
---
"""


def workloads(folder: Path, *, source: str = "site", target: str = "desk") -> str:
    pods = "".join(MANIFESTS.replace("NAME", name) for name in ("site", "desk"))
    allowed = ALLOWED.replace("FROM", source).replace("TO", target)
    (folder / "k8s").mkdir(exist_ok=True)
    (folder / "k8s" / "all.yaml").write_text(pods + DENIED + allowed)
    return f"workloads={folder / 'k8s'}"


def controls(folder: Path, *, dated: str = "2026-05-01") -> str:
    proof = {"unique-id": "drill-7", "evidence-paths": ["drill.pdf"],
             "control-config-url": CONFIG, "dated": dated}  # fmt: skip
    (folder / "evidence.json").write_text(json.dumps({"evidence": proof}))
    return f"controls={folder / 'evidence.json'}"


def components(folder: Path) -> str:
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX",
        "specVersion": "1.6", "version": 1,
        "components": [{
            "type": "machine-learning-model", "bom-ref": "model", "name": "writer.safetensors",
            "hashes": [{"alg": "SHA-256", "content": "ab" * 32}],
            "externalReferences": [{"type": "attestation", "url": "https://shop.example/slsa"}],
        }],
    }  # fmt: skip
    (folder / "bom.json").write_text(json.dumps(bill))
    return f"components={folder / 'bom.json'}"


def changes(folder: Path) -> str:
    row = {"day": "2026-05-01", "subject": "desk", "kind": "privilege", "by": "ada"}
    more = {"day": "2026-05-02", "subject": "site", "kind": "privilege", "adr": "docs/adr/7.md"}
    (folder / "changes.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(more)}\n")
    return f"changes={folder / 'changes.jsonl'}"


def documents(folder: Path) -> str:
    (folder / "schemas").mkdir()
    (folder / "schemas/backups.json").write_text('{"properties": {"hours": {"maximum": 24}}}')
    (folder / "schemas/config.json").write_text('{"hours": 48}')
    urls = {REQUIREMENT: "schemas/backups.json", CONFIG: "schemas/config.json"}
    (folder / "urls.json").write_text(json.dumps(urls))
    return f"documents={folder / 'urls.json'}"


@pytest.mark.parametrize(
    ("rule", "given", "before", "after"),
    [
        ("OB-01", traces, {"order": "undecided"}, {"asks": "holds", "writes": "undecided"}),
        ("OB-01", calls, {"order": "undecided"}, {"asks": "undecided", "writes": "holds"}),
        ("TB-07", workloads, {"": "undecided"}, {"desk": "holds", "site": "holds"}),
        ("OB-04", controls, {"desk": "undecided"}, {"desk": "holds"}),
        ("SC-02", components, {"model": "undecided"}, {"model": "holds"}),
        ("SC-03", components, {"": "undecided"}, {"model": "holds"}),
        ("GV-02", changes, {"": "undecided"}, {"desk": "broken", "site": "holds"}),
        ("OB-05", documents, {"desk": "undecided"}, {"desk": "broken"}),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_evidence_decides_what_was_undecided(tmp_path, rule, given, before, after):
    assert verdicts(tmp_path, rule) == before
    assert verdicts(tmp_path, rule, given(tmp_path)) == after


def test_evidence_decides_against_the_system_too(tmp_path):
    permits = workloads(tmp_path, source="desk", target="site")
    assert verdicts(tmp_path, "TB-07", permits) == {"desk": "broken", "site": "holds"}
    assert verdicts(tmp_path, "OB-04", controls(tmp_path, dated="2020-01-01")) == {"desk": "broken"}


WRONG = [
    ("traces", "t.json", "[[", "t.json"),
    ("traces", "t.json", '{"resourceSpans": 5}', "resourceSpans"),
    ("calls", "data/x", "", "is not a data directory"),
    ("workloads", "k.yaml", "kind: [", "k.yaml"),
    ("workloads", "k.yaml", MANIFESTS.replace("NAME", "other"), "belongs to a node"),
    ("controls", "e.json", '{"evidence": {"unique-id": "x"}}', "names no `control-config-url`"),
    ("controls", "e.json", '{"control": "backups", "dated": "soon"}', "e.json: evidence 1"),
    ("controls", "e.json", '{"control": "backups", "subject": "desc"}', "desc"),
    ("components", "b.json", '{"spdxVersion": "SPDX-2.3"}', "is no CycloneDX document"),
    ("components", "b.json", "<bom/>", "b.json:1"),
    ("changes", "c.jsonl", '{"day": "2026-05-01", "subject": "a", "kind": "x"}\n{"day":', "c.jsonl:2"),
    ("changes", "c.jsonl", '{"day": "May", "subject": "a", "kind": "x"}', "change 1"),
    ("documents", "u.json", '["a"]', "u.json: the map holds no JSON object"),
    ("documents", "u.json", '{"https://x.example": "no.json"}', "no.json cannot be read"),
    ("documents", "u.json", '{"https://x.example": "u.json/../bad.json"}', "bad.json"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "text", "told"), WRONG)
def test_what_is_no_evidence_is_told_with_its_place_and_how_to_mend_it(
    tmp_path, kind, name, text, told
):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    given = path.parent if kind == "calls" else path
    code, output = review(tmp_path, "--evidence", f"{kind}={given}")
    assert code == 2, output
    error = json.loads(output)["error"]
    assert told in error["what"] + error["fix"]
    assert error["fix"]
