"""Each of the ten patterns is recognised by its control, and suggested where it would help."""

import json
from collections.abc import Mapping

import pytest

from holdfast.blueprint import load, read_yaml
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import Case, Evidence, patched
from holdfast.blueprint.review.patterns import PatternReport, patterns
from holdfast.testing.review import TODAY

HEAD = "holdfast: 1\nname: Case\n"
PRESENT = """
nodes:
  desk: {type: service, description: d, facts: {criticality: critical}, controls: {bulkhead: {calls: 9}}}
  agent: {type: "ai:agent", description: d, facts: {criticality: low}}
  person: {type: "ai:human-in-the-loop", description: d}
  large:
    type: ai:llm
    description: d
    controls: {routing: {by: cheapest}, limits: {max_tokens: 100}, health: {path: /health}, budget: {per: day, tokens: 1M}}
  one: {type: "ai:llm", description: d, controls: {upstream: {url: "https://one.example/v1"}, price: {input: 1, output: 2}}}
  two: {type: "ai:llm", description: d, controls: {upstream: {url: "https://two.example/v1"}, price: {input: 2, output: 3}}}
  small: {type: "ai:llm", description: d, controls: {upstream: {url: "https://small.example/v1"}, limits: {max_tokens: 9}}}
relationships:
  - id: desk-large
    connects: [desk, large]
    controls: {fallback: {to: [small]}, criticality: critical, cache: {ttl_s: 60}}
  - {id: desk-small, connects: [desk, small]}
  - {id: agent-large, connects: [agent, large], controls: {criticality: sheddable, bulkhead: {calls: 2}, fallback: {to: [small]}}}
  - {id: agent-small, connects: [agent, small], controls: {budget: {per: day, tokens: 1M}, criticality: sheddable}}
  - {id: parts, composed-of: {container: large, nodes: [one, two]}}
"""
ABSENT = """
nodes:
  desk: {type: service, description: d, facts: {criticality: critical}}
  agent: {type: "ai:agent", description: d, facts: {criticality: low}}
  vendor: {type: service, description: d, facts: {trust: third-party}}
  books: {type: service, description: d, facts: {effect: irreversible}}
  large: {type: "ai:llm", description: d, controls: {limits: {max_tokens: 100}}}
  one: {type: "ai:llm", description: d, controls: {upstream: {url: "https://one.example/v1"}, price: {input: 1, output: 2}}}
  two: {type: "ai:llm", description: d, controls: {upstream: {url: "https://two.example/v1"}, price: {input: 2, output: 3}}}
  small: {type: "ai:llm", description: d, controls: {upstream: {url: "https://small.example/v1"}, limits: {max_tokens: 9}}}
  vectors: {type: "ai:embedding-model", description: d, controls: {upstream: {url: "https://v.example/v1"}}}
relationships:
  - {id: desk-large, connects: [desk, large], controls: {retries: {attempts: 1}}}
  - {id: desk-small, connects: [desk, small]}
  - {id: agent-large, connects: [agent, large]}
  - {id: desk-vectors, connects: [desk, vectors]}
  - {id: desk-vendor, connects: [desk, vendor]}
  - {id: agent-books, connects: [agent, books]}
  - {id: parts, composed-of: {container: large, nodes: [one, two]}}
"""
SUGGESTED = {
    "circuit-breaker": {"desk-vendor"},
    "retry-budget": {"desk-large"},
    "bulkhead": {"agent-large"},
    "fallback-model": {"desk-large", "desk-small", "agent-large"},
    "health-and-ejection": {"large"},
    "load-shedding": {"desk-large", "agent-large"},
    "answer-cache": {"desk-vectors"},
    "spend-budget": {"agent-large"},
    "cheapest-first": {"large"},
    "human-in-the-loop": {"agent-books"},
}


def _no_files(name: str) -> str:
    raise FileNotFoundError(name)


def reports(text: str) -> Mapping[str, PatternReport]:
    blueprint = load(HEAD + text, source="case", read=_no_files)
    case = Case(
        system=System(blueprint), evidence=Evidence(), today=TODAY, limits=blueprint.review.limits
    )
    return {report.id: report for report in patterns(case)}


@pytest.mark.parametrize("pattern", SUGGESTED)
def test_a_pattern_is_recognised_by_its_control(pattern: str) -> None:
    assert reports(PRESENT)[pattern].present


def test_nothing_is_suggested_where_all_of_it_is_there() -> None:
    found = {name: report.suggested for name, report in reports(PRESENT).items()}
    found.pop("fallback-model")  # the small model is the end of the line for whoever asks it itself
    assert found == dict.fromkeys(found, ())


@pytest.mark.parametrize(("pattern", "subjects"), SUGGESTED.items())
def test_a_pattern_is_suggested_where_it_would_help(pattern: str, subjects: set[str]) -> None:
    assert {each.subject for each in reports(ABSENT)[pattern].suggested} == subjects


def test_what_is_suggested_as_a_patch_loads_and_is_then_recognised() -> None:
    data = read_yaml(HEAD + ABSENT, source="case").data
    for name, report in reports(ABSENT).items():
        for suggestion in report.suggested:
            if suggestion.patches:
                text = json.dumps(patched(data, suggestion.patches))
                blueprint = load(text, source="case", read=_no_files)
                assert blueprint.nodes, name
