"""Evidence is read as others write it; what is none is told with its file."""

import json

import pytest

from holdfast.blueprint import load
from holdfast.blueprint.review import EvidenceError
from holdfast.blueprint.review.readers import read_changes, read_components, read_control_proofs

BLUEPRINT = load(
    """holdfast: 1
name: x
nodes:
  a:
    type: service
    description: d
    controls:
      tls: {description: d, requirements: [{requirement-url: r, config-url: "https://c/tls"}]}
  b: {type: service, description: d}
relationships:
  - id: ab
    connects: [a, b]
    controls:
      mtls: {description: d, requirements: [{requirement-url: r, config-url: "https://c/tls"}]}
""",
    source="f",
    read=lambda name: "",
)


def proofs(*documents):
    text = "\n".join(json.dumps(each) for each in documents)
    found = read_control_proofs(text, source="e.json", blueprint=BLUEPRINT)
    return [(p.subject, p.control, p.dated, p.valid_days) for p in found]


def test_an_evidence_document_of_calm_is_about_every_control_of_its_configuration():
    document = {
        "evidence": {
            "unique-id": "e1",
            "evidence-paths": ["scan.pdf"],
            "control-config-url": "https://c/tls",
            "dated": "2026-05-01",
        },
        "metadata": {"valid-days": 90},
    }
    assert proofs(document) == [("a", "tls", "2026-05-01", 90), ("ab", "mtls", "2026-05-01", 90)]


def test_evidence_may_name_its_control():
    assert proofs({"control": "tls", "subject": "a"}, {"control": "whole"}) == [
        ("a", "tls", None, None),
        ("", "whole", None, None),
    ]


@pytest.mark.parametrize(
    "document", [{"evidence": 3}, {"evidence": {}}, {"control": "x", "dated": "May"}, [1]]
)
def test_what_is_no_evidence_is_told(document):
    with pytest.raises(EvidenceError, match=r"e\.json"):
        proofs(document)


def components(*listed, **changes):
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": list(listed)} | changes
    return read_components(json.dumps(bom), source="bom.json", nodes={"llama", "store"})


def test_components_find_their_nodes_by_property_reference_or_name():
    found = components(
        {"type": "machine-learning-model", "name": "x",
         "properties": [{"name": "holdfast:node", "value": "llama"}]},
        {"type": "data", "name": "y", "bom-ref": "store"},
        {"type": "library", "name": "llama"},
        {"type": "library", "name": "other"},
    )  # fmt: skip
    assert [each.node for each in found] == ["llama", "store", "llama", None]


def test_a_component_tells_its_digest_format_signature_and_provenance():
    (found,) = components(
        {
            "type": "machine-learning-model",
            "name": "weights.SafeTensors",
            "hashes": [{"alg": "MD5", "content": "00"}, {"alg": "SHA-256", "content": "AB" * 32}],
            "externalReferences": [{"type": "attestation", "url": "https://x"}],
            "properties": [{"name": "holdfast:signed", "value": "false"}],
        }
    )
    assert found.digest == "sha256:" + "ab" * 32
    assert (found.format, found.signed, found.provenance) == ("safetensors", False, True)


def test_what_a_bill_does_not_say_stays_unknown():
    (found,) = components({"type": "library", "name": "x"})
    assert (found.digest, found.signed, found.provenance, found.format) == (None,) * 4


def test_components_inside_components_count():
    inner = {"type": "library", "name": "inner"}
    assert [c.name for c in components({"name": "o", "components": [inner]}, {"name": "p"})] == [
        "o",
        "inner",
        "p",
    ]


def test_what_is_no_bill_is_told():
    with pytest.raises(EvidenceError, match=r"bom\.json is no CycloneDX"):
        components(bomFormat="SPDX")


def test_changes_are_read_line_by_line():
    text = '{"day":"2026-05-01","subject":"a","kind":"zone","by-pipeline":false}\n\n'
    (found,) = read_changes(text, source="c.jsonl")
    assert (found.day, found.subject, found.kind) == ("2026-05-01", "a", "zone")
    assert (found.by_pipeline, found.reviewed) == (False, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"day":"2026-05-01"}', "change 1"),
        ('{"day":"soon","subject":"a","kind":"zone"}', "change 1"),
        ('{"day":"2026-05-01","subject":"a","kind":"zone","who":"x"}', "who"),
        ("{}\nnonsense", "c.jsonl:2"),
    ],
)
def test_what_is_no_change_is_told_with_its_number(text, told):
    with pytest.raises(EvidenceError, match=told):
        read_changes(text, source="c.jsonl")
